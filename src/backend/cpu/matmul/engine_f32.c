/* Reads any operand as f32, for panels and stripes. Where neither axis is dense, values are gathered one by one. */
#include "cpu/matmul/engine_f32.h"

static void read_lines(const matmul_kit *kit, const matmul_operand *o, int64_t offset, int64_t line_stride,
                       int64_t step, int64_t lines, int64_t count, float *out, int64_t out_stride) {
    const char *p = (const char *)o->data + offset * matmul_dtype_bytes(o->dtype);
    if (step == 1) {
        kit->widen(o->dtype, p, line_stride, lines, count, out, out_stride);
        return;
    }
    for (int64_t l = 0; l < lines; l++)
        for (int64_t i = 0; i < count; i++)
            out[l * out_stride + i] = load_as_float(o->dtype, p, l * line_stride + i * step);
}

/* Lines are read into a small block and turned from there. */
static void read_turned(const matmul_kit *kit, const matmul_operand *o, int64_t offset, int64_t line_stride,
                        int64_t step, const matmul_region *r, float *out) {
    enum { LINES = 16, COUNT = 64 };
    float block[LINES * COUNT];
    for (int64_t l = 0; l < r->lines; l += LINES)
        for (int64_t c = 0; c < r->count; c += COUNT) {
            int64_t lines = r->lines - l < LINES ? r->lines - l : LINES,
                    count = r->count - c < COUNT ? r->count - c : COUNT;
            float *to = out + c * r->out_stride + l;
            if (o->dtype == MATMUL_F32 && step == 1) { /* no need to copy */
                kit->transpose((const float *)o->data + offset + l * line_stride + c, line_stride, lines, count, to,
                               r->out_stride);
                continue;
            }
            read_lines(kit, o, offset + l * line_stride + c * step, line_stride, step, lines, count, block, COUNT);
            kit->transpose(block, COUNT, lines, count, to, r->out_stride);
        }
}

void matmul_read_dense(const matmul_kit *kit, const matmul_operand *o, bool lines_are_depth, const matmul_region *r,
                       float *out) {
    int64_t line_stride = lines_are_depth ? o->depth_stride : o->stride,
            step = lines_are_depth ? o->stride : o->depth_stride;
    int64_t offset = r->first * line_stride + r->begin * step;
    if (r->turned)
        read_turned(kit, o, offset, line_stride, step, r, out);
    else
        read_lines(kit, o, offset, line_stride, step, r->lines, r->count, out, r->out_stride);
}

static void read_quantized(const matmul_kit *kit, const matmul_operand *o, const matmul_region *r, float *out) {
    enum { LINES = 16 };
    float block[LINES * DEPTH_BLOCK_MAX];
    if (!r->turned) {
        for (int64_t l = 0; l < r->lines; l++)
            kit->dequantize(o->quantized, r->first + l, r->begin, r->count, out + l * r->out_stride);
        return;
    }
    for (int64_t l = 0; l < r->lines; l += LINES) {
        int64_t lines = r->lines - l < LINES ? r->lines - l : LINES;
        for (int64_t i = 0; i < lines; i++)
            kit->dequantize(o->quantized, r->first + l + i, r->begin, r->count, block + i * DEPTH_BLOCK_MAX);
        kit->transpose(block, DEPTH_BLOCK_MAX, lines, r->count, out + l, r->out_stride);
    }
}

void matmul_fill_f32(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int64_t k,
                     int depth, void *panel) {
    float *out = panel;
    if (rows->quantized) {
        matmul_region r = {row, count, k, depth, engine->panel_line, false};
        read_quantized(engine->kit, rows, &r, out);
    } else {
        bool turned = rows->stride == 1 && rows->depth_stride != 1;
        matmul_region r = turned ? (matmul_region){k, depth, row, count, engine->panel_line, true}
                                 : (matmul_region){row, count, k, depth, engine->panel_line, false};
        matmul_read_dense(engine->kit, rows, turned, &r, out);
    }
    for (int i = count; i < engine->panel_rows; i++)
        memset(out + (int64_t)i * engine->panel_line, 0, (size_t)depth * sizeof *out);
}

void matmul_pack_f32(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count, int width,
                     int64_t k, int depth, const quantized_lines *rows, void *stripe) {
    (void)rows;
    float *out = stripe;
    if (count < width) memset(out, 0, (size_t)depth * (size_t)width * sizeof *out);
    if (columns->quantized) { /* by_depth: a line holds the columns */
        matmul_region r = {k, depth, column, count, width, false};
        read_quantized(engine->kit, columns, &r, out);
        return;
    }
    bool by_depth = columns->stride == 1;
    matmul_region r = by_depth ? (matmul_region){k, depth, column, count, width, false}
                               : (matmul_region){column, count, k, depth, width, true};
    matmul_read_dense(engine->kit, columns, by_depth, &r, out);
}
