/* What the kernels on the matrix units share: hidden keys. */
#ifndef CUDA_ATTENTION_PIECES_CUH
#define CUDA_ATTENTION_PIECES_CUH

#include "cuda/attention/masks.cuh"

#define LOWEST                                                                                                         \
    -1e30f /* a hidden key's score, in any unit: a row of which nothing else was seen weighs all keys alike */
#define LOG2E 1.44269504088896340736

/* A score, in the unit of q k, with what a mask adds to it; share: what that unit is of a mask's. Nothing is lower than
   what is hidden but what is hidden for good. */
DEVICE float added_score(float score, float added, float share) {
    return added == -INFINITY ? -INFINITY : fmaxf(fmaf(share, added, score), LOWEST);
}
/* The same of the mask array's number at an address. */
DEVICE float array_score(const attention_kernel &k, i64 at, float score, float share) {
    if (k.mask_dtype == D_BOOL) return ((const unsigned char *)k.mask)[at] ? score : LOWEST;
    return added_score(score, mask_value<float>(k, at), share);
}

/* Which keys a block's rows, low to high of one head, walk over, and what they see of them. */
struct key_span {
    int begins, ends, count; /* keys, and how many exist */
    int position, reach;     /* the first row's own key, and how many a row sees */
    int nearest, farthest;   /* keys up to nearest, and beyond farthest, are seen by every row */

    DEVICE_MEMBER key_span(const attention_kernel &k, i64 batch, i64 head, i64 first_row, i64 rows, int tile) {
        const int far = 1 << 29; /* sees every key, as it reaches twice as many */
        query<float> low = query_at<float>(k, batch, head, first_row),
                     high = query_at<float>(k, batch, head, first_row + rows - 1);
        count = (int)low.count;
        begins = sees_own(k, low) ? (int)first_key(k, low) / tile * tile : 0;
        ends = sees_own(k, low) ? (int)last_key(k, high) : count;
        position = k.causal ? (int)low.position : far;
        reach = k.causal && k.window && k.window < far ? (int)k.window : 2 * far;
        nearest = k.causal ? (int)low.position : far;
        farthest = k.causal ? (int)high.position - reach : -1;
    }
    /* Whether some row may not see some key of the tile. */
    DEVICE_MEMBER bool hides(int first, int tile) const {
        return first + tile > count || first + tile - 1 > nearest || first <= farthest;
    }
};

#endif
