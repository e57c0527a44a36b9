/* Compute capability 9.0: products that a warpgroup of 128 threads gives to the matrix units (wgmma), tiles that the
   copy engine brings into shared memory (TMA), and the barriers that tell of them. Tiles are rows of 64 halves, 128
   bytes, whose 16-byte pieces stand in another order in each of 8 rows (the 128-byte swizzle), at multiples of 1024
   bytes. */
#ifndef CUDA_WARPGROUP_CUH
#define CUDA_WARPGROUP_CUH

#include <cuda.h>

#include "cuda/barrier.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define HAS_WARPGROUPS 1
#else
#define HAS_WARPGROUPS 0
#endif

enum { TILE_WIDTH = 64, TILE_ROW_BYTES = 2 * TILE_WIDTH, WARPGROUP = 128, WARP_ROWS = 16 /* of results */ };

#if HAS_WARPGROUPS
/* Barriers that the copy engine uses, too, before anything uses them; __syncthreads follows. */
DEVICE void barriers_made() {
    tell_barriers();
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* ---- turns: `threads` threads, those that wait and those that only tell */
DEVICE void turn_await(int turn, int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(turn), "r"(threads) : "memory");
}
DEVICE void turn_give(int turn, int threads) {
    asm volatile("bar.arrive %0, %1;" ::"r"(turn), "r"(threads) : "memory");
}

/* What threads wrote to shared memory, before the matrix units or the copy engine read it. */
DEVICE void show_writes() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* A map, on its way to where the copy engine reads it. */
DEVICE void fetch_map(const CUtensorMap *map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"((u64)map) : "memory");
}

/* A box of the map from these coordinates on, to shared memory; the barrier counts its bytes. */
DEVICE void copy_box(u32 to, const CUtensorMap *map, u32 barrier, int column, int row, int head, int batch) {
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, "
                 "%6}], [%2];" ::"r"(to),
                 "l"((u64)map), "r"(barrier), "r"(column), "r"(row), "r"(head), "r"(batch)
                 : "memory");
}

/* ---- results of a warp, boxes of 16 rows that leave shared memory by the copy engine */
DEVICE void leave_box(const CUtensorMap *map, u32 from, int column, int row, int head, int batch) {
    asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%0, {%2, %3, %4, %5}], [%1];" ::"l"((u64)map),
                 "r"(from), "r"(column), "r"(row), "r"(head), "r"(batch)
                 : "memory");
}
DEVICE void box_left() {
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
template <int LEFT> DEVICE void await_boxes_read() {
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(LEFT) : "memory");
}
/* Where a piece of a row of a box of so many columns is: pieces stand in another order in each of 8 rows, of a narrow
 * one in each of 4 pairs of rows. */
template <int COLUMNS> DEVICE u32 place_in_box(int row, int piece) {
    return row * COLUMNS * 2 + ((piece ^ (COLUMNS == 64 ? row % 8 : row / 2 % 4)) << 4);
}
/* Sums of a product, as pairs of halves, to where they stand: of 8 columns the upper 8 rows and the lower, then of the
 * next 8. `at`: where lane's piece is, of row lane % 16 and the first columns, of lanes from 16 on the next. */
DEVICE void put_pieces(u32 at, u32 upper, u32 lower, u32 next_upper, u32 next_lower) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(at), "r"(upper), "r"(lower),
                 "r"(next_upper), "r"(next_lower)
                 : "memory");
}

/* ---- products: between group_begin and group_await neither factors nor sums may be touched */
DEVICE void group_begin() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
DEVICE void group_end() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int LEFT> DEVICE void group_await() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
}

/* Sums that were waited for: what reads them stays behind this. */
template <int COUNT> DEVICE void settle(float (&sums)[COUNT]) {
#pragma unroll
    for (int i = 0; i < COUNT; i++) asm volatile("" : "+f"(sums[i])::"memory");
}

/* How a factor lies in shared memory. across: bytes from 64 columns to the next 64, of one whose rows are summed over.
 */
DEVICE u64 factor_at(u32 address, u32 across = 16) {
    return (u64)(address >> 4 & 0x3FFF) | (u64)(across >> 4) << 16 | (u64)(8 * TILE_ROW_BYTES >> 4) << 32 | 1ull << 62;
}

#define SUMS_8(c, i)                                                                                                   \
    "+f"((c)[i]), "+f"((c)[(i) + 1]), "+f"((c)[(i) + 2]), "+f"((c)[(i) + 3]), "+f"((c)[(i) + 4]), "+f"((c)[(i) + 5]),  \
        "+f"((c)[(i) + 6]), "+f"((c)[(i) + 7])
#define SUMS_32(c, i) SUMS_8(c, i), SUMS_8(c, (i) + 8), SUMS_8(c, (i) + 16), SUMS_8(c, (i) + 24)
#define NAMES_32                                                                                                       \
    "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%"  \
    "30,%31"
#define NAMES_48 NAMES_32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47"
#define NAMES_64                                                                                                       \
    NAMES_32                                                                                                           \
    ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%"   \
    "59,%60,%61,%62,%63"
#define NAMES_80  NAMES_64 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79"
#define NAMES_96  NAMES_80 ",%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define NAMES_104 NAMES_96 ",%96,%97,%98,%99,%100,%101,%102,%103"
#define NAMES_128                                                                                                      \
    NAMES_96                                                                                                           \
    ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118," \
    "%"                                                                                                                \
    "119,%120,%121,%122,%123,%124,%125,%126,%127"
#define SUMS_48  SUMS_32(c, 0), SUMS_8(c, 32), SUMS_8(c, 40)
#define SUMS_80  SUMS_32(c, 0), SUMS_32(c, 32), SUMS_8(c, 64), SUMS_8(c, 72)
#define SUMS_96  SUMS_32(c, 0), SUMS_32(c, 32), SUMS_32(c, 64)
#define SUMS_104 SUMS_96, SUMS_8(c, 96)
#define SUMS_128 SUMS_96, SUMS_32(c, 96)

/* c (+)= a b: 64 rows, 16 summed. Both in shared memory, b by rows (transposed); or a in registers and b by columns. */
#define GROUP_PRODUCTS(type, name)                                                                                     \
    DEVICE void group_multiply(float(&c)[64], u64 a, u64 b, int add, type) {                                           \
        asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %66, 0;\n"                                                  \
                     "wgmma.mma_async.sync.aligned.m64n128k16.f32." name "." name " {" NAMES_64                        \
                     "}, %64, %65, add, 1, 1, 0, 0;\n}"                                                                \
                     : SUMS_32(c, 0), SUMS_32(c, 32)                                                                   \
                     : "l"(a), "l"(b), "r"(add));                                                                      \
    }                                                                                                                  \
    DEVICE void group_multiply(float(&c)[64], const u32(&a)[4], u64 b, type) {                                         \
        asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32." name "." name " {" NAMES_64                        \
                     "}, {%64,%65,%66,%67}, %68, 1, 1, 1, 1;"                                                          \
                     : SUMS_32(c, 0), SUMS_32(c, 32)                                                                   \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                                            \
    }                                                                                                                  \
    DEVICE void group_multiply(float(&c)[32], const u32(&a)[4], u64 b, type) {                                         \
        asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32." name "." name " {" NAMES_32                         \
                     "}, {%32,%33,%34,%35}, %36, 1, 1, 1, 1;"                                                          \
                     : SUMS_32(c, 0)                                                                                   \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                                            \
    }
GROUP_PRODUCTS(bfloat16, "bf16")
GROUP_PRODUCTS(float16, "f16")

template <int COUNT> DEVICE void take_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT));
}
template <int COUNT> DEVICE void give_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT));
}
#endif

/* ---- on the host */
/* A map of x [batch, heads, rows, dim] of halves with these strides, in elements, in boxes of box_rows rows of 64;
 * false: the driver refuses. */
bool map_rows(CUtensorMap *map, const void *x, const int64_t shape[4], const int64_t strides[3], int box_rows);
/* The same in boxes of 64 columns or 32, whose 16-byte pieces stand in another order in each of 4 pairs of rows then.
 */
bool map_boxes(CUtensorMap *map, const void *x, const int64_t shape[4], const int64_t strides[3], int rows,
               int columns);

#endif
