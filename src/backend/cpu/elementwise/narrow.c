/* One operation on integers of one byte or two, which lie side by side or are the same for all: no registers of 32 bits
   are needed. */
#include <string.h>

#include "base/threads.h"
#include "cpu/elementwise/elementwise.h"

enum {
    BLOCK = 4096, /* elements */
    GRAIN = 1 << 17,
    MOST_BYTES = 16 << 20 /* of the output: more moves past the caches while blocks compute (plan.c) */
};

typedef struct {
    const char *data;
    int64_t bytes; /* of an element */
    bool still;    /* one element for all */
} argument;

typedef struct {
    elementwise_narrow_loop loop;
    argument arguments[2];
    char *to;
    int64_t bytes, size; /* of the result: of an element; elements */
} narrow_job;

/* The input that the register holds. */
static bool find_argument(argument *a, const call *c, int place, tarn_dtype dtype) {
    const group_program *p = c->program;
    const operand *input = NULL;
    for (int i = 0; i < p->input_count; i++)
        if (p->input_registers[i] == p->instructions[0].arguments[place]) input = &c->inputs[i];
    if (!input || input->dtype != dtype || !(operand_is_still(input) || operand_is_dense(input))) return false;
    *a = (argument){input->data, dtype_bytes(dtype), operand_is_still(input)};
    return true;
}

static void repeat(char *to, const argument *a, int64_t count) {
    uint16_t two;
    if (a->bytes == 1) {
        memset(to, *(const unsigned char *)a->data, (size_t)count);
        return;
    }
    memcpy(&two, a->data, sizeof two);
    for (int64_t i = 0; i < count; i++) memcpy(to + i * (int64_t)sizeof two, &two, sizeof two);
}

static void run_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const narrow_job *j = context;
    char same[2][2 * BLOCK];
    for (int k = 0; k < 2; k++)
        if (j->arguments[k].still) repeat(same[k], &j->arguments[k], end - begin < BLOCK ? end - begin : BLOCK);
    for (int64_t at = begin; at < end; at += BLOCK) {
        int64_t count = end - at < BLOCK ? end - at : BLOCK;
        const char *from[2];
        for (int k = 0; k < 2; k++)
            from[k] = j->arguments[k].still ? same[k] : j->arguments[k].data + at * j->arguments[k].bytes;
        j->loop(j->to + at * j->bytes, from[0], from[1], count);
    }
}

bool elementwise_run_narrow(const call *c, const elementwise_kernels *kernels) {
    const group_program *p = c->program;
    const group_instruction *in = p->instructions;
    if (p->instruction_count != 1 || p->output_count != 1 || p->output_registers[0] != in->result) return false;
    const elementwise_narrow_loop *loops = kernels->narrow[in->input_dtype];
    if (!loops || !loops[in->op]) return false;
    operand *out = &c->outputs[0];
    narrow_job j = {.loop = loops[in->op], .to = out->data};
    j.bytes = dtype_bytes(out->dtype), j.size = operand_size(out);
    if (!j.to || j.size * j.bytes >= MOST_BYTES) return false;
    for (int k = 0; k < 2; k++)
        if (!find_argument(&j.arguments[k], c, k, (tarn_dtype)in->input_dtype)) return false;
    parallel_for(j.size, GRAIN, run_part, &j);
    return true;
}
