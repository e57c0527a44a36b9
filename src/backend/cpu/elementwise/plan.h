/* A group's program as the block interpreter runs it (elementwise.c): steps over slots, where their values come from
   and go to, and how large a block is.

   A slot is a place in memory that holds a block of values: one for each register, one for each input. A dense input or
   output whose dtype is its own compute type needs no copying: for a full block its slot is the array's own memory. */
#ifndef CPU_ELEMENTWISE_PLAN_H
#define CPU_ELEMENTWISE_PLAN_H

#include "backend/call.h"
#include "cpu/elementwise/elementwise.h"

enum {
    INPUT_SLOTS = GROUP_MAX_REGISTERS + 1, /* slots of the inputs come after those of the registers and a spare one */
    STREAM_SLOTS = INPUT_SLOTS + GROUP_MAX_INPUTS, /* outputs on their way past the caches */
    MOST_STREAMS = 4,
    SLOTS = STREAM_SLOTS + MOST_STREAMS,
    FEW_STEPS = 8, /* that need no workspace */
    STILL_BYTES = ELEMENTWISE_STEP * 8,
    CACHE_LINE = 64,
    AHEAD_ELEMENTS = 384 /* between those that an even plan computes and those it fetches */
};

typedef struct {
    elementwise_loop loop;               /* NULL: only `convert` */
    elementwise_convert convert;         /* rounds to the dtype, or converts to it; NULL: nothing to do */
    uint8_t result, bytes, arguments[3]; /* slots; bytes of one value of the result */
    uint8_t widths[3];                   /* bytes of one value of each argument; 0: it stands still */
    uint8_t still;                       /* bit k: argument k is a still source */
    uint8_t argument_count;
    bool pair;     /* two instructions in one loop */
    uint8_t ahead; /* of an even plan: the source that is fetched while it computes, plus 1; 0: none */
} step;

typedef struct {
    const char *data;
    elementwise_load load;
    int slot, bytes, width; /* bytes of an element in memory and in a register */
    bool constant;          /* one element for all: loaded once */
    bool still;             /* and read by loops alone, so that a step of it is enough */
    bool repeats;           /* every block of a thread's part has the same elements: loaded once, too */
    bool raw;               /* the array's memory is as good as a register */
    bool turned;            /* it lies transposed: tiles of it are turned before blocks read them */
    int64_t tile;           /* where in a thread's memory for tiles its own begins */
    int64_t share;          /* bytes to fetch ahead during a piece; 0: none */
    int ndim;               /* collapsed axes, at least 1 */
    int64_t shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
} source;

typedef struct {
    char *data;
    elementwise_store store;
    int slot, bytes;
    bool dense;    /* values in the slot are as the array has them */
    bool raw;      /* the slot is the output's memory in full blocks */
    int stream;    /* the slot by way of which it goes past the caches; 0: it does not */
    int64_t share; /* bytes that go during a piece */
} sink;

/* How blocks run where sources lie transposed: tile by tile of the rows along an axis of the result and the columns of
   its last one, so that lines of memory are read once. */
typedef struct {
    int ndim, along; /* 0: nothing lies transposed; the axis along which those sources' neighbours are closest */
    int64_t shape[TARN_MAX_NDIM], steps[TARN_MAX_NDIM];
    int64_t rows, columns; /* of a tile, but those at the ends */
    int64_t down, across;  /* tiles along both axes */
    int64_t count;
    bool joined; /* the rows of a tile follow each other in the result */
} elementwise_tiles;

typedef struct {
    int step_count, source_count, sink_count, slot_bytes;
    int64_t size, block;
    elementwise_tiles tiles;
    int64_t turned_bytes; /* of a thread's memory for tiles */
    int pieces;           /* of a block: before a step computes each of them, some lines move */
    int64_t piece;
    uint8_t used[SLOTS], place[SLOTS]; /* slots that lie one after the other in a thread's scratch, and where each is */
    int used_count, still_count;       /* still sources lie behind them, STILL_BYTES each */
    int64_t used_bytes;                /* of one: all take about CACHE_BYTES, SCRATCH_BYTES at most */
    bool whole;                        /* one loop over arrays only: no blocks needed */
    bool even;                         /* steps read and write arrays where they are, lines all of them, and scratch */
    bool busy;                         /* much comes from memory or goes there: it moves while steps compute */
    int stream_count;
    const elementwise_kernels *kernels;
    step *steps, few[FEW_STEPS];
    source sources[GROUP_MAX_INPUTS];
    const source *ahead[GROUP_MAX_INPUTS]; /* those with a share */
    int ahead_count;
    sink sinks[GROUP_MAX_REGISTERS];
} elementwise_plan;

static inline bool source_is_line(const source *s) {
    return s->ndim == 1 && s->strides[0] == 1;
}

/* pairs.c: of the steps as they come from the instructions `code`. sunk: slots that hold an output in the end. */
void elementwise_pair_steps(elementwise_plan *p, const group_instruction *code, const bool *sunk);
/* tiles.c: of the sources as they are. */
void elementwise_plan_tiles(elementwise_plan *p);
void elementwise_make_plan(elementwise_plan *p, const call *c, const elementwise_kernels *kernels);

#endif
