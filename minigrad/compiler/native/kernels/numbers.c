/* Functions of single numbers, without branches, so that compilers make vectors of them. */
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double as_double(int64_t bits) { double x; memcpy(&x, &bits, 8); return x; }
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

/* exp(x), and what its rounding has lost. */
static inline float exp_and_lost_float(float x, float *lost)
{
    float y = x > 89.0f ? 89.0f : x;
    y = y < -104.0f ? -104.0f : y;
    float n = rintf(y * 1.44269504089f);
    float p = expm1_near_zero(rest(y, n));
    float e = p + 1.0f;
    /* 2^n in two halves: subnormal results and infinity come out of the last product */
    int32_t whole = (int32_t)n;
    int32_t half = whole >> 1;
    float a = as_float((half + 127) << 23);
    float b = as_float((whole - half + 127) << 23);
    *lost = (p - (e - 1.0f)) * a * b;
    return e * a * b;
}

static inline float exp_float(float x)
{
    float lost;
    return exp_and_lost_float(x, &lost);
}

/* Near 0 a polynomial, far from it 1 - 2 / (exp(2 |x|) + 1). Constants: Moshier's Cephes. */
static inline float tanh_float(float x)
{
    float y = fabsf(x);
    float far = 1.0f - 2.0f / (exp_float(y + y) + 1.0f);
    float z = x * x;
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    float near = p * z * x + x;
    return y < 0.625f ? near : copysignf(far, x);
}

/* e / (1 + e) or 1 / (1 + e) with e = exp(-|x|); what rounding e and 1 + e has lost is made good. */
static inline float sigmoid_float(float x)
{
    float lost;
    float e = exp_and_lost_float(-fabsf(x), &lost);
    float sum = 1.0f + e;
    float lost_of_sum = e - (sum - 1.0f) + lost;
    float quotient = (x < 0.0f ? e : 1.0f) / sum;
    float inverse = x < 0.0f ? 1.0f - quotient : quotient;
    return quotient + ((x < 0.0f ? lost : 0.0f) - quotient * lost_of_sum) * inverse;
}

/* exp(r) - 1 for |r| <= ln(2) / 2: Taylor's polynomial. */
static inline double expm1_near_zero_double(double r)
{
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return p * r * r + r;
}

static inline double rest_double(double x, double n)
{
    double r = x - n * 6.93145751953125e-1;
    return r - n * 1.42860682030941723212e-6;
}

/* exp(x), and what its rounding has lost. */
static inline double exp_and_lost_double(double x, double *lost)
{
    double y = x > 710.0 ? 710.0 : x;
    y = y < -750.0 ? -750.0 : y;
    double n = rint(y * 1.4426950408889634);
    double p = expm1_near_zero_double(rest_double(y, n));
    double e = p + 1.0;
    /* 2^n in two halves: subnormal results and infinity come out of the last product */
    int32_t whole = (int32_t)n;
    int32_t half = whole >> 1;
    double a = as_double((int64_t)(half + 1023) << 52);
    double b = as_double((int64_t)(whole - half + 1023) << 52);
    *lost = (p - (e - 1.0)) * a * b;
    return e * a * b;
}

static inline double exp_double(double x)
{
    double lost;
    return exp_and_lost_double(x, &lost);
}

static inline double tanh_double(double x)
{
    double y = fabs(x);
    double far = 1.0 - 2.0 / (exp_double(y + y) + 1.0);
    double z = x * x;
    double p = -9.64399179425052238628e-1;
    p = p * z - 9.92877231001918586564e1;
    p = p * z - 1.61468768441708447952e3;
    double q = z + 1.12811678491632931402e2;
    q = q * z + 2.23548839060100448583e3;
    q = q * z + 4.84406305325125486048e3;
    double near = p / q * z * x + x;
    return y < 0.625 ? near : copysign(far, x);
}

/* e / (1 + e) or 1 / (1 + e) with e = exp(-|x|); what rounding e and 1 + e has lost is made good. */
static inline double sigmoid_double(double x)
{
    double lost;
    double e = exp_and_lost_double(-fabs(x), &lost);
    double sum = 1.0 + e;
    double lost_of_sum = e - (sum - 1.0) + lost;
    double quotient = (x < 0.0 ? e : 1.0) / sum;
    double inverse = x < 0.0 ? 1.0 - quotient : quotient;
    return quotient + ((x < 0.0 ? lost : 0.0) - quotient * lost_of_sum) * inverse;
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
