/* Forward and backward passes in C: softmax-cce-sparse.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * softmax-cce-sparse: categorical cross-entropy of logits, labels as class numbers
 *     p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
 *     L = -sum(log(p[n,t[n]]), n)/N
 *     Source: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2.1
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The larger of two numbers, NaN if one is. */
static inline float maximum_f(float a, float b)
{
    return a > b || a != a ? a : b;
}

#pragma omp declare reduction(largest : float : omp_out = maximum_f(omp_in, omp_out)) initializer(omp_priv = -INFINITY)

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

/* exp(x) = 2^n (1 + r + r^2 E(r)) with x = n log(2) + r; the last bits of shifted are n. */
static inline float exp_f(float x)
{
    const float clamped = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    const float shifted = clamped * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
    const uint32_t power = bits_f(shifted) - UINT32_C(0x4B400000) + 300;
    const uint32_t half = power >> 1;
    const float first = number_f((half - 150 + 127) << 23);
    const float second = number_f((power - half - 150 + 127) << 23);
    float value = 0.0013926927f;
    value = value * r + 0.008363774f;
    value = value * r + 0.04166655f;
    value = value * r + 0.16666573f;
    value = value * r + 0.5f;
    return (1.0f + (r + r * r * value)) * first * second;
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

/* Forward pass of softmax-cce-sparse.
 *
 * Categorical cross-entropy of logits, labels as class numbers.
 *
 * p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
 * L = -sum(log(p[n,t[n]]), n)/N
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     z: (..., K)
 *     t: (...), integers from 0 to K - 1
 *
 * Returns:
 *     L: ()
 *     row_max: (...)
 *     total: (...)
 */
void softmax_cce_sparse_forward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict z,
        const ptrdiff_t *restrict t, float *restrict L, float *restrict row_max, float *restrict total)
{
    double t1_all = 0.0;
#pragma omp parallel for reduction(+: t1_all)
    for (ptrdiff_t n = 0; n < N; n++) {
        float row_max_largest = -INFINITY;
#pragma omp simd reduction(largest: row_max_largest)
        for (ptrdiff_t k = 0; k < K; k++)
            row_max_largest = maximum_f(z[n * K + k], row_max_largest);
        row_max[n] = row_max_largest;
        float total_sum = 0.0f;
#pragma omp simd reduction(+: total_sum)
        for (ptrdiff_t k = 0; k < K; k++)
            total_sum += exp_f(z[n * K + k] - row_max_largest);
        total[n] = total_sum;
        t1_all += z[n * K + t[n]] - row_max_largest - log_f(total_sum);
    }
    const float t1 = (float)t1_all;
    *L = -t1 / (float)N;
}

/* Backward pass of softmax-cce-sparse.
 *
 * Categorical cross-entropy of logits, labels as class numbers.
 *
 * p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
 * L = -sum(log(p[n,t[n]]), n)/N
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dz[n,k] = dL*(p[n,k] - delta(k, t[n]))/N
 *
 * Args:
 *     dL: (), the gradient of the loss with respect to L
 *     t: (...), integers from 0 to K - 1
 *     z: (..., K)
 *     row_max: (...)
 *     total: (...)
 *
 * Returns:
 *     dz: (..., K)
 */
void softmax_cce_sparse_backward_f(ptrdiff_t N, ptrdiff_t K, float dL, const ptrdiff_t *restrict t,
        const float *restrict z, const float *restrict row_max, const float *restrict total,
        float *restrict dz)
{
    const float scale = dL / (float)N;
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dz[n * K + k] = scale * (exp_f(z[n * K + k] - row_max[n]) / total[n] - (k == t[n] ? 1.0f : 0.0f));
    }
}

/* The larger of two numbers, NaN if one is. */
static inline double maximum_d(double a, double b)
{
    return a > b || a != a ? a : b;
}

#pragma omp declare reduction(largest : double : omp_out = maximum_d(omp_in, omp_out)) initializer(omp_priv = -INFINITY)

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

/* exp(x) = 2^n (1 + r + r^2 E(r)) with x = n log(2) + r; the last bits of shifted are n. */
static inline double exp_d(double x)
{
    const double clamped = x < -750.0 ? -750.0 : x > 710.0 ? 710.0 : x;
    const double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;
    const double n = shifted - 6755399441055744.0;
    const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    const uint64_t power = bits_d(shifted) - UINT64_C(0x4338000000000000) + 2200;
    const uint64_t half = power >> 1;
    const double first = number_d((half - 1100 + 1023) << 52);
    const double second = number_d((power - half - 1100 + 1023) << 52);
    double value = 2.0915442297780116e-09;
    value = value * r + 2.5106274733573296e-08;
    value = value * r + 2.75572718102198e-07;
    value = value * r + 2.755725283351691e-06;
    value = value * r + 2.4801587327007187e-05;
    value = value * r + 0.00019841269876864356;
    value = value * r + 0.0013888888888883327;
    value = value * r + 0.008333333333325544;
    value = value * r + 0.04166666666666667;
    value = value * r + 0.1666666666666667;
    value = value * r + 0.5;
    return (1.0 + (r + r * r * value)) * first * second;
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

/* softmax_cce_sparse_forward_f in double. */
void softmax_cce_sparse_forward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict z,
        const ptrdiff_t *restrict t, double *restrict L, double *restrict row_max, double *restrict total)
{
    double t1_all = 0.0;
#pragma omp parallel for reduction(+: t1_all)
    for (ptrdiff_t n = 0; n < N; n++) {
        double row_max_largest = -INFINITY;
#pragma omp simd reduction(largest: row_max_largest)
        for (ptrdiff_t k = 0; k < K; k++)
            row_max_largest = maximum_d(z[n * K + k], row_max_largest);
        row_max[n] = row_max_largest;
        double total_sum = 0.0;
#pragma omp simd reduction(+: total_sum)
        for (ptrdiff_t k = 0; k < K; k++)
            total_sum += exp_d(z[n * K + k] - row_max_largest);
        total[n] = total_sum;
        t1_all += z[n * K + t[n]] - row_max_largest - log_d(total_sum);
    }
    const double t1 = t1_all;
    *L = -t1 / (double)N;
}

/* softmax_cce_sparse_backward_f in double. */
void softmax_cce_sparse_backward_d(ptrdiff_t N, ptrdiff_t K, double dL, const ptrdiff_t *restrict t,
        const double *restrict z, const double *restrict row_max, const double *restrict total,
        double *restrict dz)
{
    const double scale = dL / (double)N;
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dz[n * K + k] = scale * (exp_d(z[n * K + k] - row_max[n]) / total[n] - (k == t[n] ? 1.0 : 0.0));
    }
}
