/* Tokens in passes, lines in pairs, whatever the instruction set. */
#include "cpu/matmul/planes.h"

enum {
    GROUPS = 16,   /* steps and sums are padded to a multiple of this: kernels read so many at once */
    VALUES = 1024, /* and planes to this */
    BLOCK = 16     /* pairs of lines that stay in the second-level cache from pass to pass */
};

static int64_t padded_groups(const quantized_lines *q, int64_t k) {
    return (k / q->group + GROUPS - 1) / GROUPS * GROUPS + GROUPS;
}

/* Prepared: a step for each group, a sum for each group, the planes. */
int64_t planes_bytes(const planes_format *format, const quantized_lines *q, int64_t k) {
    return padded_groups(q, k) * 8 + (k + VALUES - 1) / VALUES * VALUES * format->value_bytes;
}

bool planes_prepare(const planes_format *format, const quantized_lines *q, const float *x, int64_t k, void *prepared) {
    float *steps = prepared, *sums = steps + padded_groups(q, k);
    char *planes = (char *)(sums + padded_groups(q, k));
    int64_t whole = k / VALUES * VALUES;
    memset(prepared, 0, (size_t)padded_groups(q, k) * 8);
    if (whole < k) memset(planes + whole * format->value_bytes, 0, (size_t)(VALUES * format->value_bytes));
    return format->split(q, x, k, planes, steps, sums);
}

/* The next one, two or four tokens that are not skipped, from *token on; their numbers in which[]. */
static int next_pass(const planes_product *p, planes_pass *pass, int64_t *token, int64_t *which) {
    int count = 0;
    int64_t most = p->tokens - *token >= PLANES_TOKENS ? PLANES_TOKENS : p->tokens - *token >= 2 ? 2 : 1;
    for (; *token < p->tokens && count < most; ++*token) {
        if (p->skip[*token]) continue;
        const char *prepared = p->prepared + *token * planes_bytes(p->format, p->lines, p->k);
        pass->steps[count] = (const float *)(const void *)prepared;
        pass->sums[count] = pass->steps[count] + padded_groups(p->lines, p->k);
        pass->planes[count] = pass->sums[count] + padded_groups(p->lines, p->k);
        which[count++] = *token;
    }
    if (count == 3) *token = which[--count]; /* some were skipped */
    return count;
}

static void find_lines(const quantized_lines *q, int64_t first, int64_t second, planes_pair *pair) {
    const int64_t line[2] = {first, second};
    for (int l = 0; l < 2; l++) {
        int64_t scale = line[l] * q->group_stride * matmul_dtype_bytes(q->scale_dtype);
        pair->packed[l] = q->packed + line[l] * q->packed_stride;
        pair->scales[l] = (const char *)q->scales + scale;
        pair->biases[l] = (const char *)q->biases + scale;
    }
}

/* Lines [first, first + count), each with the one `apart` further on. The tokens of a pass meet all of them before the
   next pass, so that their planes stay in the first-level cache. */
static void multiply_lines(const planes_product *p, planes_pass *pass, int64_t first, int64_t count, int64_t apart) {
    int64_t which[PLANES_TOKENS];
    int tokens;
    for (int64_t token = 0; (tokens = next_pass(p, pass, &token, which)) > 0;) {
        planes_kernel *run = p->format->find(p->lines, tokens);
        for (int64_t i = first; i < first + count; i++) {
            planes_pair pair;
            float out[2][PLANES_TOKENS];
            find_lines(p->lines, i, i + apart, &pair);
            run(pass, &pair, out);
            for (int l = 0; l < 2; l++)
                for (int t = 0; t < tokens; t++)
                    store_from_float(p->out_dtype, out[l][t], p->out, which[t] * p->out_stride + i + l * apart);
        }
    }
}

void planes_multiply(const planes_product *p, int64_t begin, int64_t end) {
    planes_pass pass = {.k = p->k, .bits = p->lines->bits, .scale_dtype = p->lines->scale_dtype};
    p->format->set_tables(&pass);
    int64_t half = (end - begin) / 2;
    for (int64_t i = 0; i < half; i += BLOCK)
        multiply_lines(p, &pass, begin + i, half - i < BLOCK ? half - i : BLOCK, half);
    if ((end - begin) & 1) multiply_lines(p, &pass, end - 1, 1, 0);
}
