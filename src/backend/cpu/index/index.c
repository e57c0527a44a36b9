/* Reading and writing by index arrays: gather and scatter. Negative indices count from the end; what lies outside is
   read as zero and not written. Sums and the like of half and complex numbers are left to the reference. */
#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/index/pick.h"
#include "cpu/index/places.h"

enum {
    GRAIN_BYTES = 1 << 16,  /* what is worth a thread */
    COLUMN_BYTES = 1 << 11, /* the least part of a row for a thread of its own */
};

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t size_of(const pick *p, int first, int last) {
    int64_t size = 1;
    for (int i = first; i < last; i++) size *= p->axes[i].size;
    return size;
}

static void walk_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    pick_walk(context, begin, end);
}

static bool run_gather(const call *c) {
    const attributes_gather *a = c->attributes;
    pick p = pick_make(&c->inputs[0], &c->outputs[0], &c->inputs[1], c->input_count - 1, a->axes, a->batch, true,
                       TARN_SCATTER_SET);
    if (p.bytes > 0) parallel_for(size_of(&p, 0, p.ndim), GRAIN_BYTES / p.bytes + 1, walk_part, &p);
    return true;
}

/* ---- scatter. Updates of one place apply in order: axes of the walk along which every step is another place are
   shared out among threads, and if that is too little, pieces of the last of them, columns of the blocks, or the places
   themselves. */

typedef struct {
    pick pick;
    int separate; /* axes that are shared out; positions of those behind may have the same place */
    bool inner;   /* but for the last axis, along which places differ again */
    int columns, ranges;
    int64_t width, span; /* elements of a column; bytes of a range of places */
} scatter_job;

/* The axes along which places differ come first; one that ran fastest stays last. */
static void arrange_axes(scatter_job *j) {
    pick *p = &j->pick;
    pick_axis behind[TARN_MAX_NDIM];
    int count = 0, last = p->ndim - 1;
    for (int i = 0; i < p->ndim; i++) {
        bool stays = i == last && count > 0;
        if (p->axes[i].many != 0 && !stays)
            p->axes[j->separate++] = p->axes[i];
        else
            behind[count++] = p->axes[i];
    }
    j->inner = count > 1 && behind[count - 1].many != 0;
    for (int i = 0; i < count; i++) p->axes[j->separate + i] = behind[i];
}

/* The columns and places of part number `part`. */
static void narrow(const scatter_job *j, int64_t part, pick *p) {
    int64_t column = part % j->columns * j->width, range = part / j->columns;
    p->first = range * j->span;
    p->end = range + 1 < j->ranges ? (range + 1) * j->span : INT64_MAX;
    if (j->inner) {
        pick_axis *a = &p->axes[p->ndim - 1];
        a->size = least(j->width, a->size - column);
        p->many += column * a->many;
        p->picked += column * a->picked;
        for (int k = 0; k < p->index_count; k++) p->indices[k].data += column * a->index[k];
    } else {
        move_plan *b = &p->block;
        int last = b->ndim - 1;
        b->shape[last] = least(j->width, b->shape[last] - column);
        p->many += column * b->to[last];
        p->picked += column * b->from[last];
    }
}

static void scatter_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const scatter_job *j = context;
    int parts = j->columns * j->ranges;
    for (int64_t i = begin, next; i < end; i = next) {
        pick mine = j->pick;
        narrow(j, i % parts, &mine);
        next = parts == 1 ? end : i + 1;
        int64_t repeats = size_of(&mine, j->separate, mine.ndim);
        pick_walk(&mine, i / parts * repeats, (next - 1) / parts * repeats + repeats);
    }
}

static void share_out(scatter_job *j, int64_t lanes, int64_t output_bytes) {
    const move_plan *b = &j->pick.block;
    int64_t threads = parallel_threads(), size = j->inner ? j->pick.axes[j->pick.ndim - 1].size : b->shape[b->ndim - 1];
    int64_t row = size * (j->inner ? j->pick.bytes : b->bytes);
    bool many = lanes < threads && size_of(&j->pick, j->separate, j->pick.ndim) * j->pick.bytes >= GRAIN_BYTES;
    j->columns = many && row >= 2 * COLUMN_BYTES ? (int)least(threads, row / COLUMN_BYTES) : 1;
    j->ranges = many && j->columns == 1 ? (int)threads : 1;
    j->width = (size + j->columns - 1) / j->columns;
    j->columns = (int)((size + j->width - 1) / j->width);
    j->span = output_bytes / j->ranges + 1;
}

/* Output 0 holds x already. Inputs: x, updates, indices. */
static bool run_scatter(const call *c) {
    const attributes_scatter *a = c->attributes;
    const operand *out = &c->outputs[0];
    scatter_job j = {.pick = pick_make(out, &c->inputs[1], &c->inputs[2], c->input_count - 2, a->axes, a->batch, false,
                                       (tarn_scatter_mode)a->mode)};
    arrange_axes(&j);
    int64_t lanes = size_of(&j.pick, 0, j.separate), repeats = size_of(&j.pick, j.separate, j.pick.ndim);
    if (lanes == 0 || repeats == 0 || j.pick.bytes == 0) return true;
    share_out(&j, lanes, operand_size(out) * dtype_bytes(out->dtype));
    int64_t parts = (int64_t)j.columns * j.ranges;
    parallel_for(lanes * parts, parts > 1 ? 1 : GRAIN_BYTES / (repeats * j.pick.bytes) + 1, scatter_part, &j);
    return true;
}

static bool supports_scatter(const call *c) {
    tarn_scatter_mode mode = (tarn_scatter_mode)((const attributes_scatter *)c->attributes)->mode;
    return mode == TARN_SCATTER_SET || pick_combine_of(mode, c->inputs[0].dtype);
}

#define INDEX_ROW(name_, supports_)                                                                                    \
    {                                                                                                                  \
        .op = OP_##name_, .name = #name_ "_cpu", .dtypes = DTYPES_ALL, .selector = -1, .layout = LAYOUT_ANY,           \
        .any_address = ~0u, .supports = supports_, .run = run_##name_                                                  \
    }

int cpu_rows_index(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {INDEX_ROW(gather, NULL), INDEX_ROW(scatter, supports_scatter)};
    if (isa != ISA_BASELINE) return 0;
    int found = cpu_pick_rows(op, rows, 2, out, 0);
    return cpu_pick_rows(op, places_rows, PLACES_ROWS, out, found);
}
