/* Forms units: a view, a kernel, or a group of elementwise nodes of one shape and stream.

   A node may join the group of one of its inputs if nothing it reads from elsewhere can depend on that group. Depths
   tell: a unit is deeper than all it reads, so what is less deep than the group does not depend on it. On a group that
   no other unit reads nothing depends, and it may become deeper. */
#include <stddef.h>
#include <string.h>

#include "base/hard.h"
#include "base/settings.h"
#include "eval/schedule.h"

enum { MOST_INSTRUCTIONS = 40, NEAR = 8 };

static int input_depth(const schedule *s, int e) {
    int u = s->entries.items[e].unit;
    return u < 0 ? 0 : s->units.items[u].depth;
}

static void note_read(schedule *s, int e) {
    int u = s->entries.items[e].unit;
    if (u >= 0) s->units.items[u].read = true;
}

static bool has_external(const unit *u, int e) {
    for (int i = 0; i < u->external_count; i++)
        if (u->externals[i] == e) return true;
    return false;
}

/* Nodes come in the order in which they are needed. What is found long after others have read a group (the gradient's
   part of what went forwards) is needed long after it: as a member it would hold memory until then. */
static bool is_near(const schedule *s, int g) {
    const unit *u = &s->units.items[g];
    return !u->read || (int)s->units.count - u->grown <= NEAR;
}

/* Whether n may join group g; its inputs are entries sources[]. */
static bool may_join(const schedule *s, int g, const node *n, const int *sources) {
    const unit *u = &s->units.items[g];
    if (u->kind != UNIT_GROUP || u->node->stream != n->stream ||
        !array_same_shape(&u->node->outputs[0], &n->outputs[0]))
        return false;
    int more = 0;
    for (int i = 0; i < n->input_count; i++) {
        if (s->entries.items[sources[i]].unit == g) continue;
        if (u->read && input_depth(s, sources[i]) >= u->depth) return false;
        more += !has_external(u, sources[i]);
    }
    return u->count < MOST_INSTRUCTIONS && u->external_count + more <= GROUP_MAX_INPUTS &&
           u->external_count + more + u->count + 1 <= GROUP_MAX_REGISTERS;
}

static void add_external(schedule *s, unit *u, int e) {
    note_read(s, e);
    if (input_depth(s, e) >= u->depth) u->depth = input_depth(s, e) + 1;
    if (!has_external(u, e)) u->externals[u->external_count++] = e;
}

static bool add_member(schedule *s, int g, node *n, const int *sources) {
    member m = {n, -1};
    if (!vector_push(&s->members, m)) return false;
    unit *u = &s->units.items[g];
    int index = (int)s->members.count - 1;
    if (u->count)
        s->members.items[u->last].next = index;
    else
        u->first = index;
    u->last = index;
    u->count++;
    u->grown = (int)s->units.count;
    for (int i = 0; i < n->input_count; i++)
        if (s->entries.items[sources[i]].unit != g) add_external(s, u, sources[i]);
    s->entries.items[n->outputs[0].note].unit = g;
    return true;
}

/* Two groups of one depth do not depend on each other, nor does one on another that is less deep and not read: they may
   become one. h is not deeper than g. */
static bool merge_groups(schedule *s, int g, int h) {
    unit *u = &s->units.items[g], *v = &s->units.items[h];
    int more = 0;
    for (int i = 0; i < v->external_count; i++) more += !has_external(u, v->externals[i]);
    int inputs = u->external_count + more, nodes = u->count + v->count + 1;
    bool apart = u->depth == v->depth || !v->read;
    bool alike = v->kind == UNIT_GROUP && apart && u->node->stream == v->node->stream;
    if (!alike || !array_same_shape(&u->node->outputs[0], &v->node->outputs[0]) || nodes > MOST_INSTRUCTIONS ||
        inputs > GROUP_MAX_INPUTS || inputs + nodes > GROUP_MAX_REGISTERS)
        return false;
    for (int i = 0; i < v->external_count; i++)
        if (!has_external(u, v->externals[i])) u->externals[u->external_count++] = v->externals[i];
    for (int m = v->first; m >= 0; m = s->members.items[m].next)
        s->entries.items[s->members.items[m].node->outputs[0].note].unit = g;
    s->members.items[u->last].next = v->first;
    u->last = v->last;
    u->count += v->count;
    u->read |= v->read;
    v->count = 0; /* nothing leads to it any more */
    return true;
}

static int deepest_group(const schedule *s, const node *n, const int *sources) {
    int best = -1;
    for (int i = 0; i < n->input_count; i++) {
        int g = s->entries.items[sources[i]].unit;
        bool fits = g >= 0 && s->units.items[g].kind == UNIT_GROUP && is_near(s, g) &&
                    s->units.items[g].node->stream == n->stream &&
                    array_same_shape(&s->units.items[g].node->outputs[0], &n->outputs[0]);
        if (fits && (best < 0 || s->units.items[g].depth > s->units.items[best].depth)) best = g;
    }
    return best;
}

static bool add_unit(schedule *s, unit_kind kind, node *n, int depth) {
    if (!vector_reserve(&s->units, 1)) return false;
    unit *u = &s->units.items[s->units.count++];
    memset(u, 0, offsetof(unit, externals));
    u->kind = kind;
    u->node = n;
    u->depth = depth;
    return true;
}

static bool form_group(schedule *s, node *n, const int *sources, int depth) {
    int best = settings_fuse() ? deepest_group(s, n, sources) : -1;
    for (int i = 0; best >= 0 && i < n->input_count; i++) {
        int g = s->entries.items[sources[i]].unit;
        if (g >= 0 && g != best && is_near(s, g)) merge_groups(s, best, g);
    }
    if (best >= 0 && may_join(s, best, n, sources)) return add_member(s, best, n, sources);
    return add_unit(s, UNIT_GROUP, n, depth + 1) && add_member(s, (int)s->units.count - 1, n, sources);
}

bool schedule_form_unit(schedule *s, node *n) {
    bool group = op_is_elementwise(n->op) || op_has_flag(n->op, OP_CAST);
    int sources[3], depth = 0;
    for (int i = 0; i < n->input_count; i++) {
        int e = n->inputs[i] ? schedule_source(s, n->inputs[i]) : -1;
        if (n->inputs[i] && e < 0) return false;
        if (group) sources[i] = e;
        if (e >= 0 && input_depth(s, e) > depth) depth = input_depth(s, e);
        if (e >= 0 && !group) note_read(s, e);
    }
    if (group) return form_group(s, n, sources, depth);
    bool view = op_has_flag(n->op, OP_VIEW);
    if (!add_unit(s, view ? UNIT_VIEW : UNIT_KERNEL, n, view ? depth : depth + 1)) return false;
    for (int i = 0; i < n->output_count; i++) {
        entry *e = &s->entries.items[n->outputs[i].note];
        if (!e->external)
            e->unit = (int)s->units.count - 1; /* an output that has its value already is not computed again */
    }
    return true;
}

int unit_input(schedule *s, const unit *u, int k) {
    int count = u->kind == UNIT_GROUP ? u->external_count : u->node->input_count;
    if (k >= count) return -2;
    if (hard_mode()) k = count - 1 - k; /* another order in which the inputs are computed */
    if (u->kind == UNIT_GROUP) return u->externals[k];
    return u->node->inputs[k] ? schedule_source(s, u->node->inputs[k]) : -1;
}
