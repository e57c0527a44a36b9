/* Few rows, a step of decoding: lanes are elements of the head. Up to GROUP_ROWS rows share each key and value that is
   read; a unit is a chunk of keys, so that keys and values pass through the caches once.

   Elements come in blocks of two vectors. Of bfloat16 these are the elements with even and with odd indices, for which
   a shift and a mask suffice; queries and sums are kept in that order. */
enum {
    BLOCK = 2 * LANES, /* elements */
    GROUP_ROWS = 4,
    AHEAD = 4096,   /* bytes that are fetched ahead */
    VALUE_KEYS = 16 /* values of so many keys are used from the first-level cache */
};

typedef struct {
    vf32 first, second;
} block;

/* Floats of a head from the order of its blocks, and into it; zeros behind the last. */
static void from_blocks(float *to, const float *blocks, int64_t count, tarn_dtype dtype) {
    float mixed[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK, blocks += BLOCK) {
        for (int i = 0; i < LANES; i++) mixed[2 * i] = blocks[i], mixed[2 * i + 1] = blocks[LANES + i];
        int64_t own = count - at < BLOCK ? count - at : BLOCK;
        memcpy(to + at, dtype == TARN_BFLOAT16 ? mixed : blocks, (size_t)own * sizeof(float));
    }
}
static void to_blocks(float *blocks, const float *from, int64_t count, tarn_dtype dtype) {
    float mixed[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK, blocks += BLOCK) {
        int64_t own = count - at < BLOCK ? count - at : BLOCK;
        memset(mixed, 0, sizeof mixed);
        memcpy(mixed, from + at, (size_t)own * sizeof(float));
        if (dtype != TARN_BFLOAT16) memcpy(blocks, mixed, sizeof mixed);
        for (int i = 0; i < LANES && dtype == TARN_BFLOAT16; i++)
            blocks[i] = mixed[2 * i], blocks[LANES + i] = mixed[2 * i + 1];
    }
}

INLINE block unpack(vu32 packed, tarn_dtype dtype) {
    if (dtype == TARN_BFLOAT16) return (block){(vf32)(packed << 16), (vf32)(packed & 0xFFFF0000)};
    hu16 halves[2];
    memcpy(halves, &packed, sizeof halves);
    return (block){widen_float16(halves[0]), widen_float16(halves[1])};
}

INLINE block load_block(const char *from, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT32) return (block){load_f32(from), load_f32(from + SIMD_BYTES)};
    return unpack(load_u32(from), dtype);
}

/* The first `bytes` bytes of a vector, then zeros. */
INLINE vu32 load_bytes(const char *from, int64_t bytes) {
#if SIMD_BYTES == 64
    return (vu32)_mm512_maskz_loadu_epi8(~0ull >> (64 - bytes), from);
#else
    vu32 x = {0};
    memcpy(&x, from, (size_t)bytes);
    return x;
#endif
}

/* The last block of a head, of which only `bytes` exist. */
INLINE block load_last(const char *from, int64_t bytes, tarn_dtype dtype) {
    if (dtype != TARN_FLOAT32) return unpack(load_bytes(from, bytes), dtype);
    if (bytes <= SIMD_BYTES) return (block){(vf32)load_bytes(from, bytes), {0}};
    return (block){load_f32(from), (vf32)load_bytes(from + SIMD_BYTES, bytes - SIMD_BYTES)};
}

/* Rows of k or v of one kv head from the chunk's first key on. */
typedef struct {
    const char *data;
    int64_t stride;       /* bytes */
    int64_t blocks, rest; /* whole blocks of a row; bytes beyond them */
    int64_t ahead;        /* keys that are fetched ahead */
} row_reader;

typedef struct {
    const attention_problem *p;
    int64_t batch, kv_head, begin, count; /* keys */
    int64_t row;                          /* the group's first */
    row_reader k, v;
    float (*q)[ATTENTION_MOST_DIM], (*sums)[ATTENTION_MOST_DIM], (*scores)[ATTENTION_CHUNK]; /* [GROUP_ROWS] */
} thin_unit;

static row_reader reader_of(const thin_unit *u, const attention_array *a, int64_t dim) {
    int64_t bytes = dim * dtype_bytes(u->p->dtype), block_bytes = BLOCK * dtype_bytes(u->p->dtype);
    return (row_reader){.data = a->data + u->batch * a->batch + u->kv_head * a->head + u->begin * a->row,
                        .stride = a->row,
                        .blocks = dim / BLOCK,
                        .rest = bytes % block_bytes,
                        .ahead = bytes < AHEAD ? AHEAD / bytes : 1};
}

/* Keys are fetched as they are read; a line twice where blocks are half of one. */
INLINE void fetch_ahead(const row_reader *r, const char *row, int64_t from, int bytes) {
    const char *next = row + r->ahead * r->stride + from;
    for (int i = 0; i < bytes; i += 64) PREFETCH(next + i);
}

/* Adds the products of one block of a key with `rows` rows of q. */
INLINE void score_block(const thin_unit *u, block x, vf32 sum[GROUP_ROWS], int64_t at, int rows) {
    UNROLL(4)
    for (int row = 0; row < rows; row++) {
        sum[row] = fma_f32(x.first, load_f32(u->q[row] + at), sum[row]);
        sum[row] = fma_f32(x.second, load_f32(u->q[row] + at + LANES), sum[row]);
    }
}

/* Scores of `keys` keys (1, 2 or 4) from the chunk's key `at` on. */
INLINE void score_keys(thin_unit *u, int64_t at, tarn_dtype dtype, int rows, int keys) {
    const row_reader own = u->k, *r = &own; /* a copy: stores of scores cannot change it */
    const int block_bytes = BLOCK * (dtype == TARN_FLOAT32 ? 4 : 2);
    const char *row = r->data + at * r->stride;
    vf32 sum[4][GROUP_ROWS];
    for (int key = 0; key < keys; key++)
        for (int i = 0; i < rows; i++) sum[key][i] = (vf32){0};
    for (int64_t b = 0; b < r->blocks; b++) {
        UNROLL(4)
        for (int key = 0; key < keys; key++) {
            const char *from = row + key * r->stride;
            fetch_ahead(r, from, b * block_bytes, block_bytes);
            score_block(u, load_block(from + b * block_bytes, dtype), sum[key], b * BLOCK, rows);
        }
    }
    for (int key = 0; key < keys && r->rest; key++) {
        block last = load_last(row + key * r->stride + r->blocks * block_bytes, r->rest, dtype);
        score_block(u, last, sum[key], r->blocks * BLOCK, rows);
    }
    UNROLL(4)
    for (int i = 0; i < rows; i++) {
        if (keys == 4) {
            quad_f32 four = sum_four(sum[0][i], sum[1][i], sum[2][i], sum[3][i]);
            memcpy(u->scores[i] + at, &four, sizeof four);
        } else if (keys == 2) {
            pair_f32 two = sum_two(sum[0][i], sum[1][i]);
            memcpy(u->scores[i] + at, &two, sizeof two);
        } else {
            u->scores[i][at] = sum_lanes(sum[0][i]);
        }
    }
}

/* With 16 registers, a weight that stayed in one for the next block would push a sum out of its own. */
INLINE float fetch_again(const volatile float *x) {
    return *x;
}

/* Adds weighted values of VALUE_KEYS keys at most to the sums of `blocks` blocks of elements; the next keys' are
 * fetched meanwhile. */
INLINE void add_values(thin_unit *u, int64_t at, int64_t count, int64_t first_block, tarn_dtype dtype, int rows,
                       int blocks) {
    const row_reader *r = &u->v;
    const int block_bytes = BLOCK * (dtype == TARN_FLOAT32 ? 4 : 2);
    const char *from = r->data + at * r->stride + first_block * block_bytes;
    bool last = first_block == r->blocks;
    block sum[GROUP_ROWS][4];
    for (int row = 0; row < rows; row++)
        for (int b = 0; b < blocks; b++)
            sum[row][b] = load_block((const char *)(u->sums[row] + (first_block + b) * BLOCK), TARN_FLOAT32);
    for (int64_t key = 0; key < count; key++, from += r->stride) {
        const char *next = from + VALUE_KEYS * r->stride;
        for (int i = 0; i < blocks * block_bytes; i += 64) PREFETCH(next + i);
        UNROLL(4)
        for (int b = 0; b < blocks; b++) {
            block x = last ? load_last(from, r->rest, dtype) : load_block(from + b * block_bytes, dtype);
            UNROLL(4)
            for (int row = 0; row < rows; row++) {
                vf32 weight =
                    splat_f32(LANES == 16 ? u->scores[row][at + key] : fetch_again(&u->scores[row][at + key]));
                sum[row][b].first = fma_f32(weight, x.first, sum[row][b].first);
                sum[row][b].second = fma_f32(weight, x.second, sum[row][b].second);
            }
        }
    }
    for (int row = 0; row < rows; row++)
        for (int b = 0; b < blocks; b++) {
            store_f32(u->sums[row] + (first_block + b) * BLOCK, sum[row][b].first);
            store_f32(u->sums[row] + (first_block + b) * BLOCK + LANES, sum[row][b].second);
        }
}

INLINE void score_chunk(thin_unit *u, tarn_dtype dtype, int rows) {
    const int keys = rows <= (LANES == 16 ? 4 : 2) ? 4 : 2; /* as many sums as there are registers for */
    int64_t at = 0;
    for (; at + keys <= u->count; at += keys) score_keys(u, at, dtype, rows, keys);
    for (; at < u->count; at++) score_keys(u, at, dtype, rows, 1);
}

INLINE void add_chunk(thin_unit *u, tarn_dtype dtype, int rows) {
    const int most = LANES == 16 ? (rows <= 3 ? 4 : 2) : rows <= 3 ? 2 : 1;
    for (int64_t at = 0; at < u->count; at += VALUE_KEYS) {
        int64_t count = u->count - at < VALUE_KEYS ? u->count - at : VALUE_KEYS, b = 0;
        for (; b + most <= u->v.blocks; b += most) add_values(u, at, count, b, dtype, rows, most);
        for (; b < u->v.blocks + (u->v.rest > 0); b++) add_values(u, at, count, b, dtype, rows, 1);
    }
}

/* Largest score and sum of exponentials of one row, which become its weights. */
static void weigh(thin_unit *u, int row, float *partial) {
    float *s = u->scores[row];
    vf32 nothing = splat_f32(-__builtin_inff()), most = nothing, sum = {0};
    for (int64_t i = 0; i < u->count; i += LANES) {
        vf32 x = load_some(s + i, u->count - i, nothing);
        most = blend_f32((vi32)(x > most), x, most);
    }
    partial[0] = max_lanes(most);
    float safe = partial[0] > -__builtin_inff() ? partial[0] : 0;
    for (int64_t i = 0; i < u->count; i += LANES) {
        vf32 e = exp_of_negative(load_some(s + i, u->count - i, nothing) - safe);
        store_some(s + i, e, u->count - i);
        sum += e;
    }
    partial[1] = sum_lanes(sum);
}

/* Whether every row sees all keys of the chunk, so that there is nothing to mask. */
static bool sees_all(const thin_unit *u) {
    const attention_problem *p = u->p;
    int64_t first = attention_span_of(p, u->batch).first, last = first + p->length - 1;
    return !p->mask && (!p->causal || (u->begin + u->count - 1 <= first && last - u->begin < p->window));
}

INLINE void attend_thin(thin_unit *u, float *partial, tarn_dtype dtype, int rows) {
    const attention_problem *p = u->p;
    score_chunk(u, dtype, rows);
    bool masked = !sees_all(u);
    for (int row = 0; row < rows; row++) {
        float *own = partial + (u->row + row) * (2 + p->value_dim);
        if (masked) attention_mask_row(p, u->batch, u->kv_head, u->row + row, u->begin, u->count, u->scores[row], 1);
        weigh(u, row, own);
    }
    add_chunk(u, dtype, rows);
    for (int row = 0; row < rows; row++)
        from_blocks(partial + (u->row + row) * (2 + p->value_dim) + 2, u->sums[row], p->value_dim, dtype);
}

static int64_t padded_to_blocks(int64_t n) {
    return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* The scaled queries in the order of blocks, zeros behind them; no sums yet. */
static void start_rows(thin_unit *u, int rows) {
    const attention_problem *p = u->p;
    float buffer[ATTENTION_MOST_DIM], scaled[ATTENTION_MOST_DIM];
    for (int row = 0; row < rows; row++) {
        const float *x =
            row_floats(buffer, attention_query(p, u->batch, u->kv_head, u->row + row), 0, p->dim, p->dtype);
        for (int64_t i = 0; i < p->dim; i++) scaled[i] = x[i] * p->scale;
        to_blocks(u->q[row], scaled, p->dim, p->dtype);
        memset(u->sums[row], 0, (size_t)padded_to_blocks(p->value_dim) * sizeof(float));
    }
}

#define ATTEND(dtype)                                                                                                  \
    static void attend_##dtype(thin_unit *u, float *partial, int rows) {                                               \
        if (rows == 1) attend_thin(u, partial, dtype, 1);                                                              \
        if (rows == 2) attend_thin(u, partial, dtype, 2);                                                              \
        if (rows == 3) attend_thin(u, partial, dtype, 3);                                                              \
        if (rows == 4) attend_thin(u, partial, dtype, 4);                                                              \
    }
ATTEND(TARN_BFLOAT16)
ATTEND(TARN_FLOAT16)
ATTEND(TARN_FLOAT32)

/* Whether no row sees anything of this chunk, and all rows see something elsewhere. */
static bool is_hidden(const thin_unit *u, attention_span span) {
    if (!u->p->plain || span.first < 0) return false;
    return u->begin > span.first + u->p->length - 1 || span.first - (u->begin + u->count - 1) >= u->p->window;
}

static void no_keys(const attention_problem *p, float *partial) {
    int64_t rows = p->group * p->length, size = 2 + p->value_dim;
    memset(partial, 0, (size_t)(rows * size) * sizeof(float));
    for (int64_t i = 0; i < rows; i++) partial[i * size] = -__builtin_inff();
}

static void thin(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t chunk, float *partial) {
    attention_span span = attention_span_of(p, batch);
    int64_t begin = chunk * ATTENTION_CHUNK, count = span.end - begin, rows = p->group * p->length;
    float q[GROUP_ROWS][ATTENTION_MOST_DIM], sums[GROUP_ROWS][ATTENTION_MOST_DIM], scores[GROUP_ROWS][ATTENTION_CHUNK];
    thin_unit u = {.p = p, .batch = batch, .kv_head = kv_head, .begin = begin, .q = q, .sums = sums, .scores = scores};
    u.count = count < ATTENTION_CHUNK ? count : ATTENTION_CHUNK;
    if (u.count <= 0 || is_hidden(&u, span)) {
        no_keys(p, partial);
        return;
    }
    u.k = reader_of(&u, &p->k, p->dim);
    u.v = reader_of(&u, &p->v, p->value_dim);
    int64_t groups = (rows + GROUP_ROWS - 1) / GROUP_ROWS;
    for (int64_t i = 0; i < groups; i++) {
        u.row = rows * i / groups;
        int own = (int)(rows * (i + 1) / groups - u.row);
        start_rows(&u, own);
        if (p->dtype == TARN_BFLOAT16) attend_TARN_BFLOAT16(&u, partial, own);
        if (p->dtype == TARN_FLOAT16) attend_TARN_FLOAT16(&u, partial, own);
        if (p->dtype == TARN_FLOAT32) attend_TARN_FLOAT32(&u, partial, own);
    }
}
