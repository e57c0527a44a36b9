/* The scheduler's own notes on a graph, shared by its files: discover.c finds what must be computed and lowers it,
   same.c what a plan would compute twice, fuse.c forms units, retain.c decides whose memory stays, order.c orders
   the units, emit.c turns them into steps. Everything runs under the schedule lock.
 */
#ifndef EVAL_SCHEDULE_H
#define EVAL_SCHEDULE_H

#include "base/map.h"
#include "eval/program.h"
#include "ops/build.h"

/* An array of the graph. */
typedef struct {
    tarn_array *a;
    int alias;     /* the entry whose value this one shares, or -1 */
    int unit;      /* what computes it; -1: it has a value already, or is not needed */
    int value;     /* in the program; -1: not yet */
    int readers;   /* edges from nodes of this schedule */
    int taker;     /* of memory that may be taken: the last of its readers in s->takers, plus 1; 0: none */
    int uses;      /* by other units */
    int argument;  /* index of a plan's argument, or -1 */
    bool external; /* came in with a value */
    bool root;
    bool needed_again; /* read by a node that a transform is tracing: its rule may read it, too */
    bool candidate;    /* external, and held by nobody outside: its memory may be taken */
    bool remembered;   /* external, and moved: its node is held until the schedule is committed */
    bool retained;     /* has a value afterwards */
    bool was_computed; /* before this schedule */
} entry;

typedef enum { UNIT_VIEW, UNIT_KERNEL, UNIT_GROUP } unit_kind;

/* What is computed in one go. */
typedef struct {
    unit_kind kind;
    node *node; /* of a group: its first */
    int depth;  /* longer than that of every unit whose results it reads from outside (a view: as long as its source's)
                 */
    int first, count; /* a group's nodes: links in s->members from first */
    int last;
    int external_count;
    int grown; /* a group: how many units there were when it got its last member */
    bool read; /* by another unit, which is deeper */
    bool ordered, stacked;
    int externals[GROUP_MAX_INPUTS]; /* a group's inputs, as entries; last: not cleared */
} unit;

typedef struct {
    node *node;
    int next; /* in members, or -1 */
} member;

/* A unit that reads memory that may be taken. */
typedef struct {
    int unit, before; /* the one before, as entry.taker */
} taker;

typedef struct {
    int unit, next; /* input to look at */
} order_frame;

/* What must be computed, as a unit; `place` is that of its entry. */
typedef struct {
    int unit, depth, place;
} goal;

typedef struct {
    node *node;
    int next;        /* child to visit */
    int alias_first; /* first of its outputs' targets in s->targets, -1 if it is computed itself */
} frame;

struct schedule {
    program *p;
    schedule_options options;
    uint64_t epoch;
    VECTOR(entry) entries;
    VECTOR(unit) units;
    VECTOR(member) members;
    VECTOR(node *) order;          /* inputs before readers */
    VECTOR(unsigned char) tainted; /* of each node of order: computing it again would need memory that may be taken */
    VECTOR(tarn_array *) targets;  /* what lowered nodes became; their nodes are retained */
    VECTOR(frame) stack;
    VECTOR(order_frame) order_stack;
    VECTOR(goal) goals;
    VECTOR(taker) takers;
    VECTOR(int) sequence; /* units in the order of execution */
    map *same;            /* of a plan: what has been said already (same.c) */
    VECTOR(int64_t) said;
    VECTOR(operand) room; /* while emitting: of a call that rows are asked about */
    VECTOR(int64_t) strides;
    int last_effect; /* while emitting: 1 + the value of the effect that was emitted last; 0: none yet */
};

int schedule_new_entry(schedule *s, tarn_array *a);
/* The entry of an array, made if need be; -1 without memory. */
static inline int schedule_entry(schedule *s, tarn_array *a) {
    return a->epoch == s->epoch ? a->note : schedule_new_entry(s, a);
}
/* The entry whose value e has. */
static inline int schedule_resolve(const schedule *s, int e) {
    while (s->entries.items[e].alias >= 0) e = s->entries.items[e].alias;
    return e;
}
static inline int schedule_source(schedule *s, tarn_array *a) {
    int e = schedule_entry(s, a);
    return e < 0 ? -1 : schedule_resolve(s, e);
}

bool schedule_discover(schedule *s, tarn_array *const *roots, int count);
bool schedule_form_unit(schedule *s, node *n);
/* same.c: of a plan. *found: an equal node came before, whose values n shares. */
bool schedule_share(schedule *s, const node *n, bool *found);
/* A captured scalar shares the value of an equal one. */
bool schedule_share_scalar(schedule *s, int e);
bool schedule_retain(schedule *s);
bool schedule_order(schedule *s);
bool schedule_emit(schedule *s);

/* Input `k` of a unit as an entry: -1 for an absent one, -2 past the last. */
int unit_input(schedule *s, const unit *u, int k);

#endif
