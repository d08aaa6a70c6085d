/* Forward and backward passes in C: cce.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * cce: categorical cross-entropy of probabilities, one-hot or soft labels
 *     L = -sum(t[n,k]*log(p[n,k]), n, k)/N
 *     Source: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2.1
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The bits of a number, and the number of these bits. */
static inline uint32_t bits_f(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float number_f(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* log(x) = n log(2) + log(1 + f) with x = 2^n (1 + f); log(1 + f) = 2 s + s^3 L(s^2) with s = f/(2 + f).
   Where that is no logarithm, infinity or NaN is added: a compiler computes both sides of a choice. */
static inline float log_f(float x)
{
    const int is_small = x < 1.17549435e-38f;
    const uint32_t moved = UINT32_C(0x3F800000) - UINT32_C(0x3F3504F3);
    const uint32_t bits = bits_f(is_small ? x * 33554432.0f : x) + moved;
    const float power = number_f((bits >> 23) | UINT32_C(0x4B000000)) - 8388735.0f;
    const float n = is_small ? power - 25.0f : power;
    const float f = number_f((bits & UINT32_C(0x007FFFFF)) + UINT32_C(0x3F3504F3)) - 1.0f;
    const float s = f / (2.0f + f);
    const float z = s * s;
    const float square = 0.5f * f * f;
    float value = 0.23341943f;
    value = value * z + 0.28550398f;
    value = value * z + 0.40000126f;
    value = value * z + 0.6666667f;
    value = n * 0.693359375f - ((square - (s * (square + z * value) + n * -2.12194440e-4f)) - f);
    return value + (x > 0 && x < INFINITY ? 0.0f : x == 0 ? -INFINITY : x > 0 ? x : NAN);
}

/* Forward pass of cce.
 *
 * Categorical cross-entropy of probabilities, one-hot or soft labels.
 *
 * L = -sum(t[n,k]*log(p[n,k]), n, k)/N
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     p: (..., K)
 *     t: (..., K)
 *
 * Returns:
 *     L: ()
 */
void cce_forward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict p, const float *restrict t,
        float *restrict L)
{
    double dot_all = 0.0;
#pragma omp parallel for reduction(+: dot_all)
    for (ptrdiff_t n = 0; n < N; n++) {
        float dot_row = 0.0f;
#pragma omp simd reduction(+: dot_row)
        for (ptrdiff_t k = 0; k < K; k++)
            dot_row += t[n * K + k] * log_f(t[n * K + k] == 0.0f ? 1.0f : p[n * K + k]);
        dot_all += dot_row;
    }
    const float dot = (float)dot_all;
    *L = -dot / (float)N;
}

/* Backward pass of cce.
 *
 * Categorical cross-entropy of probabilities, one-hot or soft labels.
 *
 * L = -sum(t[n,k]*log(p[n,k]), n, k)/N
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dp[n,k] = -dL*t[n,k]/(N*p[n,k])
 *
 * Args:
 *     dL: (), the gradient of the loss with respect to L
 *     p: (..., K)
 *     t: (..., K)
 *
 * Returns:
 *     dp: (..., K)
 */
void cce_backward_f(ptrdiff_t N, ptrdiff_t K, float dL, const float *restrict p, const float *restrict t,
        float *restrict dp)
{
    const float t1 = -dL / (float)N;
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dp[n * K + k] = t1 * (t[n * K + k] / (t[n * K + k] == 0.0f ? 1.0f : p[n * K + k]));
    }
}

/* The bits of a number, and the number of these bits. */
static inline uint64_t bits_d(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double number_d(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* log(x) = n log(2) + log(1 + f) with x = 2^n (1 + f); log(1 + f) = 2 s + s^3 L(s^2) with s = f/(2 + f).
   Where that is no logarithm, infinity or NaN is added: a compiler computes both sides of a choice. */
static inline double log_d(double x)
{
    const int is_small = x < 2.2250738585072014e-308;
    const uint64_t moved = UINT64_C(0x3FF0000000000000) - UINT64_C(0x3FE6A09E667F3BCD);
    const uint64_t bits = bits_d(is_small ? x * 18014398509481984.0 : x) + moved;
    const double power = number_d((bits >> 52) | UINT64_C(0x4330000000000000)) - 4503599627371519.0;
    const double n = is_small ? power - 54.0 : power;
    const double f = number_d((bits & UINT64_C(0x000FFFFFFFFFFFFF)) + UINT64_C(0x3FE6A09E667F3BCD)) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double square = 0.5 * f * f;
    double value = 0.1310072138350349;
    value = value * z + 0.13267418596474884;
    value = value * z + 0.15386290534658992;
    value = value * z + 0.181817947008978;
    value = value * z + 0.2222222240054776;
    value = value * z + 0.2857142857076445;
    value = value * z + 0.4000000000000094;
    value = value * z + 0.6666666666666666;
    value = n * 0.693147180369123816490 - ((square - (s * (square + z * value) + n * 1.90821492927058770002e-10)) - f);
    return value + (x > 0 && x < INFINITY ? 0.0 : x == 0 ? -INFINITY : x > 0 ? x : NAN);
}

/* cce_forward_f in double. */
void cce_forward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict p, const double *restrict t,
        double *restrict L)
{
    double dot_all = 0.0;
#pragma omp parallel for reduction(+: dot_all)
    for (ptrdiff_t n = 0; n < N; n++) {
        double dot_row = 0.0;
#pragma omp simd reduction(+: dot_row)
        for (ptrdiff_t k = 0; k < K; k++)
            dot_row += t[n * K + k] * log_d(t[n * K + k] == 0.0 ? 1.0 : p[n * K + k]);
        dot_all += dot_row;
    }
    const double dot = dot_all;
    *L = -dot / (double)N;
}

/* cce_backward_f in double. */
void cce_backward_d(ptrdiff_t N, ptrdiff_t K, double dL, const double *restrict p, const double *restrict t,
        double *restrict dp)
{
    const double t1 = -dL / (double)N;
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dp[n * K + k] = t1 * (t[n * K + k] / (t[n * K + k] == 0.0 ? 1.0 : p[n * K + k]));
    }
}
