/* Calls that the CUDA device runs as one kernel against the same calls one by one: to the last bit where sums have one
   order, also where results lie in memory that is read before. Skips where there is no device. */
#include "cuda_device.h"

enum { MOST_CALLS = 8, MOST_BLOCKS = 64 };

static void *blocks[MOST_BLOCKS];
static int block_count;

static operand there(operand o) {
    return sent(&o, &blocks[block_count++]);
}
static void release_all(void) {
    while (block_count) cuda->release(0, blocks[--block_count]);
}

static operand returned(operand o) {
    operand here = o;
    int64_t bytes = operand_size(&o) * dtype_bytes(o.dtype);
    here.data = keep((size_t)bytes + 1, 1);
    CHECK(copy_bytes(here.data, o.data, bytes, COPY_TO_HOST), "%s", tarn_error());
    return here;
}

static void same(operand a, operand b, const char *what) {
    CHECK(!memcmp(a.data, b.data, (size_t)(operand_size(&a) * dtype_bytes(a.dtype))), "%s %s differ", what,
          dtype_facts[a.dtype].name);
}

static void alike(operand a, operand b, double most, const char *what) {
    double error = 0, size = 0;
    for (int64_t i = 0, n = operand_size(&a); i < n; i++) {
        double e = get(&b, i), d = get(&a, i) - e;
        if (isinf(e) && get(&a, i) == e) continue; /* products of half types may go beyond them */
        error += d * d, size += e * e;
    }
    CHECK(error <= most * most * size, "%s %s: %g", what, dtype_facts[a.dtype].name, sqrt(error / size));
}

static double rounding(tarn_dtype dtype) {
    return dtype == TARN_FLOAT32 ? 1e-6 : dtype == TARN_FLOAT16 ? 6e-4 : 4e-3;
}

enum { ANY_NUMBER = -1 };

/* Of a workspace the first 4 MiB are no numbers: rows that fill x up to a multiple of eight are read as they lie there,
   and must not get into a result. */
static void *workspace_of(int64_t bytes) {
    enum { MOST = 4 << 20 };
    static char nothing[MOST];
    memset(nothing, 0xFF, MOST);
    void *workspace = blocks[block_count++] = cuda->allocate(0, bytes);
    CHECK(copy_bytes(workspace, nothing, bytes < MOST ? bytes : MOST, COPY_TO_DEVICE), "%s", tarn_error());
    return workspace;
}

/* The calls' operands lie on the device. joined: how many are to be joined with the one before them, when together. */
static void run_calls(call *calls, int count, bool together, int64_t joined) {
    int64_t before = calls_joined();
    for (int i = 0; i < count; i++) {
        call *c = &calls[i];
        bool ok = choose_row(cuda, c) && (!c->row->prepare || c->row->prepare(c, &c->prepared));
        CHECK(ok, "%s: %s", op_name(c->op), tarn_error());
        int64_t bytes = c->row && c->row->workspace ? c->row->workspace(c) : 0;
        if (bytes) c->workspace = workspace_of(bytes);
    }
    for (int i = 0; i < count; i += together ? count : 1)
        CHECK(run_and_wait((submission){.calls = calls + i, .call_count = together ? count : 1}), "%s", tarn_error());
    int64_t found = calls_joined() - before;
    CHECK(found == (together ? joined : 0) || (together && joined == ANY_NUMBER), "%s: %lld calls joined, not %lld",
          op_name(calls[0].op), (long long)found, (long long)joined);
}

/* ---- a norm, a product, a sum or gate */
typedef enum { NOTHING, SUM, GATE } behind;
typedef struct {
    tarn_dtype dtype;
    int64_t rows, k, bits; /* 16: dense */
    bool norm, weight;
    behind after;
    int place;         /* of the result: 0 its own memory, 1 the product's, 2 the other summand's, 3 the input's; 4 its
                          own, and the other summand is the normed row, 5 that of this summand */
    bool norms, gates; /* whether a norm before it, or a gate behind it, is joined with it */
} product_case;

static int64_t joined_products(const product_case *t) {
    bool before = t->norm && t->norms, after = t->after == SUM || (t->after == GATE && t->gates);
    return t->place ? ANY_NUMBER : before + after;
}

static group_instruction step_of(op_id op, int result, int a, int b, tarn_dtype dtype) {
    return (group_instruction){.op = (uint16_t)op,
                               .result = (uint16_t)result,
                               .arguments = {(uint16_t)a, (uint16_t)b},
                               .input_dtype = (uint8_t)dtype,
                               .dtype = (uint8_t)dtype};
}

static operand as_row(operand o, int64_t n) {
    operand v = make(o.dtype, DIMS(1, 1, n));
    v.data = o.data;
    return v;
}

/* Words, scales and biases of the weights, by the reference. */
static void pack(operand *parts, operand dense, int64_t group, int64_t bits) {
    attributes_quantize how = {.group_size = group, .bits = bits};
    CHECK(run_call(&backend_reference, (call){.op = OP_quantize,
                                              .attributes = &how,
                                              .input_count = 1,
                                              .output_count = 3,
                                              .inputs = &dense,
                                              .outputs = parts}),
          "%s", tarn_error());
}

static call call_of(op_id op, const void *attributes, int input_count, operand *inputs, operand *to) {
    return (call){.op = op,
                  .attributes = attributes,
                  .input_count = input_count,
                  .output_count = 1,
                  .inputs = inputs,
                  .outputs = to};
}
/* inputs: x and the weight. */
static call norm_of(const attributes_rms_norm *norm, operand *inputs, operand *to) {
    return call_of(OP_rms_norm, norm, 2, inputs, to);
}

typedef struct {
    operand x, weight, w[3], other;
} product_inputs;

static product_inputs draw(const product_case *t) {
    product_inputs in = {.x = randomized(t->dtype, DIMS(1, 1, t->k), DOMAIN_UNIT),
                         .weight = randomized(t->dtype, DIMS(t->k), DOMAIN_POSITIVE),
                         .other = randomized(t->dtype, DIMS(1, 1, t->rows), DOMAIN_UNIT)};
    in.w[0] = randomized(t->dtype, DIMS(t->rows, t->k), DOMAIN_UNIT);
    if (t->bits == 16) return in;
    operand dense = in.w[0];
    in.w[0] = make(TARN_UINT32, DIMS(t->rows, t->k * t->bits / 32));
    in.w[1] = make(t->dtype, DIMS(t->rows, t->k / 64));
    in.w[2] = make(t->dtype, DIMS(t->rows, t->k / 64));
    pack(in.w, dense, 64, t->bits);
    return in;
}

/* results: the normed row, the product, what is made of it; those that are overwritten are not given. */
static void run_product(const product_case *t, const product_inputs *in, bool together, operand *results) {
    operand x = there(in->x), y = there(make(t->dtype, DIMS(1, 1, t->rows))),
            normed = there(make(t->dtype, DIMS(1, 1, t->k))), other = t->place < 4 ? there(in->other) : normed;
    int64_t made = t->after == GATE ? t->rows / 2 : t->rows;
    operand result = t->place == 1                    ? as_row(y, made)
                     : t->place == 2 || t->place == 5 ? other
                     : t->place == 3 && made <= t->k  ? as_row(x, made)
                                                      : there(make(t->dtype, DIMS(1, 1, made)));
    attributes_rms_norm norm = {.eps = 1e-3};
    attributes_quantized_matmul packed = {.transpose = true, .group_size = 64, .bits = t->bits};
    operand normings[2] = {x}, factors[4] = {t->norm ? normed : x}, parts[2];
    if (t->weight) normings[1] = there(in->weight);
    for (int i = 0; i < (t->bits == 16 ? 1 : 3); i++) factors[1 + i] = there(in->w[i]);
    if (t->bits == 16) factors[1] = transposed(factors[1]);
    group_instruction sum[] = {step_of(OP_add, 2, 1, 0, t->dtype)},
                      gate[] = {step_of(OP_silu, 2, 0, 0, t->dtype), step_of(OP_multiply, 3, 2, 1, t->dtype)};
    group_program program = {.input_count = 2,
                             .output_count = 1,
                             .instruction_count = t->after == GATE ? 2 : 1,
                             .register_count = t->after == GATE ? 4 : 3,
                             .input_registers = (uint16_t[]){0, 1},
                             .output_registers = (uint16_t[]){t->after == GATE ? 3 : 2},
                             .instructions = t->after == GATE ? gate : sum};
    parts[0] = t->after == GATE ? as_row(y, made) : other;
    parts[1] = as_row(y, made);
    if (t->after == GATE) parts[1].data = (char *)y.data + made * dtype_bytes(t->dtype);
    call calls[3];
    int count = 0;
    if (t->norm) calls[count++] = norm_of(&norm, normings, &normed);
    calls[count++] =
        call_of(t->bits == 16 ? OP_matmul : OP_quantized_matmul, &packed, t->bits == 16 ? 2 : 4, factors, &y);
    if (t->after)
        calls[count++] = (call){.op = OP_group,
                                .program = &program,
                                .input_count = 2,
                                .output_count = 1,
                                .inputs = parts,
                                .outputs = &result};
    run_calls(calls, count, together, joined_products(t));
    results[0] = returned(normed), results[1] = returned(y), results[2] = returned(result);
    release_all();
}

static void test_product(product_case t, const product_inputs *in) {
    operand one[3], all[3];
    run_product(&t, in, false, one);
    run_product(&t, in, true, all);
    char what[128];
    snprintf(what, sizeof what, "%lld x %lld, %lld bits%s, behind %d, place %d:", (long long)t.rows, (long long)t.k,
             (long long)t.bits, t.norm ? ", normed" : "", (int)t.after, t.place);
    if (t.norm) same(all[0], one[0], what);
    if (t.place != 1) t.after == GATE ? alike(all[1], one[1], rounding(t.dtype), what) : same(all[1], one[1], what);
    if (t.after == SUM) same(all[2], one[2], what);
    if (t.after == GATE) alike(all[2], one[2], rounding(t.dtype), what); /* its rows may be cut into other parts */
}

static void test_size(product_case t) {
    product_inputs in = draw(&t);
    for (int after = NOTHING; after <= GATE; after++)
        for (int norm = 0; norm < 3; norm++) {
            t.norm = norm > 0, t.weight = norm > 1, t.after = (behind)after;
            const bool square = t.norm && t.rows == t.k && after == SUM;
            for (t.place = 0; t.place < (!after ? 1 : square ? 6 : 4); t.place++)
                if (t.place != 2 || after == SUM) test_product(t, &in);
        }
}

static void test_products(tarn_dtype dtype) {
    bool half = dtype != TARN_FLOAT32; /* a row of 16 KiB at most is normed by every block */
    const product_case cases[] = {{.rows = 16, .k = 256, .norms = true, .gates = true},
                                  {.rows = 48, .k = 512, .norms = true, .gates = true},
                                  {.rows = 264, .k = 3072, .norms = true, .gates = false},
                                  {.rows = 32, .k = 8192, .norms = half, .gates = true},
                                  {.rows = 512, .k = 512, .norms = true, .gates = true},
                                  {.rows = 8464, .k = 512, .norms = true, .gates = true}};
    for (int s = 0; s < 6; s++)
        for (int64_t bits = 4; bits <= 16; bits *= 2) {
            product_case t = cases[s];
            t.dtype = dtype, t.bits = bits;
            test_size(t);
        }
}

/* ---- a token of a cache. NORMED: queries and keys, after values were written and between the others; UNREAD: and
   nobody reads the rotated keys but the cache; LATEST: attention of the last of several tokens alone */
typedef enum { PLAIN, NORMED, UNREAD, LATEST, FORMS } cache_form;
static bool is_normed(cache_form form) {
    return form == NORMED || form == UNREAD;
}
typedef struct {
    tarn_dtype dtype;
    int64_t batch, heads, kv_heads, keys, dim, value_dim, position;
    bool traditional, over; /* over: the result lies where the projections do */
    bool whole;             /* heads are turned whole, not by half */
    int64_t more;           /* tokens beside the first: not together with attention */
    bool apart;             /* each row of the batch is at a position of its own */
    int64_t product;        /* a packed product of so many rows behind it; 0: none */
    int64_t joined;         /* calls, of half types, where clusters run or none are needed */
    cache_form form;
} cache_case;

/* Of float32 neither several tokens nor a product behind them. */
static int64_t joined_cache(const cache_case *t) {
    enum { STEP = 4 };
    if (t->over) return ANY_NUMBER;
    if (!t->more && !runs_hopper()) return 0;
    int64_t joined = t->dtype != TARN_FLOAT32 ? t->joined : t->more ? 0 : STEP;
    return joined && is_normed(t->form) ? joined + 2 : joined;
}

static void run_cache(const cache_case *t, const operand *in, bool together, operand *results) {
    operand q = there(in[0]), k = there(in[1]), v = there(in[2]), keys = there(in[3]), values = there(in[4]),
            offset = there(in[5]), length = there(in[6]);
    int64_t rows = 1 + t->more;
    operand turned_q = there(make(t->dtype, DIMS(t->batch, t->heads, rows, t->dim))),
            turned_k = there(make(t->dtype, DIMS(t->batch, t->kv_heads, rows, t->dim))),
            out = there(make(t->dtype, DIMS(t->batch, t->heads, t->form == LATEST ? 1 : rows, t->value_dim))),
            asked = turned_q;
    if (t->form == LATEST)
        asked = view(turned_q, t->more * t->dim, DIMS(t->batch, t->heads, 1, t->dim),
                     DIMS(t->heads * rows * t->dim, rows * t->dim, t->dim, 1));
    if (t->over) out.data = q.data;
    attributes_rope rope = {
        .base = 10000, .scale = 1, .dims = t->whole ? t->dim : t->dim / 2, .traditional = t->traditional};
    attributes_slice_update write = {.axes = DIMS(2)};
    attributes_attention attend = {.scale = NAN, .causal = true};
    attributes_quantized_matmul packed = {.transpose = true, .group_size = 64, .bits = 4};
    int64_t width = t->heads * t->value_dim;
    operand factors[4] = {view(out, 0, DIMS(t->batch, width), DIMS(width, 1))}, y = {0};
    for (int i = 1; t->product && i < 4; i++) factors[i] = there(in[6 + i]);
    if (t->product) y = there(make(t->dtype, DIMS(t->batch, t->product)));
    operand start = t->apart ? view(offset, 0, DIMS(t->batch, 1), DIMS(1, 1)) : offset;
    const bool normed = is_normed(t->form);
    operand normed_q = normed ? there(make(t->dtype, DIMS(t->batch, t->heads, rows, t->dim))) : q,
            normed_k = normed ? there(make(t->dtype, DIMS(t->batch, t->kv_heads, rows, t->dim))) : k,
            weight = there(in[10]);
    attributes_rms_norm norm = {.eps = 1e-3};
    operand n0[] = {q, weight}, n1[] = {k, weight}, r0[] = {normed_q, offset, {0}}, r1[] = {normed_k, offset, {0}},
            w0[] = {keys, turned_k, start}, w1[] = {values, v, start}, a[] = {asked, keys, values, {0}, length, {0}};
    const call turn_q = call_of(OP_rope, &rope, 3, r0, &turned_q), turn_k = call_of(OP_rope, &rope, 3, r1, &turned_k),
               write_v = call_of(OP_slice_update, &write, 3, w1, &values),
               see = call_of(OP_attention, &attend, 6, a, &out),
               multiply = call_of(OP_quantized_matmul, &packed, 4, factors, &y), norm_q = norm_of(&norm, n0, &normed_q),
               norm_k = norm_of(&norm, n1, &normed_k);
    call write_k = call_of(OP_slice_update, &write, 3, w0, &keys);
    write_k.last_reads = t->form == UNREAD ? 2 : 0;
    call plain[] = {turn_q, turn_k, write_k, write_v, see, multiply},
         around[] = {write_v, norm_k, turn_k, write_k, norm_q, turn_q, see, multiply};
    run_calls(normed ? around : plain, (normed ? 7 : 5) + (t->product > 0), together, joined_cache(t));
    if (t->product) results[5] = returned(y);
    results[0] = returned(turned_q), results[1] = returned(turned_k), results[2] = returned(keys),
    results[3] = returned(values), results[4] = returned(out);
    release_all();
}

static void test_cache(cache_case t) {
    int64_t rows = 1 + t.more;
    operand in[] = {randomized(t.dtype, DIMS(t.batch, t.heads, rows, t.dim), DOMAIN_UNIT),
                    randomized(t.dtype, DIMS(t.batch, t.kv_heads, rows, t.dim), DOMAIN_UNIT),
                    randomized(t.dtype, DIMS(t.batch, t.kv_heads, rows, t.value_dim), DOMAIN_UNIT),
                    randomized(t.dtype, DIMS(t.batch, t.kv_heads, t.keys, t.dim), DOMAIN_UNIT),
                    randomized(t.dtype, DIMS(t.batch, t.kv_heads, t.keys, t.value_dim), DOMAIN_UNIT),
                    make(TARN_INT32, DIMS(t.apart ? t.batch : 1)),
                    make(TARN_INT32, DIMS(t.batch)),
                    make(TARN_UINT32, DIMS(t.product, t.heads * t.dim / 8)),
                    make(t.dtype, DIMS(t.product, t.heads * t.dim / 64)),
                    make(t.dtype, DIMS(t.product, t.heads * t.dim / 64)),
                    randomized(t.dtype, DIMS(t.dim), DOMAIN_POSITIVE)};
    for (int64_t b = 0; b < t.batch; b++) {
        int64_t position = t.position + (t.apart ? b * 37 % 100 : 0);
        put(&in[5], t.apart ? b : 0, (double)position);
        put(&in[6], b, (double)(position + rows));
    }
    operand dense = randomized(t.dtype, DIMS(t.product, t.heads * t.dim), DOMAIN_UNIT), one[6], all[6];
    if (t.product) pack(in + 7, dense, 64, 4);
    run_cache(&t, in, false, one);
    run_cache(&t, in, true, all);
    const char *names[] = {"rotated queries", "rotated keys", "kept keys", "kept values"};
    for (int i = 0; i < 4; i++)
        if (i ? i > 1 || t.form != UNREAD : !t.over) same(all[i], one[i], names[i]);
    alike(all[4], one[4], rounding(t.dtype), "attention");
    if (t.product) alike(all[5], one[5], rounding(t.dtype), "product behind attention");
}

static void test_caches(tarn_dtype dtype) {
    const cache_case cases[] = {{dtype, 1, 24, 8, 768, 128, 128, 511, false, false, false, 0, false, 0, 4, PLAIN},
                                {dtype, 1, 24, 8, 2048, 128, 128, 1500, true, false, false, 0, false, 0, 4, PLAIN},
                                {dtype, 2, 8, 2, 300, 64, 64, 0, false, false, false, 0, false, 0, 4, PLAIN},
                                {dtype, 1, 16, 1, 96, 96, 80, 95, false, true, false, 0, false, 0, 0, PLAIN},
                                {dtype, 3, 4, 4, 1025, 256, 256, 1000, false, false, false, 0, false, 0, 4, PLAIN},
                                {dtype, 1, 6, 2, 64, 64, 32, 30, true, true, false, 0, false, 0, 0, PLAIN},
                                {dtype, 1, 5, 5, 70, 32, 64, 69, true, false, false, 0, false, 0, 4, PLAIN},
                                {dtype, 1, 24, 8, 768, 128, 128, 511, false, false, true, 0, false, 0, 4, PLAIN},
                                {dtype, 1, 24, 8, 768, 128, 128, 600, false, false, true, 0, false, 0, 4, PLAIN},
                                {dtype, 2, 8, 8, 1024, 128, 128, 0, false, false, true, 0, false, 0, 4, PLAIN},
                                {dtype, 3, 16, 2, 2000, 64, 64, 1999, false, true, true, 0, false, 0, 0, PLAIN},
                                {dtype, 1, 20, 4, 5000, 128, 128, 2100, false, false, true, 0, false, 0, 4, PLAIN},
                                {dtype, 1, 24, 8, 768, 128, 128, 0, false, false, true, 511, false, 0, 3, PLAIN},
                                {dtype, 1, 6, 2, 300, 64, 64, 100, false, false, true, 69, false, 0, 3, PLAIN},
                                {dtype, 2, 4, 4, 80, 96, 96, 90, false, false, true, 30, false, 0, 3, PLAIN},
                                {dtype, 1, 64, 8, 200, 128, 64, 50, false, false, true, 40, false, 0, 3, PLAIN},
                                {dtype, 2, 6, 2, 100, 48, 96, 90, false, false, true, 8, false, 0, 3, PLAIN},
                                {dtype, 1, 4, 2, 200, 256, 256, 7, true, false, true, 99, false, 0, 0, PLAIN},
                                {dtype, 1, 4, 2, 200, 256, 256, 7, false, false, false, 99, false, 0, 0, PLAIN},
                                {dtype, 8, 24, 8, 768, 128, 128, 511, false, false, true, 0, true, 0, 4, PLAIN},
                                {dtype, 8, 24, 8, 768, 128, 128, 511, false, false, true, 0, true, 3072, 5, PLAIN},
                                {dtype, 32, 6, 2, 1300, 64, 64, 1000, false, false, true, 0, true, 200, 5, PLAIN},
                                {dtype, 5, 4, 4, 200, 96, 96, 50, true, false, false, 0, true, 70, 5, PLAIN},
                                {dtype, 5, 6, 2, 2000, 64, 64, 1400, false, false, true, 0, true, 0, 4, PLAIN},
                                {dtype, 3, 4, 4, 300, 96, 96, 5, true, false, false, 0, true, 0, 4, PLAIN},
                                {dtype, 4, 4, 2, 300, 64, 64, 9, false, false, true, 50, true, 0, 3, PLAIN},
                                {dtype, 3, 24, 8, 768, 128, 128, 511, false, false, true, 0, true, 0, 4, PLAIN},
                                {dtype, 20, 16, 4, 300, 64, 64, 200, false, false, true, 0, true, 0, 4, PLAIN},
                                {dtype, 1, 16, 2, 700, 64, 64, 640, false, false, true, 0, false, 0, 4, PLAIN}};
    for (size_t i = 0; i < FORMS * sizeof cases / sizeof *cases; i++) {
        cache_case t = cases[i / FORMS];
        t.form = (cache_form)(i % FORMS);
        if (t.form != LATEST || t.more) test_cache(t);
    }
}

/* ---- groups of two inputs */
static group_program program_of(group_instruction *instructions, int count) {
    static uint16_t inputs[] = {0, 1}, outputs[] = {0, 0, 2, 3};
    return (group_program){.input_count = 2,
                           .output_count = 1,
                           .instruction_count = count,
                           .register_count = count + 2,
                           .input_registers = inputs,
                           .output_registers = outputs + count + 1,
                           .instructions = instructions};
}

static call group_of(const group_program *program, operand *inputs, operand *result) {
    return (call){
        .op = OP_group, .program = program, .input_count = 2, .output_count = 1, .inputs = inputs, .outputs = result};
}

/* ---- rows with packed weights, or dense ones, a gate of their halves, and a product of that */
typedef struct {
    tarn_dtype dtype;
    int64_t m, rows, k, group, behind; /* group 0: dense; behind: rows of the second weight, packed; 0: there is none */
} gated_case;

/* Which result lies where something is read before it; or that nobody reads the product behind its gate. */
typedef enum { APART, PRODUCT_UNREAD, GATED_IN_X, BEHIND_IN_X, BEHIND_IN_PRODUCT, PLACES } result_place;

static call packed_product_of(const attributes_quantized_matmul *how, operand *factors, operand *to) {
    return call_of(OP_quantized_matmul, how, 4, factors, to);
}

/* in: x, the parts of both weights. */
static void run_gated(const gated_case *t, result_place place, const operand *in, bool together, operand *results) {
    operand y = there(make(t->dtype, DIMS(1, t->m, t->rows))),
            result = there(make(t->dtype, DIMS(1, t->m, t->rows / 2))), factors[4], next[4] = {result},
            z = there(make(t->dtype, DIMS(1, t->m, t->behind)));
    for (int i = 0; i < (t->group ? 4 : 2); i++) factors[i] = there(in[i]);
    if (!t->group) factors[1] = transposed(factors[1]);
    if (place == GATED_IN_X) next[0].data = result.data = factors[0].data;
    if (place == BEHIND_IN_X) z.data = factors[0].data;
    if (place == BEHIND_IN_PRODUCT) z.data = y.data;
    for (int i = 1; t->behind && i < 4; i++) next[i] = there(in[3 + i]);
    attributes_quantized_matmul packed = {.transpose = true, .group_size = t->group, .bits = 4};
    group_instruction gate[] = {step_of(OP_silu, 2, 0, 0, t->dtype), step_of(OP_multiply, 3, 2, 1, t->dtype)};
    group_program program = program_of(gate, 2);
    operand halves[] = {result, result};
    for (int i = 0; i < 2; i++) {
        halves[i].data = (char *)y.data + i * t->rows / 2 * dtype_bytes(t->dtype);
        halves[i].strides = y.strides;
    }
    call calls[] = {t->group ? packed_product_of(&packed, factors, &y) : call_of(OP_matmul, NULL, 2, factors, &y),
                    group_of(&program, halves, &result), packed_product_of(&packed, next, &z)};
    int count = t->behind ? 3 : 2;
    calls[1].last_reads = place == PRODUCT_UNREAD ? 3 : 0;
    bool known = place <= PRODUCT_UNREAD && (t->m <= 32 || runs_hopper());
    run_calls(calls, count, together, known ? count - 1 : ANY_NUMBER);
    results[0] = returned(y), results[1] = returned(result), results[2] = returned(z);
    release_all();
}

static void test_gated(gated_case t) {
    operand in[7] = {randomized(t.dtype, DIMS(1, t.m, t.k), DOMAIN_UNIT)}, one[3], all[3];
    if (!t.group) in[1] = randomized(t.dtype, DIMS(t.rows, t.k), DOMAIN_UNIT);
    for (int i = 0; t.group && i < (t.behind ? 2 : 1); i++) {
        int64_t rows = i ? t.behind : t.rows, k = i ? t.rows / 2 : t.k;
        in[1 + 3 * i] = make(TARN_UINT32, DIMS(rows, k / 8));
        in[2 + 3 * i] = make(t.dtype, DIMS(rows, k / t.group));
        in[3 + 3 * i] = make(t.dtype, DIMS(rows, k / t.group));
        pack(in + 1 + 3 * i, randomized(t.dtype, DIMS(rows, k), DOMAIN_UNIT), t.group, 4);
    }
    const char *names[] = {"product of rows", "gate of rows", "product of gated rows"};
    for (int place = APART; place < (t.behind ? PLACES : BEHIND_IN_X); place++) {
        int64_t row = place == GATED_IN_X ? t.rows / 2 : t.behind, room = place == BEHIND_IN_PRODUCT ? t.rows : t.k;
        if (place >= GATED_IN_X && row > room) continue;
        run_gated(&t, (result_place)place, in, false, one);
        run_gated(&t, (result_place)place, in, true, all);
        for (int i = place == BEHIND_IN_PRODUCT || place == PRODUCT_UNREAD; i < 3; i++) same(all[i], one[i], names[i]);
    }
}

static void test_gates(tarn_dtype dtype) {
    const gated_case cases[] = {
        {dtype, 33, 16, 128, 64, 0},      {dtype, 512, 1024, 384, 64, 48},  {dtype, 300, 272, 1024, 32, 0},
        {dtype, 1000, 160, 256, 128, 0},  {dtype, 2, 16, 128, 64, 0},       {dtype, 8, 8704, 256, 64, 208},
        {dtype, 13, 1024, 384, 32, 4304}, {dtype, 24, 4352, 1024, 128, 16}, {dtype, 32, 5120, 256, 64, 100},
        {dtype, 9, 272, 640, 64, 0},      {dtype, 300, 1040, 1032, 0, 0},   {dtype, 512, 8464, 1096, 0, 0},
        {dtype, 1000, 3072, 1024, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) test_gated(cases[i]);
}

enum { MANY_ROWS = 2112 }; /* of 132 multiprocessors: so many are normed by a kernel of their own */

/* ---- a sum of rows that is normed. place: of the sum: 0 its own memory, 1 the first summand's, 2 the second's */
static void run_sum(tarn_dtype dtype, int64_t rows, int64_t n, int place, const operand *in, bool together,
                    operand *results) {
    operand x[] = {there(in[0]), there(in[1])}, weight = there(in[2]), own = there(make(dtype, DIMS(rows, n))),
            normed = there(make(dtype, DIMS(rows, n))), sum = place ? x[place - 1] : own;
    group_instruction add = step_of(OP_add, 2, 1, 0, dtype);
    group_program program = program_of(&add, 1);
    attributes_rms_norm norm = {.eps = 1e-3};
    operand normings[] = {sum, weight};
    call calls[] = {group_of(&program, x, &sum), norm_of(&norm, normings, &normed)};
    bool held = rows < MANY_ROWS && n * dtype_bytes(dtype) % 16 == 0;
    run_calls(calls, 2, together, held || (rows >= MANY_ROWS && !runs_hopper()));
    results[0] = returned(sum), results[1] = returned(normed);
    release_all();
}

static void test_sums(tarn_dtype dtype) {
    const int64_t sizes[][2] = {{2, 64}, {512, 3072}, {533, 3072}, {5000, 256}, {3, 30}, {40, 8192}};
    for (int i = 0; i < 6; i++)
        for (int place = 0; place < 3; place++) {
            int64_t rows = sizes[i][0], n = sizes[i][1];
            operand in[] = {randomized(dtype, DIMS(rows, n), DOMAIN_UNIT),
                            randomized(dtype, DIMS(rows, n), DOMAIN_UNIT), randomized(dtype, DIMS(n), DOMAIN_POSITIVE)},
                    one[2], all[2];
            run_sum(dtype, rows, n, place, in, false, one);
            run_sum(dtype, rows, n, place, in, true, all);
            same(all[0], one[0], "sum");
            same(all[1], one[1], "normed sum");
        }
}

/* ---- a norm, of a sum or not, whose result is made floats */
static void run_widened(tarn_dtype dtype, bool sum, const operand *in, bool together, operand *results) {
    int64_t rows = in[0].shape[0], n = in[0].shape[1];
    operand x[] = {there(in[0]), there(in[1])}, weight = there(in[2]), added = there(make(dtype, DIMS(rows, n))),
            normed = there(make(dtype, DIMS(rows, n))), wide = there(make(TARN_FLOAT32, DIMS(rows, n)));
    group_instruction add = step_of(OP_add, 2, 1, 0, dtype), widen = step_of(OP_astype, 1, 0, 0, dtype);
    widen.dtype = TARN_FLOAT32;
    group_program sums = program_of(&add, 1), widens = {.input_count = 1,
                                                        .output_count = 1,
                                                        .instruction_count = 1,
                                                        .register_count = 2,
                                                        .input_registers = (uint16_t[]){0},
                                                        .output_registers = (uint16_t[]){1},
                                                        .instructions = &widen};
    attributes_rms_norm norm = {.eps = 1e-3};
    operand normings[] = {sum ? added : x[0], weight};
    call calls[3] = {group_of(&sums, x, &added)}, *next = &calls[sum];
    *next++ = norm_of(&norm, normings, &normed);
    *next = group_of(&widens, &normed, &wide), next->input_count = 1;
    run_calls(calls, 2 + sum, together, 1 + sum);
    results[0] = sum ? returned(added) : in[0], results[1] = returned(normed), results[2] = returned(wide);
    release_all();
}

static void test_widened(tarn_dtype dtype) {
    const int64_t sizes[][2] = {{1, 3072}, {8, 3072}, {1, 64}, {3, 8192}};
    const char *names[] = {"sum", "normed row", "normed row as floats"};
    for (int i = 0; i < 4; i++)
        for (int sum = 0; sum < (sizes[i][0] > 1 ? 2 : 1); sum++) {
            operand in[] = {randomized(dtype, DIMS(sizes[i][0], sizes[i][1]), DOMAIN_UNIT),
                            randomized(dtype, DIMS(sizes[i][0], sizes[i][1]), DOMAIN_UNIT),
                            randomized(dtype, DIMS(sizes[i][1]), DOMAIN_POSITIVE)},
                    one[3], all[3];
            run_widened(dtype, sum, in, false, one);
            run_widened(dtype, sum, in, true, all);
            for (int k = 0; k < 3; k++) same(all[k], one[k], names[k]);
        }
}

/* ---- packed rows that indices choose, unpacked. in: words, scales, biases, indices */
static void run_picked(int64_t bits, int64_t group, const operand *in, int64_t joined, bool together,
                       operand *results) {
    int64_t count = operand_size(&in[3]), k = in[0].shape[1] * 32 / bits;
    operand table[3], picked[3], ids = there(in[3]), inputs[3][2],
                                 numbers = there(make(in[1].dtype, DIMS(1, count, k)));
    attributes_gather rows = {.axes = DIMS(0)};
    attributes_dequantize how = {.group_size = group, .bits = bits};
    call calls[4];
    for (int i = 0; i < 3; i++) {
        table[i] = there(in[i]);
        picked[i] = there(make(in[i].dtype, DIMS(1, count, in[i].shape[1])));
        inputs[i][0] = table[i], inputs[i][1] = ids;
        calls[i] = call_of(OP_gather, &rows, 2, inputs[i], &picked[i]);
    }
    calls[3] = call_of(OP_dequantize, &how, 3, picked, &numbers);
    run_calls(calls, 4, together, joined);
    for (int i = 0; i < 3; i++) results[i] = returned(picked[i]);
    results[3] = returned(numbers);
    release_all();
}

static void test_picked(tarn_dtype dtype) {
    const int64_t cases[][4] = {/* bits, group, k, indices */ {4, 64, 3072, 1},
                                {8, 32, 256, 9},
                                {2, 64, 64, 3},
                                {4, 128, 1024, 70},
                                {6, 64, 128, 2}};
    const char *names[] = {"picked words", "picked scales", "picked biases", "picked numbers"};
    for (int i = 0; i < 5; i++) {
        const int64_t *t = cases[i];
        enum { TABLE = 40 };
        operand in[4] = {make(TARN_UINT32, DIMS(TABLE, t[2] * t[0] / 32)), make(dtype, DIMS(TABLE, t[2] / t[1])),
                         make(dtype, DIMS(TABLE, t[2] / t[1])), make(TARN_INT32, DIMS(1, t[3]))},
                one[4], all[4];
        pack(in, randomized(dtype, DIMS(TABLE, t[2]), DOMAIN_UNIT), t[1], t[0]);
        for (int64_t j = 0; j < t[3]; j++)
            put(&in[3], j, (double)(j * 7 % (2 * TABLE + 2) - TABLE - 1)); /* outside, too */
        run_picked(t[0], t[1], in, 0, false, one);
        run_picked(t[0], t[1], in, 32 % t[0] ? 0 : 3, true, all);
        for (int k = 0; k < 4; k++) same(all[k], one[k], names[k]);
    }
}

/* ---- what makes the x of a packed product of some rows: a norm, of a sum or not, or a gate */
typedef enum { NORM, SUM_AND_NORM, GATE_OF_ROWS } maker;
typedef struct {
    tarn_dtype dtype;
    int64_t m, rows, k, group;
} batch_case;

static void run_batch(const batch_case *t, maker how, const operand *in, bool together, operand *results) {
    operand both = there(in[0]), other = there(in[1]), weight = there(in[2]), factors[4] = {{0}},
            sum = there(make(t->dtype, DIMS(t->m, t->k))), x = there(make(t->dtype, DIMS(t->m, t->k))),
            y = there(make(t->dtype, DIMS(t->m, t->rows)));
    for (int i = 1; i < 4; i++) factors[i] = there(in[2 + i]);
    factors[0] = x;
    operand summands[] = {other, other}, halves[] = {x, x}, normings[] = {how == NORM ? other : sum, weight};
    summands[1].data = both.data;
    for (int i = 0; i < 2; i++) {
        halves[i].data = (char *)both.data + i * t->k * dtype_bytes(t->dtype);
        halves[i].strides = both.strides;
    }
    group_instruction add = step_of(OP_add, 2, 1, 0, t->dtype),
                      gate[] = {step_of(OP_silu, 2, 0, 0, t->dtype), step_of(OP_multiply, 3, 2, 1, t->dtype)};
    group_program sums = program_of(&add, 1), gates = program_of(gate, 2);
    attributes_rms_norm norm = {.eps = 1e-3};
    attributes_quantized_matmul packed = {.transpose = true, .group_size = t->group, .bits = 4};
    call calls[3] = {group_of(&sums, summands, &sum)}, *next = &calls[how == SUM_AND_NORM];
    *next++ = how == GATE_OF_ROWS ? group_of(&gates, halves, &x) : norm_of(&norm, normings, &x);
    *next++ = packed_product_of(&packed, factors, &y);
    run_calls(calls, (int)(next - calls), together, (t->dtype != TARN_FLOAT32) + (how == SUM_AND_NORM));
    results[0] = how == SUM_AND_NORM ? returned(sum) : in[1];
    results[1] = returned(x), results[2] = returned(y);
    release_all();
}

static void test_batch(batch_case t) {
    operand dense = randomized(t.dtype, DIMS(t.rows, t.k), DOMAIN_UNIT), one[3], all[3];
    operand in[] = {
        randomized(t.dtype, DIMS(t.m, 2 * t.k), DOMAIN_UNIT), randomized(t.dtype, DIMS(t.m, t.k), DOMAIN_UNIT),
        randomized(t.dtype, DIMS(t.k), DOMAIN_POSITIVE),      make(TARN_UINT32, DIMS(t.rows, t.k / 8)),
        make(t.dtype, DIMS(t.rows, t.k / t.group)),           make(t.dtype, DIMS(t.rows, t.k / t.group))};
    pack(in + 3, dense, t.group, 4);
    const char *names[] = {"sum", "x of some rows", "product of some rows"};
    for (int m = NORM; m <= GATE_OF_ROWS; m++) {
        run_batch(&t, (maker)m, in, false, one);
        run_batch(&t, (maker)m, in, true, all);
        for (int i = 0; i < 3; i++) same(all[i], one[i], names[i]);
    }
}

static void test_batches(tarn_dtype dtype) {
    const batch_case cases[] = {
        {dtype, 2, 70, 128, 64}, {dtype, 8, 3000, 3072, 64}, {dtype, 13, 272, 1024, 32}, {dtype, 32, 5000, 384, 128}};
    for (int i = 0; i < 4; i++) test_batch(cases[i]);
}

/* ---- attention, and a copy of its result by rows. in: q, k, v, mask, length, sinks; joined: where warpgroups run */
static void run_by_rows(const operand *in, int64_t joined, bool together, bool unread, operand *results) {
    operand factors[6] = {{0}};
    for (int i = 0; i < 6; i++)
        if (in[i].data) factors[i] = there(in[i]);
    operand q = factors[0], v = factors[2];
    int64_t batch = q.shape[0], heads = q.shape[1], rows = q.shape[2], dim = v.shape[3];
    operand out = there(make(q.dtype, DIMS(batch, heads, rows, dim))),
            copy = there(make(q.dtype, DIMS(batch, rows, heads, dim))), turned = copy;
    turned.data = out.data;
    turned.strides = DIMS(heads * rows * dim, dim, rows * dim, 1).values;
    attributes_attention attend = {.scale = NAN, .causal = true};
    call calls[] = {{.op = OP_attention,
                     .attributes = &attend,
                     .input_count = 6,
                     .output_count = 1,
                     .inputs = factors,
                     .outputs = &out},
                    {.op = OP_contiguous,
                     .last_reads = unread,
                     .input_count = 1,
                     .output_count = 1,
                     .inputs = &turned,
                     .outputs = &copy}};
    run_calls(calls, 2, together, runs_hopper() ? joined : 0);
    results[0] = returned(out), results[1] = returned(copy);
    release_all();
}

typedef struct {
    int64_t batch, heads, kv_heads, rows, keys, dim, value_dim;
    bool sinks, joined;
    tarn_dtype mask; /* TARN_DTYPE_COUNT: none */
} by_rows_case;

/* A truth, or what is added, for each query and key; each query has a key. */
static operand some_mask(const by_rows_case *t) {
    if (t->mask == TARN_DTYPE_COUNT) return (operand){0};
    operand mask = randomized(t->mask, DIMS(t->rows, t->keys), DOMAIN_UNIT);
    for (int64_t i = 0; i < t->rows && t->mask == TARN_BOOL; i++) put(&mask, i * t->keys, 1);
    return view(mask, 0, DIMS(t->batch, t->heads, t->rows, t->keys), DIMS(0, 0, t->keys, 1));
}

static void test_by_rows_of(tarn_dtype dtype, const by_rows_case *t) {
    const bool half = dtype != TARN_FLOAT32; /* others' attention, and that of few rows, takes no warpgroups */
    operand one[2], all[2], unread[2];
    operand in[6] = {randomized(dtype, DIMS(t->batch, t->heads, t->rows, t->dim), DOMAIN_UNIT),
                     randomized(dtype, DIMS(t->batch, t->kv_heads, t->keys, t->dim), DOMAIN_UNIT),
                     randomized(dtype, DIMS(t->batch, t->kv_heads, t->keys, t->value_dim), DOMAIN_UNIT), some_mask(t)};
    if (t->sinks) in[5] = randomized(dtype, DIMS(t->heads), DOMAIN_UNIT);
    run_by_rows(in, half && t->joined, false, false, one);
    run_by_rows(in, half && t->joined, true, false, all);
    run_by_rows(in, half && t->joined, true, true, unread);
    same(all[0], one[0], "attention"), same(all[1], one[1], "attention by rows");
    same(unread[1], one[1], "attention by rows alone");
}

static void test_by_rows(tarn_dtype dtype) {
    const tarn_dtype none = TARN_DTYPE_COUNT;
    const by_rows_case cases[] = {
        {1, 24, 8, 512, 512, 128, 128, false, true, none}, {2, 6, 2, 100, 300, 64, 64, false, true, none},
        {3, 4, 4, 65, 65, 80, 80, false, true, none},      {1, 4, 1, 40, 40, 64, 64, false, false, none},
        {2, 4, 2, 100, 200, 64, 96, false, true, none},    {1, 4, 4, 90, 90, 128, 64, true, true, none},
        {1, 6, 2, 130, 130, 64, 64, true, true, none},     {2, 4, 2, 70, 128, 64, 64, false, true, TARN_BOOL},
        {1, 4, 1, 100, 136, 128, 128, true, true, dtype}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) test_by_rows_of(dtype, &cases[i]);
}

/* ---- logsumexp of long rows, their elements less that, and where the best of these is. What finds a token rounds much
   to the same number. in_place: the difference lies where the rows did. joined: where clusters run */
typedef struct {
    int64_t rows, n;
    bool best, in_place, least;
    int64_t joined;
} long_case;

static void run_long(const long_case *t, const operand *in, bool together, operand *results) {
    tarn_dtype dtype = in->dtype;
    operand x = there(*in), total = there(make(dtype, DIMS(t->rows, 1))),
            apart = there(make(dtype, DIMS(t->rows, t->n))), rest = t->in_place ? x : apart,
            best = there(make(TARN_UINT32, DIMS(t->rows, 1)));
    attributes_logsumexp last = {.axes = DIMS(-1), .keepdims = true};
    attributes_arg_reduce among = {.axis = -1, .keepdims = true, .least = t->least};
    group_instruction subtract = step_of(OP_subtract, 2, 0, 1, dtype);
    group_program program = program_of(&subtract, 1);
    operand differ[] = {x, view(total, 0, DIMS(t->rows, t->n), DIMS(1, 0))};
    call calls[] = {
        {.op = OP_logsumexp, .attributes = &last, .input_count = 1, .output_count = 1, .inputs = &x, .outputs = &total},
        group_of(&program, differ, &rest),
        {.op = OP_arg_reduce,
         .attributes = &among,
         .input_count = 1,
         .output_count = 1,
         .inputs = &rest,
         .outputs = &best}};
    run_calls(calls, t->best ? 3 : 2, together, runs_hopper() ? t->joined : 0);
    results[0] = returned(total), results[1] = returned(rest), results[2] = t->best ? returned(best) : *in;
    release_all();
}

static void test_long_rows(tarn_dtype dtype) {
    const long_case cases[] = {{1, 128256, true, false, false, 2}, {8, 151936, true, true, false, 2},
                               {3, 32000, false, false, false, 1}, {2, 262144, true, false, true, 2},
                               {64, 16384, true, false, false, 2}, {1, 50257, true, false, false, 0},
                               {1, 4096, true, false, false, 0}};
    const char *names[] = {"logsumexp", "rows less that", "the best"};
    for (int i = 0; i < 7; i++) {
        const long_case *t = &cases[i];
        operand in = randomized(dtype, DIMS(t->rows, t->n), DOMAIN_UNIT), one[3], all[3];
        run_long(t, &in, false, one);
        run_long(t, &in, true, all);
        for (int k = 0; k < 3; k++) same(all[k], one[k], names[k]);
    }
}

/* A gate of rows against the reference where its divisor is near the largest number, and where it is none: then, from
   -89 on, nothing is left of results that small. */
static void test_far_gates(tarn_dtype dtype) {
    enum { ROWS = 2, HALF = 8 };
    const double gates[HALF] = {-87.4, -88, -88.6, -89, INFINITY, -INFINITY, NAN, 1}, lost = 3e-37;
    operand both = make(dtype, DIMS(ROWS, 2 * HALF)), expected = make(dtype, DIMS(ROWS, HALF));
    for (int64_t i = 0; i < ROWS * HALF; i++) {
        int64_t row = i / HALF, at = row * 2 * HALF + i % HALF;
        put(&both, at, gates[i % HALF]), put(&both, at + HALF, row ? -1 : 1);
    }
    operand sent_both = there(both), result = there(make(dtype, DIMS(ROWS, HALF))), here[2], halves[2];
    for (int i = 0; i < 2; i++) {
        here[i] = view(both, i * HALF, DIMS(ROWS, HALF), DIMS(2 * HALF, 1));
        halves[i] = view(sent_both, i * HALF, DIMS(ROWS, HALF), DIMS(2 * HALF, 1));
    }
    group_instruction gate[] = {step_of(OP_silu, 2, 0, 0, dtype), step_of(OP_multiply, 3, 2, 1, dtype)};
    group_program program = program_of(gate, 2);
    call c = group_of(&program, halves, &result);
    CHECK(run_call(&backend_reference, group_of(&program, here, &expected)), "%s", tarn_error());
    run_calls(&c, 1, true, 0);
    operand got = returned(result);
    for (int64_t i = 0; i < ROWS * HALF; i++) {
        double g = get(&got, i), e = get(&expected, i);
        bool good = isnan(e) ? isnan(g) : g == e || fabs(g - e) <= 2 * rounding(dtype) * fabs(e) + lost;
        CHECK(good, "%s: the gate of %g is %g and should be %g", dtype_facts[dtype].name, gates[i % HALF], g, e);
    }
    release_all();
}

/* A group of which nobody reads anything. */
static void test_unread(void) {
    operand x = there(randomized(TARN_FLOAT32, DIMS(8), DOMAIN_ANY));
    group_instruction square = step_of(OP_multiply, 1, 0, 0, TARN_FLOAT32);
    group_program program = {.input_count = 1,
                             .instruction_count = 1,
                             .register_count = 2,
                             .input_registers = (uint16_t[]){0},
                             .instructions = &square};
    call c = {.op = OP_group, .program = &program, .input_count = 1, .inputs = &x, .outputs = &x};
    run_calls(&c, 1, true, 0);
    release_all();
}

/* Results do not tell whether anything was joined. */
static void joining(const char *what, void (*test)(tarn_dtype), tarn_dtype dtype) {
    int64_t before = calls_joined();
    test(dtype);
    CHECK(calls_joined() > before, "%s %s: nothing was joined", what, dtype_facts[dtype].name);
    printf("%s %s: %lld calls joined\n", what, dtype_facts[dtype].name, (long long)(calls_joined() - before));
}

int main(void) {
    if (!open_cuda()) return failures ? 1 : 77;
    random_begin("cuda fuse");
    printf("kernels of compute capability 9.0 %s\n", runs_hopper() ? "run" : "do not run");
    test_unread();
    static const tarn_dtype dtypes[] = {TARN_FLOAT16, TARN_BFLOAT16, TARN_FLOAT32};
    for (int d = 0; d < 3; d++) {
        joining("products", test_products, dtypes[d]);
        d < 2 || runs_hopper() ? joining("caches", test_caches, dtypes[d]) : test_caches(dtypes[d]);
        joining("sums", test_sums, dtypes[d]), joining("batches", test_batches, dtypes[d]);
        joining("picked rows", test_picked, dtypes[d]);
        if (d < 2) joining("floats", test_widened, dtypes[d]);
        if (d < 2) joining("gates", test_gates, dtypes[d]), test_far_gates(dtypes[d]);
        runs_hopper() ? joining("long rows", test_long_rows, dtypes[d]) : test_long_rows(dtypes[d]);
        d < 2 && runs_hopper() ? joining("by rows", test_by_rows, dtypes[d]) : test_by_rows(dtypes[d]);
    }
    cuda->stream_free(cuda_stream);
    printf("cuda fuse: %d checks, %d failures\n", checks, failures);
    return failures != 0;
}
