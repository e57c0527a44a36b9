/* Numbers on the device: how each dtype is read, written, rounded and converted, and the value language of src/table/elementwise.def. Compiled
   by nvcc for the kernels of the folder and by NVRTC for fused groups, so it includes nothing. Halves are computed in float, integers of up to
   32 bits in 32, complex numbers in double. Conversions are those of src/table/convert.h. */
typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;
#define DEVICE static __device__ __forceinline__

/* ---- where a kernel stands among those of its stream: it may begin while the one before it ends (start() in device.cuh). Until
   await_previous it touches nothing that a kernel may write or read. */
DEVICE void let_next_begin() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
DEVICE void await_previous() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
DEVICE void begin() {
    let_next_begin();
    await_previous();
}

struct float16 {
    unsigned short bits;
};
struct bfloat16 {
    unsigned short bits;
};
struct truth8 {
    unsigned char byte;
};
struct complex64 {
    float re, im;
};
struct cplx {
    double re, im;
    __device__ cplx(double r = 0, double i = 0) : re(r), im(i) {}
};

/* 2^x to a unit in the last place or two; what is too small for a float without its tiniest numbers is zero. */
DEVICE float power_of_two(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* ---- to and from halves */
DEVICE float half_to_float(unsigned short bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
/* Two floats rounded, in a word. The conversion of one bfloat16 (cvt.rn.bf16.f32) goes through a unit that takes a quarter as many a cycle. */
DEVICE u32 pair_of(float low, float high, bfloat16) {
    u32 both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}
DEVICE u32 pair_of(float low, float high, float16) {
    u32 both;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}
template <class S> DEVICE unsigned short half_bits(float x) {
    return (unsigned short)pair_of(x, 0, S());
}
/* A float that rounds to any half as the double would: what is lost is gathered in the last bit. */
DEVICE float odd(double x) {
    float f = __double2float_rz(x);
    if ((double)f == x || x != x) return f;
    return __int_as_float(__float_as_int(f) | 1);
}
DEVICE float odd(float x) {
    return x;
}

/* ---- any number as a double that rounds to narrower floats as the number would */
DEVICE double as_double(u64 u) {
    if (u >> 53) u = (u & ~0xFFFull) | (u & 0xFFF ? 0x1000 : 0);
    return (double)u;
}
DEVICE double as_double(i64 i) {
    return i < 0 ? -as_double(0 - (u64)i) : as_double((u64)i);
}
DEVICE double as_double(int i) {
    return i;
}
DEVICE double as_double(u32 i) {
    return i;
}
DEVICE double as_double(bool b) {
    return b;
}
DEVICE double as_double(double x) {
    return x;
}
DEVICE double as_double(cplx x) {
    return x.re;
}

/* ---- conversions and rounding: to_<dtype> of any value in its compute type */
template <class T> DEVICE bool to_bool(T x) {
    return x != 0;
}
DEVICE bool to_bool(cplx x) {
    return x.re != 0 || x.im != 0;
}
DEVICE i64 saturate_signed(double x, int bits) {
    double limit = (double)(1ull << (bits - 1));
    i64 most = 0x7FFFFFFFFFFFFFFFll >> (64 - bits);
    if (x >= limit) return most;
    if (x < -limit) return -most - 1;
    return x == x ? (i64)x : 0;
}
DEVICE u64 saturate_unsigned(double x, int bits) {
    if (!(x > 0)) return 0;
    if (x >= 2 * (double)(1ull << (bits - 1))) return ~0ull >> (64 - bits);
    return (u64)x;
}
#define TO_INTEGER(name, compute, storage, bits, saturate)                                                                                 \
    template <class T> DEVICE compute to_##name(T x) {                                                                                     \
        return (compute)(storage)x;                                                                                                        \
    }                                                                                                                                      \
    DEVICE compute to_##name(double x) {                                                                                                   \
        return (compute)saturate(x, bits);                                                                                                 \
    }                                                                                                                                      \
    DEVICE compute to_##name(float x) {                                                                                                    \
        return (compute)saturate(x, bits);                                                                                                 \
    }                                                                                                                                      \
    DEVICE compute to_##name(cplx x) {                                                                                                     \
        return (compute)saturate(x.re, bits);                                                                                              \
    }
TO_INTEGER(int8, int, signed char, 8, saturate_signed)
TO_INTEGER(int16, int, short, 16, saturate_signed)
TO_INTEGER(int32, int, int, 32, saturate_signed)
TO_INTEGER(int64, i64, i64, 64, saturate_signed)
TO_INTEGER(uint8, u32, unsigned char, 8, saturate_unsigned)
TO_INTEGER(uint16, u32, unsigned short, 16, saturate_unsigned)
TO_INTEGER(uint32, u32, u32, 32, saturate_unsigned)
TO_INTEGER(uint64, u64, u64, 64, saturate_unsigned)

template <class T> DEVICE float to_float16(T x) {
    return half_to_float(half_bits<float16>(odd(as_double(x))));
}
DEVICE float to_float16(float x) {
    return half_to_float(half_bits<float16>(x));
}
DEVICE float to_bfloat16(float x) {
    return __uint_as_float(pair_of(0, x, bfloat16()));
}
template <class T> DEVICE float to_bfloat16(T x) {
    return to_bfloat16(odd(as_double(x)));
}
template <class T> DEVICE float to_float32(T x) {
    return (float)x;
}
DEVICE float to_float32(cplx x) {
    return (float)x.re;
}
template <class T> DEVICE double to_float64(T x) {
    return (double)x;
}
DEVICE double to_float64(cplx x) {
    return x.re;
}
template <class T> DEVICE cplx to_complex64(T x) {
    return cplx((double)(float)x);
}
DEVICE cplx to_complex64(cplx x) {
    return cplx((double)(float)x.re, (double)(float)x.im);
}

/* ---- storage: `widen` reads, `narrow` writes what is already rounded, or rounds a float or double */
DEVICE float widen(float16 x) {
    return half_to_float(x.bits);
}
DEVICE float widen(bfloat16 x) {
    return __int_as_float((int)x.bits << 16);
}
DEVICE bool widen(truth8 x) {
    return x.byte != 0;
}
DEVICE cplx widen(complex64 x) {
    return cplx(x.re, x.im);
}
DEVICE int widen(signed char x) {
    return x;
}
DEVICE int widen(short x) {
    return x;
}
DEVICE u32 widen(unsigned char x) {
    return x;
}
DEVICE u32 widen(unsigned short x) {
    return x;
}
template <class T> DEVICE T widen(T x) {
    return x;
}
template <class S, class T> DEVICE void narrow(S *to, T x) {
    *to = (S)x;
}
template <class T> DEVICE void narrow(float16 *to, T x) {
    to->bits = half_bits<float16>(odd(x));
}
template <class T> DEVICE void narrow(bfloat16 *to, T x) {
    to->bits = half_bits<bfloat16>(odd(x));
}
template <class T> DEVICE void narrow(truth8 *to, T x) {
    to->byte = x != 0;
}
DEVICE void narrow(complex64 *to, cplx x) {
    *to = {(float)x.re, (float)x.im};
}
DEVICE void narrow(complex64 *to, double x) {
    *to = {(float)x, 0};
}
/* COUNT of them, which lie at a multiple of 4 bytes: halves two by two. */
template <int COUNT, class S, class T> DEVICE void narrow_all(S *to, const T (&from)[COUNT]) {
#pragma unroll
    for (int i = 0; i < COUNT; i++) narrow(to + i, from[i]);
}
#define NARROW_PAIRS(S)                                                                                                                    \
    template <int COUNT> DEVICE void narrow_all(S *to, const float (&from)[COUNT]) {                                                       \
        for (int i = 0; i < COUNT; i += 2) ((u32 *)to)[i / 2] = pair_of(from[i], from[i + 1], S());                                        \
    }
NARROW_PAIRS(float16)
NARROW_PAIRS(bfloat16)

/* i / n and i % n; 64-bit division is slow, and seldom needed. */
DEVICE i64 divide(i64 i, i64 n, i64 *rest) {
    if (((u64)i | (u64)n) >> 32 == 0) {
        u32 quotient = (u32)i / (u32)n;
        *rest = (u32)i - quotient * (u32)n;
        return quotient;
    }
    *rest = i % n;
    return i / n;
}

/* ---- the value language */
namespace language {
#define K(v)            ((T)(v))
#define multiplied(a, b) ((a) * (b))
#define divided(a, b)    ((a) / (b))
#define eq(a, b)        ((a) == (b))
#define truth(a)        ((a) != 0)
#define not_(t)         (!(t))
#define and_(a, b)      ((a) && (b))
#define or_(a, b)       ((a) || (b))
#define select(t, a, b) ((t) ? (a) : (b))
template <class T> DEVICE bool lt(T a, T b) {
    return a < b;
}
template <class T> DEVICE bool le(T a, T b) {
    return a <= b;
}
template <class T> DEVICE T min(T a, T b) {
    return a < b || a != a ? a : b;
}
template <class T> DEVICE T max(T a, T b) {
    return a > b || a != a ? a : b;
}
template <class T> DEVICE bool isnan(T x) {
    return x != x;
}
template <class T> DEVICE bool isinf(T x) {
    return x - x != x - x && x == x;
}

/* ---- floats */
#define MATH1(name, function)                                                                                                              \
    DEVICE float name(float x) {                                                                                                           \
        return ::function##f(x);                                                                                                           \
    }                                                                                                                                      \
    DEVICE double name(double x) {                                                                                                         \
        return ::function(x);                                                                                                              \
    }
#define MATH2(name, function)                                                                                                              \
    DEVICE float name(float x, float y) {                                                                                                  \
        return ::function##f(x, y);                                                                                                        \
    }                                                                                                                                      \
    DEVICE double name(double x, double y) {                                                                                               \
        return ::function(x, y);                                                                                                           \
    }
MATH1(abs, fabs)
MATH1(floor, floor)
MATH1(ceil, ceil)
MATH1(trunc, trunc)
MATH1(rint, rint)
MATH1(sqrt, sqrt)
MATH1(exp, exp)
MATH1(expm1, expm1)
MATH1(log, log)
MATH1(log1p, log1p)
MATH1(log2, log2)
MATH1(log10, log10)
MATH1(sin, sin)
MATH1(cos, cos)
MATH1(tan, tan)
MATH1(asin, asin)
MATH1(acos, acos)
MATH1(atan, atan)
MATH1(sinh, sinh)
MATH1(cosh, cosh)
MATH1(tanh, tanh)
MATH1(asinh, asinh)
MATH1(acosh, acosh)
MATH1(atanh, atanh)
MATH1(erf, erf)
MATH1(erfinv, erfinv)
MATH2(pow, pow)
MATH2(atan2, atan2)
MATH2(fmod, fmod)
MATH2(copysign, copysign)
/* Of halves, where rounding hides errors of 2^-16 of the value: without branches, so that elements go side by side. */
namespace coarse {
DEVICE float exp(float x) {
    float y;
    asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x * 1.44269504f));
    return y;
}
/* Nothing here is so small that flushing it to zero would be seen. */
DEVICE float tanh(float x) {
    float inverse, near = x - x * x * x * (1.0f / 3);
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(1 + power_of_two(x * 2.88539008f)));
    return ::fabsf(x) < 0.015625f ? near : 1 - 2 * inverse;
}
/* Abramowitz and Stegun, 7.1.26; near zero the first two terms of the series. */
DEVICE float erf(float x) {
    float size = ::fabsf(x), t, near = x * (1.12837917f - 0.37612639f * x * x);
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(t) : "f"(1 + 0.3275911f * size));
    float sum = __fmaf_rn(t, 1.061405429f, -1.453152027f);
    sum = __fmaf_rn(t, __fmaf_rn(t, __fmaf_rn(t, sum, 1.421413741f), -0.284496736f), 0.254829592f) * t;
    return size < 0.0625f ? near : ::copysignf(1 - sum * power_of_two(-1.44269504f * x * x), x);
}
}
template <class T> DEVICE T floor_mod(T x, T y) {
    T rest = fmod(x, y);
    if (rest == 0) return copysign(rest, y);
    return (rest < 0) != (y < 0) ? rest + y : rest;
}
template <class T> DEVICE T floor_div(T x, T y) {
    T rest = fmod(x, y), quotient = rint((x - rest) / y);
    if (y == 0) return x / y;
    if (rest != 0 && (rest < 0) != (y < 0)) quotient -= 1;
    return quotient == 0 ? copysign(quotient, x / y) : quotient;
}

/* ---- integers: none traps; narrower ones are wrapped afterwards */
template <class T> DEVICE T idiv(T x, T y) {
    if (y == 0) return 0;
    if ((T)-1 < (T)0 && y == (T)-1) return (T)(0 - (u64)x);
    T quotient = x / y;
    return x % y != 0 && (x < 0) != (y < 0) ? quotient - 1 : quotient;
}
template <class T> DEVICE T imod(T x, T y) {
    if (y == 0 || ((T)-1 < (T)0 && y == (T)-1)) return 0;
    T rest = x % y;
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
template <class T> DEVICE T shl(T x, T y) {
    return (u64)y < 8 * sizeof(T) ? (T)((u64)x << y) : 0;
}
template <class T> DEVICE T shr(T x, T y) {
    return (u64)y < 8 * sizeof(T) ? x >> y : (T)(x < 0 ? -1 : 0);
}
template <class T> DEVICE T ipow(T x, T y) {
    if (y < 0) {
        if (x == (T)-1) return y & 1 ? x : 1;
        return x == 1;
    }
    u64 result = 1, power = (u64)x;
    for (u64 n = (u64)y; n; n >>= 1, power *= power)
        if (n & 1) result *= power;
    return (T)result;
}

/* ---- complex numbers */
DEVICE cplx operator+(cplx a, cplx b) {
    return cplx(a.re + b.re, a.im + b.im);
}
DEVICE cplx operator-(cplx a, cplx b) {
    return cplx(a.re - b.re, a.im - b.im);
}
DEVICE cplx operator-(cplx a) {
    return cplx(-a.re, -a.im);
}
DEVICE cplx operator*(cplx a, cplx b) {
    return cplx(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}
DEVICE cplx operator/(cplx a, cplx b) { /* scaled, so that nothing overflows on the way */
    double size = ::fmax(::fabs(b.re), ::fabs(b.im));
    if (size == 0 || size != size) return cplx(a.re / b.re, a.im / b.re);
    double c = b.re / size, d = b.im / size, n = (c * c + d * d) * size;
    return cplx((a.re * c + a.im * d) / n, (a.im * c - a.re * d) / n);
}
DEVICE bool operator==(cplx a, cplx b) {
    return a.re == b.re && a.im == b.im;
}
DEVICE bool operator!=(cplx a, cplx b) {
    return !(a == b);
}
DEVICE bool lt(cplx a, cplx b) { /* real parts first, then imaginary ones */
    return a.re < b.re || (a.re == b.re && a.im < b.im);
}
DEVICE bool le(cplx a, cplx b) {
    return a.re < b.re || (a.re == b.re && a.im <= b.im);
}
DEVICE cplx min(cplx a, cplx b) {
    return lt(a, b) || a != a ? a : b;
}
DEVICE cplx max(cplx a, cplx b) {
    return lt(b, a) || a != a ? a : b;
}
DEVICE bool isinf(cplx x) {
    return isinf(x.re) || isinf(x.im);
}
DEVICE cplx rint(cplx x) {
    return cplx(::rint(x.re), ::rint(x.im));
}
template <class T> DEVICE bool is_true(T x) {
    return x != 0;
}
DEVICE bool is_true(cplx x) {
    return x.re != 0 || x.im != 0;
}
DEVICE double abs(cplx x) {
    return ::hypot(x.re, x.im);
}
DEVICE double real(cplx x) {
    return x.re;
}
DEVICE double imag(cplx x) {
    return x.im;
}
DEVICE cplx conj(cplx x) {
    return cplx(x.re, -x.im);
}
DEVICE cplx exp(cplx x) {
    double size = ::exp(x.re);
    return cplx(size * ::cos(x.im), x.im == 0 ? x.im : size * ::sin(x.im));
}
DEVICE cplx log(cplx x) {
    return cplx(::log(::hypot(x.re, x.im)), ::atan2(x.im, x.re));
}
DEVICE cplx sqrt(cplx x) {
    if (x.re == 0 && x.im == 0) return cplx(0, x.im);
    double size = ::sqrt((::fabs(x.re) + ::hypot(x.re, x.im)) / 2), other = ::fabs(x.im) / (2 * size);
    return x.re >= 0 ? cplx(size, ::copysign(other, x.im)) : cplx(other, ::copysign(size, x.im));
}
DEVICE cplx sin(cplx x) {
    return cplx(::sin(x.re) * ::cosh(x.im), ::cos(x.re) * ::sinh(x.im));
}
DEVICE cplx cos(cplx x) {
    return cplx(::cos(x.re) * ::cosh(x.im), -::sin(x.re) * ::sinh(x.im));
}
DEVICE cplx sinh(cplx x) {
    return cplx(::sinh(x.re) * ::cos(x.im), ::cosh(x.re) * ::sin(x.im));
}
DEVICE cplx cosh(cplx x) {
    return cplx(::cosh(x.re) * ::cos(x.im), ::sinh(x.re) * ::sin(x.im));
}
DEVICE cplx tanh(cplx x) {
    if (::fabs(x.re) > 20) return cplx(::copysign(1.0, x.re), 4 * ::sin(x.im) * ::cos(x.im) * ::exp(-2 * ::fabs(x.re)));
    double t = ::tan(x.im), b = 1 + t * t, s = ::sinh(x.re), r = ::sqrt(1 + s * s), n = 1 + b * s * s;
    return cplx(b * r * s / n, t / n);
}
DEVICE cplx tan(cplx x) {
    cplx t = tanh(cplx(-x.im, x.re));
    return cplx(t.im, -t.re);
}
DEVICE cplx asinh(cplx x) { /* odd: the side without cancellation */
    if (x.re < 0) return -asinh(-x);
    return log(x + sqrt(x * x + cplx(1)));
}
DEVICE cplx asin(cplx x) {
    cplx t = asinh(cplx(-x.im, x.re));
    return cplx(t.im, -t.re);
}
DEVICE cplx acos(cplx x) {
    return cplx(1.57079632679489661923) - asin(x);
}
DEVICE cplx acosh(cplx x) {
    return log(x + sqrt(x - cplx(1)) * sqrt(x + cplx(1)));
}
DEVICE cplx atanh(cplx x) {
    return (log(cplx(1) + x) - log(cplx(1) - x)) * cplx(0.5);
}
DEVICE cplx atan(cplx x) {
    cplx t = atanh(cplx(-x.im, x.re));
    return cplx(t.im, -t.re);
}
DEVICE cplx pow(cplx x, cplx y) {
    if (x.re == 0 && x.im == 0) return y.re == 0 && y.im == 0 ? cplx(1) : cplx(0);
    return exp(y * log(x));
}
} // namespace language
