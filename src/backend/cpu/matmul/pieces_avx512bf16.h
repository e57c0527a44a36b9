/* A panel that is filled piece by piece, small enough for the time between two products of tiles: PIECE_ROWS rows of
   PIECE_DEPTH depths, those of the first depths come first. */
#ifndef CPU_MATMUL_PIECES_H
#define CPU_MATMUL_PIECES_H

#include "cpu/matmul/bf16.h"
#include "cpu/matmul/nibbles_avx512bf16.h"

enum { PIECE_ROWS = 4, PIECE_DEPTH = 64, PIECES_OF_DEPTH = ROW_PANEL_MAX / PIECE_ROWS };

/* Where the part begins in the rows, and bytes or scales from row to row. */
typedef struct {
    const uint8_t *lines;
    const uint16_t *scales, *biases; /* NULL: the rows are dense */
    int64_t line_stride, scale_stride;
    int group;
    int count; /* of pieces */
} bf16_pieces;

static inline bool pieces_are_dense(const matmul_operand *o) {
    return !o->gather && !o->quantized && o->dtype == MATMUL_BF16 && o->depth_stride == 1;
}

/* Scales are read by a word that begins before them. */
static inline bool pieces_are_nibbles(const matmul_operand *o, const matmul_part *part) {
    const quantized_lines *q = o->quantized;
    return q && !o->by_depth && q->bits == 4 && q->scale_dtype == MATMUL_BF16 && (part->row > 0 || part->k >= q->group);
}

/* No pieces where the rows are not 4-bit weights with bfloat16 scales or dense bfloat16, or do not fill their pieces:
   such a panel is filled at once. */
static inline bf16_pieces pieces_of(const matmul_engine *e, const matmul_operand *o, const matmul_part *part) {
    const quantized_lines *q = o->quantized;
    bool whole = e->parts == 1 && part->rows == ROW_PANEL_MAX && part->depth % PIECE_DEPTH == 0;
    int count = part->depth / PIECE_DEPTH * PIECES_OF_DEPTH;
    if (whole && pieces_are_dense(o))
        return (bf16_pieces){.lines = (const uint8_t *)o->data + (part->row * o->stride + part->k) * 2,
                             .line_stride = o->stride * 2,
                             .count = count};
    if (!whole || !pieces_are_nibbles(o, part)) return (bf16_pieces){0};
    int64_t scale = part->row * q->group_stride + part->k / q->group;
    return (bf16_pieces){.lines = q->packed + part->row * q->packed_stride + part->k / 2,
                         .scales = (const uint16_t *)q->scales + scale,
                         .biases = (const uint16_t *)q->biases + scale,
                         .line_stride = q->packed_stride,
                         .scale_stride = q->group_stride,
                         .group = q->group,
                         .count = count};
}

INLINE void copy_piece(const uint8_t *lines, int64_t stride, uint16_t *out, int64_t out_stride) {
    UNROLL(4)
    for (int i = 0; i < PIECE_ROWS; i++, lines += stride, out += out_stride) {
        _mm512_storeu_si512(out, _mm512_loadu_si512(lines));
        _mm512_storeu_si512(out + 32, _mm512_loadu_si512(lines + 64));
    }
}

/* `halves`: of the 64 depths, with a scale each. */
INLINE void look_up_piece(const bf16_pieces *p, const uint8_t *bytes, int64_t scale, int halves, uint16_t *out,
                          int64_t out_stride) {
    const __m512i shifts = nibble_shifts();
    const int64_t line_stride = p->line_stride, scale_stride = p->scale_stride;
    const uint16_t *scales = p->scales + scale, *biases = p->biases + scale;
    UNROLL(4)
    for (int i = 0; i < PIECE_ROWS; i++) {
        __m512i table = nibble_table(scales, biases),
                second = halves == 2 ? nibble_table(scales + 1, biases + 1) : table;
        _mm512_storeu_si512(out, look_up(bytes, shifts, table));
        _mm512_storeu_si512(out + 32, look_up(bytes + 16, shifts, second));
        bytes += line_stride, scales += scale_stride, biases += scale_stride, out += out_stride;
    }
}

/* Piece i of the panel [ROW_PANEL_MAX][out_stride]. */
INLINE void fill_piece(const bf16_pieces *p, int i, uint16_t *panel, int64_t out_stride) {
    const int64_t row = i % PIECES_OF_DEPTH * PIECE_ROWS, depth = i / PIECES_OF_DEPTH * PIECE_DEPTH;
    const uint8_t *lines = p->lines + row * p->line_stride;
    uint16_t *out = panel + row * out_stride + depth;
    if (!p->scales)
        copy_piece(lines + depth * 2, p->line_stride, out, out_stride);
    else if (p->group == 32)
        look_up_piece(p, lines + depth / 2, row * p->scale_stride + depth / 32, 2, out, out_stride);
    else
        look_up_piece(p, lines + depth / 2, row * p->scale_stride + (depth >> (p->group == 64 ? 6 : 7)), 1, out,
                      out_stride);
}

#endif
