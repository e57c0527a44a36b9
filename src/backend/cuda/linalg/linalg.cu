/* What linear algebra needs beside cuSOLVER: matrices brought to its layout and back, pivots, equations with a
 * triangle. */
#include "cuda/device.cuh"
#include "cuda/linalg/linalg.h"

typedef unsigned long long word;

struct complex128 {
    double re, im;
};
DEVICE cplx read_number(const void *from, i64 i, int dtype) {
    switch (dtype) {
    case D_F32:
        return cplx(((const float *)from)[i]);
    case D_F64:
        return cplx(((const double *)from)[i]);
    case D_C64:
        return cplx(((const complex64 *)from)[i].re, ((const complex64 *)from)[i].im);
    default:
        return cplx(((const complex128 *)from)[i].re, ((const complex128 *)from)[i].im);
    }
}
DEVICE void write_number(void *to, i64 i, cplx x, int dtype) {
    switch (dtype) {
    case D_F32:
        ((float *)to)[i] = (float)x.re;
        break;
    case D_F64:
        ((double *)to)[i] = x.re;
        break;
    case D_C64:
        ((complex64 *)to)[i] = {(float)x.re, (float)x.im};
        break;
    default:
        ((complex128 *)to)[i] = {x.re, x.im};
    }
}

__global__ void move_matrix(const __grid_constant__ matrix_kernel k) {
    i64 column, row = divide(thread_number(), k.columns, &column);
    begin();
    if (row >= k.rows) return;
    bool outside = (k.triangle == MATRIX_LOWER && column > row) || (k.triangle == MATRIX_UPPER && column < row);
    cplx x = !k.from   ? cplx(row == column)
             : outside ? cplx(0)
                       : read_number(k.from, row * k.from_row + column * k.from_column, k.from_dtype);
    if (k.status && !(isfinite(x.re) && isfinite(x.im))) {
        atomicMin((word *)k.status, (word)(2 * k.number));
        x = cplx(0);
    }
    write_number(k.to, row * k.to_row + column * k.to_column, x, k.to_dtype);
}

void launch_matrix(const matrix_kernel *k, kernel_stream stream) {
    start(move_matrix, blocks_for(k->rows * k->columns, 256), 256, 0, stream, *k);
}

__global__ void note_info(const int *info, u64 *status, i64 number) {
    begin();
    if (*info) atomicMin((word *)status, (word)(2 * number + 1));
}

void launch_note_info(const int *info, uint64_t *status, int64_t number, kernel_stream stream) {
    start(note_info, 1, 1, 0, stream, info, (u64 *)status, (i64)number);
}

__global__ void find_places(const __grid_constant__ pivot_kernel k) {
    begin();
    for (i64 i = 0; i < k.rows; i++) k.order[i] = (u32)i;
    for (i64 i = 0; i < k.count; i++) {
        i64 other = k.from[i] - 1;
        u32 row = k.order[i];
        k.order[i] = k.order[other];
        k.order[other] = row;
        if (k.pivots) k.pivots[i] = (u32)other;
    }
    for (i64 i = 0; k.places && i < k.rows; i++) k.places[k.order[i]] = (u32)i;
}

void launch_pivots(const pivot_kernel *k, kernel_stream stream) {
    start(find_places, 1, 1, 0, stream, *k);
}

/* A warp for each column, which finds one number after the other. */
__global__ void __launch_bounds__(256) solve_triangle(const __grid_constant__ triangle_kernel k) {
    using namespace language;
    i64 column = thread_number() / 32;
    int lane = threadIdx.x % 32;
    begin();
    if (column >= k.columns) return;
    for (i64 step = 0; step < k.n; step++) {
        i64 i = k.upper ? k.n - 1 - step : step, first = k.upper ? i + 1 : 0, end = k.upper ? k.n : i;
        cplx sum = 0, diagonal = read_number(k.a, i * (k.a_row + k.a_column), k.dtype);
        for (i64 j = first + lane; j < end; j += 32)
            sum = sum + read_number(k.a, i * k.a_row + j * k.a_column, k.dtype) *
                            read_number(k.x, j * k.columns + column, k.dtype);
        for (int to = 16; to; to /= 2) sum = sum + from_lane(sum, to);
        if (lane == 0) {
            if (diagonal.re == 0 && diagonal.im == 0) atomicMin((word *)k.status, (word)(2 * k.number + 1));
            write_number(k.x, i * k.columns + column,
                         (read_number(k.x, i * k.columns + column, k.dtype) - sum) / diagonal, k.dtype);
        }
        __syncwarp();
    }
}

void launch_triangle(const triangle_kernel *k, kernel_stream stream) {
    start(solve_triangle, blocks_for(k->columns * 32, 256), 256, 0, stream, *k);
}
