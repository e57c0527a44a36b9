/* Panels and stripes of the f64 engines. Only dense operands are read. */
#include "cpu/matmul/engine_f32.h"

/* out[i * out_stride + k] = element (line + i, k0 + k), turned: out[k * out_stride + i]. */
static void read_doubles(const matmul_operand *o, int64_t line, int count, int64_t k, int depth, bool turned,
                         double *out, int64_t out_stride) {
    const double *data = (const double *)o->data + line * o->stride + k * o->depth_stride;
    int64_t line_step = turned ? 1 : out_stride, depth_step = turned ? out_stride : 1;
    bool lines_outside = o->depth_stride == 1; /* the inner loop reads what lies side by side */
    int outer = lines_outside ? count : depth, inner = lines_outside ? depth : count;
    int64_t from_outer = lines_outside ? o->stride : o->depth_stride,
            from_inner = lines_outside ? o->depth_stride : o->stride;
    int64_t to_outer = lines_outside ? line_step : depth_step, to_inner = lines_outside ? depth_step : line_step;
    for (int a = 0; a < outer; a++) {
        const char *from = (const char *)(data + a * from_outer);
        double *to = out + a * to_outer;
        if (from_inner == 1 && to_inner == 1) {
            memcpy(to, from, (size_t)inner * sizeof *to);
            continue;
        }
        for (int b = 0; b < inner; b++) memcpy(to + b * to_inner, from + b * from_inner * 8, sizeof *to);
    }
}

void matmul_fill_f64(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int64_t k,
                     int depth, void *panel) {
    double *out = panel;
    read_doubles(rows, row, count, k, depth, false, out, engine->panel_line);
    for (int i = count; i < engine->panel_rows; i++)
        memset(out + (int64_t)i * engine->panel_line, 0, (size_t)depth * sizeof *out);
}

void matmul_pack_f64(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count, int width,
                     int64_t k, int depth, const quantized_lines *rows, void *stripe) {
    (void)engine, (void)rows;
    if (count < width) memset(stripe, 0, (size_t)depth * (size_t)width * sizeof(double));
    read_doubles(columns, column, count, k, depth, true, stripe, width);
}
