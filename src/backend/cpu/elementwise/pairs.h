/* The pairs of rows that one loop computes: second(first(x, y), z), both as src/table/elementwise.def has them, so that
   the bits are those of two loops, but for a NaN's sign and payload. A row more in either list is a loop more for each
   row of the other one, of each instruction set. */
#ifndef CPU_ELEMENTWISE_PAIRS_H
#define CPU_ELEMENTWISE_PAIRS_H

/* F(kind, op): rows of one or of two inputs, floats to a float. */
#define PAIR_FIRSTS(F)                                                                                                 \
    F(BINARY, multiply) F(BINARY, add) F(BINARY, subtract) F(BINARY, divide) F(UNARY, square) F(UNARY, sqrt)

/* S(op, place, kind, first): rows of two inputs, and which of them the first row's value is; the other comes after its
   inputs. Sums and products are the same from both sides. */
#define PAIR_SECONDS(S, kind, first)                                                                                   \
    S(add, EITHER, kind, first)                                                                                        \
    S(multiply, EITHER, kind, first)                                                                                   \
    S(subtract, LEFT, kind, first)                                                                                     \
    S(subtract, RIGHT, kind, first)                                                                                    \
    S(divide, LEFT, kind, first)                                                                                       \
    S(divide, RIGHT, kind, first)

enum { PAIR_LEFT = 1, PAIR_RIGHT = 2, PAIR_EITHER = PAIR_LEFT | PAIR_RIGHT };

typedef enum {
#define FIRST(kind, op) FIRST_##op,
    PAIR_FIRSTS(FIRST) FIRST_COUNT
#undef FIRST
} pair_first;

typedef enum {
#define SECOND(op, place, kind, first) SECOND_##op##_##place,
    PAIR_SECONDS(SECOND, , ) SECOND_COUNT
#undef SECOND
} pair_second;

#endif
