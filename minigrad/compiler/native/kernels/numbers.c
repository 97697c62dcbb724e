/* Functions of single numbers, without branches, so that compilers make vectors of them. */
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float as_float(int32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline int32_t as_bits(float x) { int32_t bits; memcpy(&bits, &x, 4); return bits; }

/* exp(r) - 1 for |r| <= ln(2) / 2: Taylor's polynomial with economized last coefficients. */
static inline float expm1_near_zero(float r)
{
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * r * r + r;
}

/* x = n ln 2 + r, where ln 2 is the sum of two numbers, the first of few bits. */
static inline float rest(float x, float n)
{
    float r = x - n * 0.693359375f;
    return r + n * 2.12194440e-4f;
}

static inline float exp_float(float x)
{
    float y = x > 89.0f ? 89.0f : x;
    y = y < -104.0f ? -104.0f : y;
    float n = rintf(y * 1.44269504089f);
    float e = expm1_near_zero(rest(y, n)) + 1.0f;
    /* 2^n in two halves: subnormal results and infinity come out of the last product */
    int32_t whole = (int32_t)n;
    int32_t half = whole >> 1;
    float a = as_float((half + 127) << 23);
    float b = as_float((whole - half + 127) << 23);
    return e * a * b;
}

static inline float tanh_float(float x)
{
    float y = fabsf(x) * 2.0f;
    y = y > 20.0f ? 20.0f : y;
    float n = rintf(y * 1.44269504089f);
    float power = as_float(((int32_t)n + 127) << 23);
    float e = expm1_near_zero(rest(y, n)) * power + (power - 1.0f);
    return copysignf(e / (e + 2.0f), x);
}

static inline float log_float(float x)
{
    /* subnormals are raised to where the exponent can be read */
    float raised = x < 1.17549435e-38f ? 23.0f : 0.0f;
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    int32_t bits = as_bits(scaled);
    float m = as_float((bits & 0x007fffff) | 0x3f000000);
    float low = m < 0.707106781186547524f ? 1.0f : 0.0f;
    float n = (float)((bits >> 23) - 126) - low - raised;
    float r = m + m * low - 1.0f;
    float p = 7.0376836292e-2f;
    p = p * r - 1.1514610310e-1f;
    p = p * r + 1.1676998740e-1f;
    p = p * r - 1.2420140846e-1f;
    p = p * r + 1.4249322787e-1f;
    p = p * r - 1.6668057665e-1f;
    p = p * r + 2.0000714765e-1f;
    p = p * r - 2.4999993993e-1f;
    p = p * r + 3.3333331174e-1f;
    float z = r * r;
    float y = r * z * p - n * 2.12194440e-4f - 0.5f * z;
    float result = r + y + n * 0.693359375f;
    result = x == INFINITY ? x : result;
    result = x == 0.0f ? -INFINITY : result;
    result = x < 0.0f ? NAN : result;
    return x != x ? x : result;
}

static inline double exp_double(double x) { return exp(x); }
static inline double tanh_double(double x) { return tanh(x); }
static inline double log_double(double x) { return log(x); }
static inline float sqrt_float(float x) { return sqrtf(x); }
static inline double sqrt_double(double x) { return sqrt(x); }
static inline float absolute_float(float x) { return fabsf(x); }
static inline double absolute_double(double x) { return fabs(x); }

/* NaN where one of them is */
static inline float maximum_float(float a, float b) { return (a > b) | (a != a) ? a : b; }
static inline double maximum_double(double a, double b) { return (a > b) | (a != a) ? a : b; }
static inline float minimum_float(float a, float b) { return (a < b) | (a != a) ? a : b; }
static inline double minimum_double(double a, double b) { return (a < b) | (a != a) ? a : b; }
static inline float sign_float(float x) { return x != x ? x : (float)((x > 0) - (x < 0)); }
static inline double sign_double(double x) { return x != x ? x : (double)((x > 0) - (x < 0)); }

enum { BLOCK = 256, SUMMANDS = 32 };
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#elif defined(__aarch64__)
#define VECTOR_BYTES 16
#define TILE_ROWS 8
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#endif
#define PANEL_BYTES (2 * VECTOR_BYTES)
#define INLINE static inline __attribute__((always_inline))
