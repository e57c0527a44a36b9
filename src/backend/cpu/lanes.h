/* Lanes of a vector moved by constants known to the compiler: LANES_UP(n, d, fill, v) has the lanes of v d places
   further up and those of fill below, LANES_LAST(n, v) the last lane in all, LANES_BACKWARDS(n, v) all in the other
   order. n is their number, 2 to 16. */
#ifndef CPU_LANES_H
#define CPU_LANES_H

#define LANE_LIST_1(f, n, d) f(0, n, d)
#define LANE_LIST_2(f, n, d) f(0, n, d), f(1, n, d)
#define LANE_LIST_4(f, n, d) LANE_LIST_2(f, n, d), f(2, n, d), f(3, n, d)
#define LANE_LIST_8(f, n, d) LANE_LIST_4(f, n, d), f(4, n, d), f(5, n, d), f(6, n, d), f(7, n, d)
#define LANE_LIST_16(f, n, d)                                                                                          \
    LANE_LIST_8(f, n, d), f(8, n, d), f(9, n, d), f(10, n, d), f(11, n, d), f(12, n, d), f(13, n, d), f(14, n, d),     \
        f(15, n, d)
#define LANE_LIST_(n, f, d) LANE_LIST_##n(f, n, d)
#define LANE_LIST(n, f, d)  LANE_LIST_(n, f, d)

#define LANE_UP(i, n, d)        ((i) < (d) ? (i) : (n) + (i) - (d))
#define LANE_LAST(i, n, d)      ((n)-1)
#define LANE_BACKWARDS(i, n, d) ((n)-1 - (i))

#define LANES_UP(n, d, fill, v) __builtin_shufflevector(fill, v, LANE_LIST(n, LANE_UP, d))
#define LANES_LAST(n, v)        __builtin_shufflevector(v, v, LANE_LIST(n, LANE_LAST, 0))
#define LANES_BACKWARDS(n, v)   __builtin_shufflevector(v, v, LANE_LIST(n, LANE_BACKWARDS, 0))

#endif
