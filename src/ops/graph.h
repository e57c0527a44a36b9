/* The part of a traced graph that lies between some arrays and what was made of them, in an order to walk it; and
   building it again over other arrays. */
#ifndef OPS_GRAPH_H
#define OPS_GRAPH_H

#include "base/map.h"
#include "base/vector.h"
#include "ops/build.h"

typedef struct {
    node *node;
    size_t first;         /* slot of its output 0 */
    tarn_array *captured; /* whole graphs: an array that is taken as it is; no node then */
} graph_step;

/* Every array of the part has a slot, a place in lists that a transform keeps: first the sources, then the outputs of
 * each step. */
typedef struct {
    VECTOR(graph_step) steps; /* inputs before their readers */
    map *places;
    size_t slot_count;
    bool whole;
} graph;

/* Whether input i of n counts as a connection; NULL: all do. */
typedef bool (*graph_connects)(const node *n, int i);

/* The nodes through which `ends` depend on `sources`, by inputs that connect, both parts of a trace that lasts. Does
   not recurse. Release with graph_free, also after a failure. */
bool graph_make(graph *g, tarn_array *const *sources, int source_count, tarn_array *const *ends, int end_count,
                graph_connects connects);
/* All that is behind `ends`, whether or not it depends on the sources, down to these and to captured arrays, which are
   steps of their own: those that have values, and those that somebody holds and no trace has made. Under the schedule
   lock. */
bool graph_make_whole(graph *g, tarn_array *const *sources, int source_count, tarn_array *const *ends, int end_count,
                      graph_connects connects);
void graph_free(graph *g);

/* The slot of an array; -1 if it does not depend on the sources. */
int64_t graph_slot(const graph *g, const tarn_array *a);

#endif
