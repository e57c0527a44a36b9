/* Reading blocks. Where lines are neighbours in memory (batch_inner), a run is a few lines at one depth; else a run is
   a few depths of one line: channels, and places of the kernel too if they follow each other. */
#include "cpu/conv/patches.h"

#include "cpu/matmul/inline.h"
#include "cpu/sizes.h"

int64_t patches_lines(const conv_patches *p) {
    return p->batch * product_of_sizes(p->places, p->axes);
}

int64_t patches_depth(const conv_patches *p) {
    return p->channels * product_of_sizes(p->taps, p->axes);
}

patch_line patches_line(const conv_patches *p, int64_t line) {
    patch_line l;
    int64_t count = product_of_sizes(p->places, p->axes);
    l.b = p->batch_inner ? line % p->batch : line / count;
    split_index(p->batch_inner ? line / p->batch : line % count, p->places, p->axes, l.place);
    return l;
}

typedef struct {
    int64_t c, tap[CONV_AXES];
} patch_depth;

static patch_depth depth_at(const conv_patches *p, int64_t k) {
    patch_depth d;
    int64_t count = product_of_sizes(p->taps, p->axes);
    d.c = p->channels_outer ? k / count : k % p->channels;
    split_index(p->channels_outer ? k % count : k / p->channels, p->taps, p->axes, d.tap);
    return d;
}

static bool count_up(int64_t *digits, const int64_t *sizes, int axes) {
    for (int i = axes - 1; i >= 0; i--) {
        if (++digits[i] < sizes[i]) return true;
        digits[i] = 0;
    }
    return false;
}

void patches_next_line(const conv_patches *p, patch_line *l) {
    if (!p->batch_inner) {
        if (!count_up(l->place, p->places, p->axes)) l->b++;
    } else if (++l->b == p->batch) {
        l->b = 0;
        count_up(l->place, p->places, p->axes);
    }
}

static void next_depth(const conv_patches *p, patch_depth *d) {
    if (p->channels_outer) {
        if (!count_up(d->tap, p->taps, p->axes)) d->c++;
    } else if (++d->c == p->channels) {
        d->c = 0;
        count_up(d->tap, p->taps, p->axes);
    }
}

/* Positions of a line at the first place of the kernel. */
static void begin_positions(const conv_patches *p, const patch_line *l, int64_t *position) {
    for (int i = 0; i < p->axes; i++) position[i] = p->first[i] + l->place[i] * p->place_step[i];
}

static bool is_inside(const conv_patches *p, const int64_t *position, const int64_t *move) {
    bool inside = true;
    for (int i = 0; i < p->axes; i++) {
        int64_t at = position[i] + move[i];
        inside = inside && at >= 0 && at < p->size[i];
    }
    return inside;
}

static int64_t offset_of(const conv_patches *p, const int64_t *positions) {
    int64_t offset = 0;
    for (int i = 0; i < p->axes; i++) offset += positions[i] * p->stride[i];
    return offset;
}

/* A call of memcpy would take longer than a few elements do. */
static inline void copy_run(const conv_patches *p, const char *from, char *to, int count) {
    if (count <= 4 && p->bytes == 4)
        for (int i = 0; i < count; i++) memcpy(to + 4 * i, from + 4 * i, 4);
    else if (count == 1 && p->bytes == 2)
        memcpy(to, from, 2);
    else
        memcpy(to, from, (size_t)(count * p->bytes));
}

static inline void clear_run(const conv_patches *p, char *to, int count) {
    if (count <= 4 && p->bytes == 4)
        for (int i = 0; i < count; i++) memset(to + 4 * i, 0, 4);
    else
        memset(to, 0, (size_t)(count * p->bytes));
}

/* ---- runs along the depth */

/* Elements that follow each other, all at one place of the kernel. */
typedef struct {
    int64_t offset, move[CONV_AXES];
    int at, count;
} depth_run;

static int depth_runs(const conv_patches *p, int64_t k, int depth, depth_run *runs) {
    bool along = !p->channels_outer && p->channel_stride == 1;
    int count = 0;
    for (int at = 0; at < depth; at += runs[count++].count) {
        depth_run *r = &runs[count];
        patch_depth d = depth_at(p, k + at);
        for (int i = 0; i < p->axes; i++) r->move[i] = d.tap[i] * p->tap_step[i];
        r->offset = offset_of(p, r->move) + d.c * p->channel_stride;
        r->at = at;
        r->count = !along ? 1 : p->channels - d.c < depth - at ? (int)(p->channels - d.c) : depth - at;
    }
    return count;
}

/* Runs that follow each other in memory and in depth, joined: for lines that lie inside with all of the kernel. */
static int joined_runs(const depth_run *runs, int count, depth_run *joined) {
    int made = 0;
    for (int i = 0; i < count; i++) {
        depth_run *last = &joined[made - 1];
        if (made && last->offset + last->count == runs[i].offset)
            last->count += runs[i].count;
        else
            joined[made++] = runs[i];
    }
    return made;
}

static bool all_inside(const conv_patches *p, const int64_t *position) {
    int64_t last[CONV_AXES], none[CONV_AXES] = {0};
    for (int i = 0; i < p->axes; i++) last[i] = (p->taps[i] - 1) * p->tap_step[i];
    return is_inside(p, position, none) && is_inside(p, position, last);
}

static void read_line(const conv_patches *p, const patch_line *l, const depth_run *runs, int count,
                      const depth_run *joined, int joined_count, char *out) {
    int64_t position[CONV_AXES];
    begin_positions(p, l, position);
    int64_t base = l->b * p->batch_stride + offset_of(p, position);
    bool whole = all_inside(p, position);
    const depth_run *list = whole ? joined : runs;
    for (int i = 0, n = whole ? joined_count : count; i < n; i++) {
        char *to = out + list[i].at * p->bytes;
        if (whole || is_inside(p, position, list[i].move))
            copy_run(p, p->data + (base + list[i].offset) * p->bytes, to, list[i].count);
        else
            clear_run(p, to, list[i].count);
    }
}

static void read_lines(const conv_patches *p, int64_t line, int lines, int64_t k, int depth, char *out,
                       int64_t stride) {
    depth_run runs[PATCH_DEPTH], joined[PATCH_DEPTH];
    int count = depth_runs(p, k, depth, runs), joined_count = joined_runs(runs, count, joined);
    patch_line l = patches_line(p, line);
    for (int i = 0; i < lines; i++, patches_next_line(p, &l))
        read_line(p, &l, runs, count, joined, joined_count, out + i * stride * p->bytes);
}

/* ---- runs along the lines */

/* Lines that differ in b alone. Those that follow each other in memory, at neighbouring places of the last axis, are
   joined: `joined` of them, of the first one on. */
typedef struct {
    int64_t offset, position[CONV_AXES];
    int at, count, joined;
} line_run;

static bool follows(const conv_patches *p, const line_run *last, const line_run *r) {
    bool same = last->offset + last->count == r->offset;
    for (int i = 0; i < p->axes - 1; i++) same = same && last->position[i] == r->position[i];
    return same;
}

static int line_runs(const conv_patches *p, int64_t line, int lines, line_run *runs) {
    int count = 0, first = 0;
    for (int at = 0; at < lines; count++) {
        patch_line l = patches_line(p, line + at);
        line_run *r = &runs[count];
        begin_positions(p, &l, r->position);
        r->offset = l.b * p->batch_stride + offset_of(p, r->position);
        r->at = at;
        r->count = p->batch - l.b < lines - at ? (int)(p->batch - l.b) : lines - at;
        r->joined = 1;
        at += r->count;
        if (count > first && follows(p, r - 1, r))
            runs[first].joined++;
        else
            first = count;
    }
    return count;
}

enum { AHEAD = 8 }; /* depths whose elements are asked for before they are read: they lie far apart */

/* `count` depths that differ in the last axis of the kernel alone: `offset` elements from where the lines begin, moved
   by `move`; from one to the next `step` elements, to the one that is asked for `ahead`. */
typedef struct {
    int64_t offset, move[CONV_AXES], step, ahead;
    int count;
} tap_row;

static tap_row tap_row_at(const conv_patches *p, const patch_depth *d, int most) {
    int last = p->axes - 1;
    tap_row t = {.count = 1, .step = p->tap_step[last] * p->stride[last], .ahead = AHEAD * p->channel_stride};
    for (int i = 0; i < p->axes; i++) t.move[i] = d->tap[i] * p->tap_step[i];
    t.offset = offset_of(p, t.move) + d->c * p->channel_stride;
    if (!p->channels_outer) return t;
    int64_t left = p->taps[last] - d->tap[last];
    t.count = left < most ? (int)left : most;
    t.ahead = AHEAD * t.step;
    return t;
}

/* Whether the positions on all axes but the last are inside. */
static bool row_is_inside(const conv_patches *p, const line_run *r, const tap_row *t) {
    bool inside = true;
    for (int i = 0; i < p->axes - 1; i++) {
        int64_t at = r->position[i] + t->move[i];
        inside = inside && at >= 0 && at < p->size[i];
    }
    return inside;
}

/* Whether the last position is inside at depth i. */
static inline bool tap_is_inside(const conv_patches *p, const line_run *r, const tap_row *t, int i) {
    int last = p->axes - 1;
    int64_t at = r->position[last] + t->move[last] + i * p->tap_step[last];
    return at >= 0 && at < p->size[last];
}

static void read_run(const conv_patches *p, const line_run *r, const tap_row *t, int i, bool inside, char *out) {
    char *to = out + r->at * p->bytes;
    if (inside && tap_is_inside(p, r, t, i))
        copy_run(p, p->data + (r->offset + t->offset + i * t->step) * p->bytes, to, r->count);
    else
        clear_run(p, to, r->count);
}

/* The lines of runs[0] and those joined with it. */
static void read_joined(const conv_patches *p, const line_run *runs, const tap_row *t, char *out, int64_t stride) {
    const line_run *last = runs + runs->joined - 1;
    bool inside = row_is_inside(p, runs, t);
    int lines = last->at + last->count - runs->at;
    for (int i = 0; i < t->count; i++, out += stride * p->bytes) {
        const char *from = p->data + (runs->offset + t->offset + i * t->step) * p->bytes;
        const char *next = from + t->ahead * p->bytes; /* maybe outside: nothing is read */
        PREFETCH(next);
        PREFETCH(next + lines * p->bytes - 1);
        if (inside && tap_is_inside(p, runs, t, i) && tap_is_inside(p, last, t, i))
            copy_run(p, from, out + runs->at * p->bytes, lines);
        else
            for (const line_run *one = runs; one <= last; one++) read_run(p, one, t, i, inside, out);
    }
}

/* ---- the same runs, brought into the order of lines */

enum { TURNED = 16 }; /* lines and depths, at least: the largest squares that a kit turns at a time */

bool patches_turn_well(const conv_patches *p) {
    return p->bytes == sizeof(float) && patches_lie_turned(p) && p->channels_outer && p->batch >= TURNED &&
           p->taps[p->axes - 1] >= TURNED;
}

/* The depths at which a run is inside. */
typedef struct {
    int begin, end;
} depth_range;

static depth_range depths_inside(const conv_patches *p, const line_run *r, const tap_row *t) {
    depth_range d = {0, t->count};
    while (d.begin < d.end && !tap_is_inside(p, r, t, d.begin)) d.begin++;
    while (d.end > d.begin && !tap_is_inside(p, r, t, d.end - 1)) d.end--;
    return d;
}

/* Lines of a run, or of several that are joined, out[line * stride + depth]. */
static void turn_run(const conv_patches *p, const line_run *r, int lines, const tap_row *t, depth_range d, float *out,
                     int64_t stride) {
    const float *from = (const float *)(const void *)p->data + r->offset + t->offset;
    out += r->at * stride;
    for (int l = 0; l < lines && d.end - d.begin < t->count; l++)
        memset(out + l * stride, 0, (size_t)t->count * sizeof *out);
    p->kit->transpose(from + d.begin * t->step, t->step, d.end - d.begin, lines, out + d.begin, stride);
}

/* Where the same depths will be read from the next row of the positions before the last ones. */
static void expect_next_row(const conv_patches *p, const line_run *r, int lines, const tap_row *t) {
    if (p->axes < 2) return;
    int64_t row = p->tap_step[p->axes - 2] * p->stride[p->axes - 2];
    for (int i = 0; i < t->count; i++) {
        const char *next = p->data + (r->offset + t->offset + row + i * t->step) * p->bytes; /* maybe outside */
        PREFETCH(next);
        PREFETCH(next + lines * p->bytes - 1);
    }
}

static void turn_joined(const conv_patches *p, const line_run *runs, const tap_row *t, float *out, int64_t stride) {
    const line_run *last = runs + runs->joined - 1;
    bool inside = row_is_inside(p, runs, t);
    int lines = last->at + last->count - runs->at;
    depth_range all = inside ? depths_inside(p, runs, t) : (depth_range){0, 0},
                other = inside ? depths_inside(p, last, t) : all;
    expect_next_row(p, runs, lines, t);
    bool nothing = all.begin == all.end; /* of the first and the last run: one between them may be inside */
    if (!inside || (!nothing && all.begin == other.begin && all.end == other.end)) {
        turn_run(p, runs, lines, t, all, out, stride);
        return;
    }
    for (const line_run *one = runs; one <= last; one++)
        turn_run(p, one, one->count, t, depths_inside(p, one, t), out, stride);
}

static void read_depths(const conv_patches *p, int64_t line, int lines, int64_t k, int depth, char *out,
                        int64_t stride) {
    line_run runs[PATCH_LINES];
    int count = line_runs(p, line, lines, runs);
    patch_depth d = depth_at(p, k);
    for (int i = 0; i < depth;) {
        tap_row t = tap_row_at(p, &d, depth - i);
        for (int r = 0; r < count; r += runs[r].joined) {
            if (p->kit)
                turn_joined(p, &runs[r], &t, (float *)(void *)out + i, stride);
            else
                read_joined(p, &runs[r], &t, out + i * stride * p->bytes, stride);
        }
        i += t.count;
        d.tap[p->axes - 1] += t.count - 1;
        next_depth(p, &d);
    }
}

void patches_read(const void *patches, int64_t line, int lines, int64_t k, int depth, void *out, int64_t stride) {
    const conv_patches *p = patches;
    if (patches_lie_turned(p))
        read_depths(p, line, lines, k, depth, out, stride);
    else
        read_lines(p, line, lines, k, depth, out, stride);
}
