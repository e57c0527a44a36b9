/* Hard mode's checks around kernels of devices whose memory is the host's (base/hard.h). */
#ifndef EVAL_HARD_H
#define EVAL_HARD_H

#include "core/buffer.h"

/* Fills the buffer's new block, in stream order. */
bool hard_fill(buffer *b, tarn_stream *stream);
/* Whether the guard bytes behind the buffer's block are untouched. */
bool hard_guard_holds(const buffer *b, const void *data);

#endif
