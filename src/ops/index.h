/* What a list of index entries says of an array: a view of it, and index arrays over axes of the view. */
#ifndef OPS_INDEX_H
#define OPS_INDEX_H

#include "ops/gather.h"
#include "ops/view.h"
#include "tarn/index.h"

typedef struct {
    tarn_array *mask;
    int first; /* its index arrays are indices[first ...], as many as the mask has axes */
} index_mask;

typedef struct {
    int64_t start[TARN_MAX_NDIM], stop[TARN_MAX_NDIM], step[TARN_MAX_NDIM]; /* of each axis of x */
    bool sliced;                                                            /* an axis is not whole */
    int64_t dropped[TARN_MAX_NDIM],
        inserted[TARN_MAX_NDIM];             /* axes of x that integers take away; new ones of the view */
    int dropped_count, inserted_count, ndim; /* ndim: of the view */
    tarn_array *indices[TARN_MAX_NDIM];      /* NULL: of a mask that is not counted yet */
    int64_t axes[TARN_MAX_NDIM];             /* of the view */
    int x_axes[TARN_MAX_NDIM];               /* the same of x */
    int count;
    index_mask masks[TARN_MAX_NDIM];
    int mask_count;
    int picks, runs; /* entries that are integers, arrays or masks; stretches of them without another between */
} index_plan;

/* Integers become index arrays if `integers_pick`, so that nothing has to be sliced for them. False with the error set.
 */
bool index_parse(const tarn_array *x, tarn_entries entries, bool integers_pick, index_plan *p);
tarn_array *index_view(tarn_array *x, const index_plan *p);
/* The index arrays of the masks: so many places, or as many as there are, for which they are evaluated. */
bool index_count_masks(index_plan *p, tarn_integer size);
/* Index arrays that are an error where they point outside v. */
bool index_check(tarn_array *v, index_plan *p);
selection index_selection(const index_plan *p);
/* What is picked from v, in the order of axes that the entries ask for; or back to that of a gather. */
tarn_array *index_order(tarn_array *picked, const tarn_array *v, const index_plan *p, bool back);

/* The places of a bool mask, as tarn_nonzero: `most` of them; `check`: more are an error where they are read. */
typedef struct {
    int64_t most, fill;
    bool check;
} mask_places;
bool mask_indices(tarn_array *mask, mask_places places, tarn_array **out);
/* How many are true, evaluated now; -1 with the error set. */
int64_t mask_count(tarn_array *mask);

#endif
