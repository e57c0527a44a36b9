#include "cpu/matmul/complex.h"

static const char *element(const matmul_operand *o, int64_t line, int64_t k) {
    return (const char *)o->data + (line * o->stride + k * o->depth_stride) * 8;
}

/* matmul_gather.read of the first factor. Blocks begin and end between numbers. */
static void read_pairs(const void *operand, int64_t line, int lines, int64_t k, int depth, void *out, int64_t stride) {
    float *to = out;
    for (int i = 0; i < lines; i++)
        for (int d = 0; d < depth; d += 2)
            memcpy(to + i * stride + d, element(operand, line + i, (k + d) / 2), 2 * sizeof *to);
}

/* Of the second: line 2 j is (re, -im) of line j of the numbers, line 2 j + 1 is (im, re). */
static void read_crossed(const void *operand, int64_t line, int lines, int64_t k, int depth, void *out,
                         int64_t stride) {
    float *to = out, number[2];
    for (int i = 0; i < lines; i++)
        for (int d = 0; d < depth; d += 2) {
            bool odd = (line + i) % 2;
            memcpy(number, element(operand, (line + i) / 2, (k + d) / 2), sizeof number);
            to[i * stride + d] = odd ? number[1] : number[0];
            to[i * stride + d + 1] = odd ? number[0] : -number[1];
        }
}

/* The first factor lies as it is needed if its depth is dense. */
static matmul_operand pairs_of(const matmul_operand *o, matmul_gather *gather) {
    *gather = (matmul_gather){.read = read_pairs, .context = o};
    if (o->depth_stride == 1)
        return (matmul_operand){.data = o->data, .dtype = MATMUL_F32, .stride = 2 * o->stride, .depth_stride = 1};
    return (matmul_operand){.dtype = MATMUL_F32, .gather = gather};
}

static matmul_operand crossed_of(const matmul_operand *o, matmul_gather *gather) {
    *gather = (matmul_gather){.read = read_crossed, .context = o};
    return (matmul_operand){.dtype = MATMUL_F32, .gather = gather};
}

gemm_problem complex_as_floats(const gemm_problem *p, bool turned, complex_factors *f) {
    gemm_problem floats = *p;
    *f = (complex_factors){.rows = p->rows, .columns = p->columns};
    floats.rows = turned ? crossed_of(&f->rows, &f->crossed) : pairs_of(&f->rows, &f->pairs);
    floats.columns = turned ? pairs_of(&f->columns, &f->pairs) : crossed_of(&f->columns, &f->crossed);
    floats.row_count *= turned ? 2 : 1;
    floats.column_count *= turned ? 1 : 2;
    floats.depth *= 2;
    floats.out_row_stride *= turned ? 1 : 2;
    floats.out_column_stride *= turned ? 2 : 1;
    floats.out_dtype = MATMUL_F32;
    return floats;
}
