/* One prefetch a line of the cache, spread by the caller over the work at hand. */
#include "cpu/matmul/ahead.h"

static void begin_quantized(matmul_ahead *a, const quantized_lines *q, int64_t line, int64_t lines, int64_t begin,
                            int64_t count) {
    int64_t size = matmul_dtype_bytes(q->scale_dtype), scale = (line * q->group_stride + begin / q->group) * size;
    *a = (matmul_ahead){.line_count = lines,
                        .lines = {(const char *)q->packed + line * q->packed_stride + begin * q->bits / 8,
                                  (const char *)q->scales + scale, (const char *)q->biases + scale},
                        .strides = {q->packed_stride, q->group_stride * size, q->group_stride * size},
                        .bytes = {count * q->bits / 8, count / q->group * size, count / q->group * size}};
}

void matmul_ahead_begin(matmul_ahead *a, const matmul_operand *o, int64_t first, int64_t count, int64_t k,
                        int64_t depth) {
    int64_t size = matmul_dtype_bytes(o->dtype);
    if (o->gather) {
        *a = (matmul_ahead){0};
        return;
    }
    bool by_depth = o->quantized ? o->by_depth : o->depth_stride != 1;
    int64_t line = by_depth ? k : first, lines = by_depth ? depth : count, begin = by_depth ? first : k,
            length = by_depth ? count : depth;
    if (o->quantized) {
        begin_quantized(a, o->quantized, line, lines, begin, length);
        return;
    }
    int64_t line_stride = by_depth ? o->depth_stride : o->stride, step = by_depth ? o->stride : 1;
    *a = (matmul_ahead){.line_count = step == 1 ? lines : 0, /* scattered values are not worth it */
                        .lines = {(const char *)o->data + (line * line_stride + begin) * size},
                        .strides = {line_stride * size},
                        .bytes = {length * size}};
}

void matmul_ahead_bytes(matmul_ahead *a, const void *bytes, int64_t count) {
    *a = (matmul_ahead){.line_count = 1, .lines = {bytes}, .bytes = {count}};
}

matmul_stream matmul_ahead_stream(const matmul_ahead *a, int64_t times) {
    if (times == 0 || a->line_count == 0 || a->lines[1]) return (matmul_stream){0};
    bool aligned = ((uintptr_t)a->lines[0] | (uintptr_t)a->strides[0]) % 64 == 0;
    int64_t each = (a->bytes[0] + (aligned ? 63 : 126)) / 64;
    return (matmul_stream){.at = a->lines[0],
                           .left = each,
                           .each = each,
                           .skip = a->strides[0] - each * 64,
                           .lines = (int)((a->line_count * each + times - 1) / times)};
}

/* Into the second-level cache: the first has no room for two panels. */
#define FETCH(p) __builtin_prefetch((p), 0, 2)

static const char *start_of_line(const char *p) {
    return p - (uintptr_t)p % 64;
}

void matmul_ahead_some(matmul_ahead *a, int64_t parts) {
    int64_t end = a->done + (a->line_count + parts - 1) / parts;
    if (end > a->line_count) end = a->line_count;
    for (; a->done < end; a->done++)
        for (int i = 0; i < 3 && a->lines[i]; i++) {
            const char *p = a->lines[i] + a->done * a->strides[i];
            for (const char *line = start_of_line(p); line < p + a->bytes[i]; line += 64) FETCH(line);
        }
}
