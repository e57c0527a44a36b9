/* Tensor maps, which the driver makes. */
#include "cuda/warpgroup.cuh"

typedef decltype(&cuTensorMapEncodeTiled) encode_tiled;

static encode_tiled find_encoder() {
    void *found = nullptr;
    cudaDriverEntryPointQueryResult result;
    bool ok = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &result) ==
              cudaSuccess;
    cudaGetLastError();
    return ok && result == cudaDriverEntryPointSuccess ? (encode_tiled)found : nullptr;
}

bool map_rows(CUtensorMap *map, const void *x, const int64_t shape[4], const int64_t strides[3], int box_rows) {
    return map_boxes(map, x, shape, strides, box_rows, TILE_WIDTH);
}

bool map_boxes(CUtensorMap *map, const void *x, const int64_t shape[4], const int64_t strides[3], int rows,
               int columns) {
    static const encode_tiled encode = find_encoder();
    if (!encode) return false;
    cuuint64_t sizes[4], steps[3];
    const cuuint32_t box[4] = {(cuuint32_t)columns, (cuuint32_t)rows, 1, 1}, each[4] = {1, 1, 1, 1};
    for (int i = 0; i < 4; i++) sizes[i] = (cuuint64_t)shape[3 - i];
    for (int i = 0; i < 3; i++) steps[i] = sizes[i + 1] > 1 ? (cuuint64_t)strides[2 - i] * 2 : 16;
    return encode(map, CU_TENSOR_MAP_DATA_TYPE_UINT16, 4, (void *)x, sizes, steps, box, each,
                  CU_TENSOR_MAP_INTERLEAVE_NONE,
                  columns == TILE_WIDTH ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_64B,
                  CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}
