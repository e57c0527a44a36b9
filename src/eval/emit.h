/* What values.c, emit.c and group.c share: making values, storages and steps. */
#ifndef EVAL_EMIT_H
#define EVAL_EMIT_H

#include "eval/schedule.h"

/* values.c */
int emit_new_storage(schedule *s, int64_t bytes, int input, tarn_stream *stream);      /* its index; -1 on failure */
int emit_new_value(schedule *s, int at, tarn_dtype dtype, const array_layout *layout); /* in storage `at` */
int emit_dense_value(schedule *s, const tarn_array *a, tarn_stream *stream);           /* in a storage of its own */
int emit_value_of(schedule *s, int e); /* the program's value of an entry; -1 on failure */
void emit_set_value(schedule *s, int e, int v);
void emit_consume(schedule *s, int e, tarn_stream *stream); /* one use of an entry is behind us */
int64_t emit_bytes_of(const schedule *s, int v);            /* of its elements */
bool emit_is_dense(const schedule *s, int v);
bool emit_is_unaligned(const schedule *s, int v);
bool emit_is_small_part(const schedule *s, int v);
bool emit_is_foreign(const schedule *s, int v);
bool emit_may_take(const schedule *s, const step *st, int i, const tarn_array *out); /* out in the memory of input i */
int emit_take(schedule *s, int v, const tarn_array *out);

/* emit.c */
int emit_copy(schedule *s, int v, tarn_stream *stream); /* a dense copy */

/* A row is chosen before outputs have their places: it is asked with each of them (output(context, k)) dense. */
typedef const tarn_array *(*emit_output)(const void *context, int k);
bool emit_choose_row(schedule *s, step *st, emit_output output, const void *context);
bool emit_measure_workspace(schedule *s, step *st); /* when inputs and outputs have their places */
int emit_step(schedule *s, step made);

bool emit_group(schedule *s, const unit *u);

#endif
