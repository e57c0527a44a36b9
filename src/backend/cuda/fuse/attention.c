/* rope of query and key, key and value written into a cache, attention that reads it: of one token all of it, of more
   what comes before attention. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

enum { BEFORE = 4, ALL, Q = 0, K, V, LONGEST = 16384, FEW_RANKS = 8, MOST_RANKS = 16 };

typedef struct {
    const call *query, *key, *key_write, *value_write, *attention;
} cached_step;

/* Whether attention's queries are the result of this call, or some of it: of a prompt's last layer the last row. */
static bool makes_queries(const call *rope, const operand *queries) {
    byte_span all = span_of(&rope->outputs[0]), some = span_of(queries);
    return all.begins <= some.begins && some.ends <= all.ends;
}

/* Which of the four calls before is which. */
static bool sort_calls(const call *calls, cached_step *s) {
    *s = (cached_step){.attention = calls + BEFORE};
    const operand *o = s->attention->inputs;
    for (int i = 0; i < BEFORE; i++) {
        const call *c = calls + i;
        if (c->row == &cuda_rope && makes_queries(c, &o[Q]))
            s->query = c;
        else if (c->row == &cuda_rope)
            s->key = c;
        if (c->row == &cuda_slice_update && c->outputs[0].data == o[K].data) s->key_write = c;
        if (c->row == &cuda_slice_update && c->outputs[0].data == o[V].data) s->value_write = c;
    }
    return s->query && s->key && s->key_write && s->value_write && s->key_write != s->value_write &&
           s->key < s->key_write && s->key_write->inputs[1].data == s->key->outputs[0].data;
}

static bool same_turns(const call *a, const call *b) {
    const attributes_rope *x = a->attributes, *y = b->attributes;
    bool freqs = a->input_count > 2 && a->inputs[2].data, others = b->input_count > 2 && b->inputs[2].data;
    return x->dims == y->dims && x->traditional == y->traditional && x->base == y->base && x->scale == y->scale &&
           a->inputs[1].data == b->inputs[1].data && freqs == others &&
           (!freqs || a->inputs[2].data == b->inputs[2].data);
}

/* A block of `rows` rows of each head of a cache [batch, heads, keys, dim], which attention reads whole, begun at start
   [] or, for each batch row, start [batch, 1]. */
static bool writes_rows(const call *c, const operand *cache, int64_t rows) {
    const attributes_slice_update *a = c->attributes;
    const operand *to = &c->outputs[0], *row = &c->inputs[1], *start = &c->inputs[2];
    if (a->axes.count != 1 || axis_normal(a->axes.values[0], 4) != 2 || a->step.count || to->ndim != 4 ||
        row->ndim != 4)
        return false;
    for (int i = 0; i < 4; i++)
        if (to->shape[i] != cache->shape[i] || to->strides[i] != cache->strides[i] ||
            row->shape[i] != (i == 2 ? rows : cache->shape[i]))
            return false;
    return row->strides[3] == 1 && start->ndim <= 2 && start->dtype == TARN_INT32 && row->dtype == cache->dtype;
}

static bool same_start(const call *a, const call *b) {
    const operand *x = &a->inputs[2], *y = &b->inputs[2];
    return x->data == y->data && x->ndim == y->ndim && (x->ndim < 2 || x->strides[0] == y->strides[0]);
}

/* What is read 16 bytes at a time. */
static bool steps_by_16(const operand *o) {
    int64_t each = 16 / dtype_bytes(o->dtype);
    return (uintptr_t)o->data % 16 == 0 && o->strides[0] % each == 0 && o->strides[1] % each == 0;
}

static bool is_step(const cached_step *s, const attention_kernel *k) {
    const operand *o = s->attention->inputs;
    bool all = s->query->outputs[0].data == o[Q].data && operand_size(&s->query->outputs[0]) == operand_size(&o[Q]);
    bool fits = all && k->rows == 1 && k->keys > 0 && k->keys <= LONGEST && attention_is_split(s->attention, k) &&
                k->heads * k->dim <= 1 << 16;
    return fits && ((uintptr_t)k->k | (uintptr_t)k->v) % 16 == 0 && steps_by_16(&s->value_write->inputs[1]) &&
           same_turns(s->query, s->key) && writes_rows(s->key_write, &o[K], 1) &&
           writes_rows(s->value_write, &o[V], 1) && same_start(s->key_write, s->value_write) &&
           s->query->inputs[1].dtype == TARN_INT32 && s->query->inputs[0].ndim == 4 && s->key->inputs[0].ndim == 4;
}

/* Nothing is written where a block may still read what came before; what lies in the result's memory is lost anyhow.
   count: of these, the first ones. */
static bool fits_memory(const cached_step *s, int count) {
    const call *readers[] = {s->query, s->key};
    const operand *written[] = {&s->query->outputs[0], &s->key->outputs[0], &s->attention->outputs[0]};
    byte_span value = span_of(&s->value_write->inputs[1]), start = span_of(&s->key_write->inputs[2]);
    for (int w = 0; w < count; w++) {
        byte_span to = span_of(written[w]);
        for (int i = 0; i < 2; i++)
            for (int n = 0; n < readers[i]->input_count; n++)
                if (spans_meet(to, span_of(&readers[i]->inputs[n]))) return false;
        if (spans_meet(to, value) || spans_meet(to, start)) return false;
        for (int n = K; n < s->attention->input_count; n++)
            if (spans_meet(to, span_of(&s->attention->inputs[n]))) return false;
    }
    return true;
}

static void take_heads(int64_t *to, const operand *o) {
    to[0] = o->strides[0], to[1] = o->strides[1];
}

static cached_attention_kernel kernel_of(const cached_step *s, const attention_kernel *k) {
    const operand *q = &s->query->inputs[0], *key = &s->key->inputs[0], *value = &s->value_write->inputs[1],
                  *start = &s->key_write->inputs[2];
    byte_span result = span_of(&s->attention->outputs[0]);
    bool query_lost = spans_meet(result, span_of(&s->query->outputs[0])),
         key_lost = spans_meet(result, span_of(&s->key->outputs[0])) ||
                    spans_meet(span_of(&s->query->outputs[0]), span_of(&s->key->outputs[0]));
    cached_attention_kernel c = {.attention = *k,
                                 .rope = rope_of(s->query),
                                 .key = key->data,
                                 .value = value->data,
                                 .query_to = query_lost ? NULL : s->query->outputs[0].data,
                                 .key_to = key_lost ? NULL : s->key->outputs[0].data,
                                 .start = start->data,
                                 .start_step = start->ndim == 2 ? start->strides[0] : 0,
                                 .ranks = k->keys <= 256 ? FEW_RANKS : MOST_RANKS};
    c.attention.q = q->data;
    take_heads(c.attention.q_strides, q);
    take_heads(c.key_strides, key);
    take_heads(c.value_strides, value);
    return c;
}

/* Whether all that the kernel reads before it waits stands since before the plan began: what the cache held, where the
   token is, and how fast pairs turn. */
static bool may_begin_early(const cached_step *s, const call *calls, const unsigned *constant) {
    const call *k = s->key_write, *v = s->value_write;
    if (!constant || k->inputs[0].data != k->outputs[0].data || v->inputs[0].data != v->outputs[0].data) return false;
    unsigned cache = 1, start = 4, offset = 2, freqs = s->query->input_count > 2 && s->query->inputs[2].data ? 4 : 0;
    unsigned turns = offset | freqs;
    return (constant[k - calls] & cache) && (constant[v - calls] & cache) && (constant[k - calls] & start) &&
           (constant[s->query - calls] & turns) == turns;
}

static bool find_step(const call *calls, const unsigned *constant, cached_attention_kernel *c) {
    cached_step s;
    if (calls[BEFORE].row != &cuda_attention || !sort_calls(calls, &s)) return false;
    if (operand_size(&s.attention->outputs[0]) == 0) return false;
    attention_kernel k = attention_of(s.attention);
    if (!is_step(&s, &k) || !fits_memory(&s, 3) || !cuda_is_hopper()) return false;
    *c = kernel_of(&s, &k);
    c->early = may_begin_early(&s, calls, constant);
    return true;
}

/* Whether two calls may change places: neither writes what the other reads or writes. */
static bool are_strangers(const call *a, const call *b) {
    const call *pair[] = {a, b};
    for (int n = 0; n < 2; n++)
        for (int o = 0; o < pair[n]->output_count; o++)
            if (!call_leaves_alone(pair[1 - n], span_of(&pair[n]->outputs[o]))) return false;
    return true;
}

/* ---- what may go before the four calls, though it stands among them: a group that only attention waits for, such as
   the number of tokens in the first layer, and norms of queries and keys */
enum { MOST_STRANGERS = 4 };
typedef struct {
    call step[ALL]; /* the four, and attention */
    unsigned known[ALL];
    const call *strangers[MOST_STRANGERS];
    int stranger_count, attention; /* the place of attention in the list */
} sorted_calls;

static bool is_step_call(const call *c) {
    return c->row == &cuda_rope || c->row == &cuda_slice_update;
}

/* Whether call i may go before those of the step that stand before it. */
static bool may_go_first(const call *calls, int i) {
    bool ok = calls[i].op == OP_group || calls[i].row == &cuda_rms_norm;
    for (int k = 0; k < i && ok; k++) ok = !is_step_call(&calls[k]) || are_strangers(&calls[i], &calls[k]);
    return ok;
}

static bool sort_strangers(const call *calls, int count, const unsigned *constant, sorted_calls *s) {
    int taken = 0, i = 0;
    s->stranger_count = 0;
    for (; i < count && calls[i].row != &cuda_attention; i++) {
        bool own = is_step_call(&calls[i]);
        if (own ? taken == BEFORE : s->stranger_count == MOST_STRANGERS || !may_go_first(calls, i)) return false;
        if (!own) s->strangers[s->stranger_count++] = &calls[i];
        if (!own) continue;
        s->step[taken] = calls[i];
        s->known[taken++] = constant ? constant[i] : 0;
    }
    if (i == count || taken < BEFORE) return false;
    s->step[BEFORE] = calls[i];
    s->known[BEFORE] = constant ? constant[i] : 0;
    s->attention = i;
    return true;
}

static bool launch_strangers(const sorted_calls *s) {
    for (int i = 0; i < s->stranger_count; i++)
        if (!cuda_launch(s->strangers[i])) return false;
    return true;
}

/* ---- more tokens than one */
static bool lie_at_16(const operand *o) {
    return o->strides[3] == 1 && (uintptr_t)o->data % 16 == 0 && rows_step_by_16(o);
}

static bool is_prompt(const cached_step *s) {
    enum { MOST_DIM = 256 };
    const operand *o = s->attention->inputs, *q = &s->query->inputs[0], *key = &s->key->inputs[0],
                  *value = &s->value_write->inputs[1];
    const attributes_rope *turn = s->query->attributes;
    if (q->ndim != 4 || key->ndim != 4 || (q->dtype != TARN_FLOAT16 && q->dtype != TARN_BFLOAT16)) return false;
    int64_t rows = q->shape[2], dim = q->shape[3];
    return rows > 1 && q->shape[0] == key->shape[0] && dim == key->shape[3] && dim % 16 == 0 && dim <= MOST_DIM &&
           (turn->dims == 0 || turn->dims == dim) && !turn->traditional && same_turns(s->query, s->key) &&
           key->dtype == q->dtype && o[K].dtype == q->dtype && o[V].dtype == q->dtype && o[V].shape[3] % 16 == 0 &&
           writes_rows(s->key_write, &o[K], rows) && writes_rows(s->value_write, &o[V], rows) &&
           same_start(s->key_write, s->value_write) && lie_at_16(q) && lie_at_16(key) && lie_at_16(value) &&
           lie_at_16(&o[K]) && lie_at_16(&o[V]) && lie_at_16(&s->query->outputs[0]) && lie_at_16(&s->key->outputs[0]);
}

static void take_rows(int64_t *to, const operand *o) {
    for (int i = 0; i < 3; i++) to[i] = o->strides[i];
}

static turned_rows_kernel rows_of(const cached_step *s) {
    const operand *key = &s->key->inputs[0], *value = &s->value_write->inputs[1], *start = &s->key_write->inputs[2],
                  *keys = &s->attention->inputs[K], *values = &s->attention->inputs[V], *turned = &s->key->outputs[0];
    bool key_lost = spans_meet(span_of(&s->query->outputs[0]), span_of(turned));
    turned_rows_kernel k = {.rope = rope_of(s->query),
                            .key = key->data,
                            .value = value->data,
                            .key_to = key_lost ? NULL : turned->data,
                            .key_cache = keys->data,
                            .value_cache = values->data,
                            .start = start->data,
                            .kv_heads = key->shape[1],
                            .value_dim = value->shape[3],
                            .capacity = keys->shape[2],
                            .start_step = start->ndim == 2 ? start->strides[0] : 0};
    take_rows(k.key_strides, key);
    take_rows(k.value_strides, value);
    take_rows(k.key_cache_strides, keys);
    take_rows(k.value_cache_strides, values);
    return k;
}

/* Where both turned rows share memory, the query's must be what stays. */
static bool find_rows(const call *calls, turned_rows_kernel *k) {
    cached_step s;
    if (calls[BEFORE].row != &cuda_attention || !sort_calls(calls, &s) || operand_size(&s.attention->outputs[0]) == 0)
        return false;
    if (!is_prompt(&s) || !fits_memory(&s, 2)) return false;
    *k = rows_of(&s);
    bool stays = s.query > s.key || k->key_to;
    if (s.key_write->last_reads & 2) k->key_to = NULL;
    return stays;
}

/* The step, of `taken` calls, and the product behind it, where that is one of some rows: how many calls that is. */
static int launch_step(cached_attention_kernel *c, const call *calls, int count, const unsigned *constant, int taken) {
    packed_rows_kernel product;
    int64_t row = c->attention.heads * c->attention.value_dim;
    bool more = packed_rows_behind(calls, count, constant, taken, row, &product) && product.eights &&
                product.m == c->attention.batch;
    c->spread = more ? product.spread : NULL;
    c->eights = more ? product.eights : 0;
    product.ordered = launch_cached_attention(c, cuda_stream_now);
    if (more) launch_packed_rows(&product, cuda_stream_now);
    return taken + more;
}

int fuse_attention(const call *calls, int count, const unsigned *constant) {
    cached_attention_kernel c;
    turned_rows_kernel rows;
    sorted_calls s;
    if (!sort_strangers(calls, count, constant, &s)) return 0;
    bool step = find_step(s.step, constant ? s.known : NULL, &c);
    if (!step && !find_rows(s.step, &rows)) return 0;
    if (!launch_strangers(&s)) return s.attention; /* the error is told where all are */
    if (step) return launch_step(&c, calls, count, constant, s.attention + 1);
    launch_turned_rows(&rows, cuda_stream_now);
    return s.attention;
}
