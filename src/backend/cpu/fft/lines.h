/* The lines of a transform's operands: where they lie, and how they become lines of complex numbers side by side. */
#ifndef CPU_FFT_LINES_H
#define CPU_FFT_LINES_H

#include "backend/call.h"

/* Along `axis`; neighbours along `across`, if that is none (-1) along the last axis. */
typedef struct {
    const operand *from, *to;
    fft_kind kind;
    int axis, across;
    int64_t n;
} fft_operands;

/* The address of a line's first number. */
float *fft_line_of(const operand *o, int axis, int across, int64_t line);
/* How many numbers of a line are read: no more than it has. */
int64_t fft_line_count(const fft_operands *o);
/* n complex numbers: the line's, then zeros, or of half a line the conjugates. */
void fft_load(const fft_operands *o, int64_t line, float *to);
/* Of a real line n numbers one after the other, then zeros; of half a line n / 2 + 1 complex ones, of which the first
   and the last are real. n is even. */
void fft_load_halved(const fft_operands *o, int64_t line, float *to);
/* The result: `from` has complex numbers, or n real ones. */
void fft_store(const fft_operands *o, int64_t line, const float *from, bool real);

#endif
