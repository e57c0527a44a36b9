/* Dtypes by number, as the launchers are told of them, and as types. */
#ifndef CUDA_DTYPES_CUH
#define CUDA_DTYPES_CUH

enum { D_BOOL, D_U8, D_U16, D_U32, D_U64, D_I8, D_I16, D_I32, D_I64, D_F16, D_BF16, D_F32, D_F64, D_C64 };

/* DO with `type` standing for the storage type of the dtype. */
#define CASE(number, storage, ...)                                                                                     \
    case number: {                                                                                                     \
        typedef storage type;                                                                                          \
        __VA_ARGS__;                                                                                                   \
        break;                                                                                                         \
    }
#define FLOAT_CASES(...)                                                                                               \
    CASE(D_F16, float16, __VA_ARGS__)                                                                                  \
    CASE(D_BF16, bfloat16, __VA_ARGS__) CASE(D_F32, float, __VA_ARGS__) CASE(D_F64, double, __VA_ARGS__)
#define INTEGER_CASES(...)                                                                                             \
    CASE(D_U8, unsigned char, __VA_ARGS__)                                                                             \
    CASE(D_U16, unsigned short, __VA_ARGS__)                                                                           \
    CASE(D_U32, u32, __VA_ARGS__)                                                                                      \
    CASE(D_U64, u64, __VA_ARGS__)                                                                                      \
    CASE(D_I8, signed char, __VA_ARGS__)                                                                               \
    CASE(D_I16, short, __VA_ARGS__) CASE(D_I32, int, __VA_ARGS__) CASE(D_I64, i64, __VA_ARGS__)
#define NUMBER_CASES(...) CASE(D_C64, complex64, __VA_ARGS__) FLOAT_CASES(__VA_ARGS__) INTEGER_CASES(__VA_ARGS__)
#define FLOATS(dtype, ...)                                                                                             \
    switch (dtype) { FLOAT_CASES(__VA_ARGS__) }
#define DTYPES(dtype, ...)                                                                                             \
    switch (dtype) { CASE(D_BOOL, truth8, __VA_ARGS__) NUMBER_CASES(__VA_ARGS__) }
#define SIZES(bytes, ...)                                                                                              \
    switch (bytes) {                                                                                                   \
        CASE(1, unsigned char, __VA_ARGS__)                                                                            \
        CASE(2, unsigned short, __VA_ARGS__) CASE(4, u32, __VA_ARGS__) CASE(8, u64, __VA_ARGS__)                       \
    }
/* 16 too, for what is only moved. */
#define PIECE_SIZES(bytes, ...)                                                                                        \
    switch (bytes) {                                                                                                   \
        CASE(1, unsigned char, __VA_ARGS__)                                                                            \
        CASE(2, unsigned short, __VA_ARGS__)                                                                           \
        CASE(4, u32, __VA_ARGS__) CASE(8, u64, __VA_ARGS__) CASE(16, uint4, __VA_ARGS__)                               \
    }

#endif
