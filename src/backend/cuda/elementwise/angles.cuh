/* sin, cos and tan of floats in groups, found before those of values.cuh: angles of 105615 and more, whose turns are counted with many digits, go
   to a function, so that this code is there once, not for each element. The limit is that of CUDA's own functions, which the compiler sees. */
namespace language {
namespace single {
#define ANGLE(name)                                                                                                                        \
    static __device__ __noinline__ float far_##name(float x) {                                                                             \
        return ::name##f(x);                                                                                                               \
    }                                                                                                                                      \
    DEVICE float name(float x) {                                                                                                           \
        return ::fabsf(x) >= 105615.0f ? far_##name(x) : ::name##f(x);                                                                     \
    }
ANGLE(sin)
ANGLE(cos)
ANGLE(tan)
}
namespace coarse {
using single::cos;
using single::sin;
using single::tan;
}
}
