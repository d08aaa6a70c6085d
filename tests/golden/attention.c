/* Forward and backward passes in C: attention.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * attention: scaled dot-product attention
 *     s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
 *     p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
 *     y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)
 *     Source: Vaswani et al., Attention is all you need, NeurIPS 2017
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

/* As many columns as a tile has, and as many steps along both factors and rows as are packed at once. */
#ifdef __AVX512F__
enum { wide_f = 128 / sizeof(float) };
#else
enum { wide_f = 64 / sizeof(float) };
#endif
enum { high_f = 6, deep_f = 128, rows_f = 32 * high_f };

/* to[p * width + i] = from[i * across + p * along] for i < count, 0 for the others: what a tile reads in a row. */
static void pack_f(ptrdiff_t width, ptrdiff_t count, ptrdiff_t depth, const float *restrict from, ptrdiff_t across,
        ptrdiff_t along, float *restrict to)
{
    for (ptrdiff_t p = 0; count < width && p < depth; p++)
        for (ptrdiff_t i = count; i < width; i++)
            to[p * width + i] = 0.0f;
    if (across == 1)
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (ptrdiff_t i = 0; i < count; i++)
                to[p * width + i] = from[i + p * along];
        }
    else
        for (ptrdiff_t i = 0; i < count; i++)
            for (ptrdiff_t p = 0; p < depth; p++)
                to[p * width + i] = from[i * across + p * along];
}

/* sums = a b of packed a and b; the sums stay in registers. */
static void tile_f(ptrdiff_t depth, const float *restrict a, const float *restrict b, float *restrict sums)
{
    float own[high_f][wide_f] = {{0}};
    for (ptrdiff_t p = 0; p < depth; p++)
        for (int r = 0; r < high_f; r++) {
#pragma omp simd
            for (int c = 0; c < wide_f; c++)
                own[r][c] += a[p * high_f + r] * b[p * wide_f + c];
        }
    for (int r = 0; r < high_f; r++)
        for (int c = 0; c < wide_f; c++)
            sums[r * wide_f + c] = own[r][c];
}

/* c = a b, of matrices of which the steps from row to row and from column to column are given; c's columns have step 1.
 * Parts of a and b that stay in the caches are packed, and multiplied tile by tile. */
static void matmul_f(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *restrict a, ptrdiff_t a_row,
        ptrdiff_t a_column, const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_column, float *restrict c,
        ptrdiff_t c_row)
{
#pragma omp parallel for
    for (ptrdiff_t top = 0; top < rows; top += rows_f) {
        float left[rows_f * deep_f], right[deep_f * wide_f], sums[high_f * wide_f];
        const ptrdiff_t bottom = rows - top < rows_f ? rows : top + rows_f;
        for (ptrdiff_t i = top; i < bottom; i++)
            for (ptrdiff_t j = 0; j < columns; j++)
                c[i * c_row + j] = 0.0f;
        for (ptrdiff_t from = 0; from < depth; from += deep_f) {
            const ptrdiff_t steps = depth - from < deep_f ? depth - from : deep_f;
            for (ptrdiff_t i = top; i < bottom; i += high_f) {
                const ptrdiff_t down = bottom - i < high_f ? bottom - i : high_f;
                const float *strip = a + i * a_row + from * a_column;
                pack_f(high_f, down, steps, strip, a_row, a_column, left + (i - top) * steps);
            }
            for (ptrdiff_t j = 0; j < columns; j += wide_f) {
                const ptrdiff_t across = columns - j < wide_f ? columns - j : wide_f;
                pack_f(wide_f, across, steps, b + from * b_row + j * b_column, b_column, b_row, right);
                for (ptrdiff_t i = top; i < bottom; i += high_f) {
                    const ptrdiff_t down = bottom - i < high_f ? bottom - i : high_f;
                    tile_f(steps, left + (i - top) * steps, right, sums);
                    for (ptrdiff_t r = 0; r < down; r++)
                        for (ptrdiff_t s = 0; s < across; s++)
                            c[(i + r) * c_row + j + s] += sums[r * wide_f + s];
                }
            }
        }
    }
}

/* Forward pass of attention.
 *
 * Scaled dot-product attention.
 *
 * s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
 * p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
 * y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     q: (..., I, D)
 *     k: (..., J, D)
 *     v: (..., J, E)
 *
 * Returns:
 *     y: (..., I, E)
 *     p: (..., I, J)
 *
 * work: memory for n_i * J numbers.
 */
void attention_forward_f(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const float *restrict q, const float *restrict k, const float *restrict v, float *restrict y,
        float *restrict p, float *restrict work)
{
    float *restrict product = work;
    const float root_D = (float)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        matmul_f(n_i, J, D, q + n * n_i * D, D, 1, k + n * J * D, 1, D, product, J);
        for (ptrdiff_t i = 0; i < n_i; i++) {
            float row_max = -INFINITY;
#pragma omp simd reduction(largest: row_max)
            for (ptrdiff_t j = 0; j < J; j++) {
                const float s = product[i * J + j] / root_D;
                row_max = maximum_f(s, row_max);
            }
            float total = 0.0f;
#pragma omp simd reduction(+: total)
            for (ptrdiff_t j = 0; j < J; j++) {
                const float s = product[i * J + j] / root_D;
                p[(n * n_i + i) * J + j] = exp_f(s - row_max);
                total += p[(n * n_i + i) * J + j];
            }
#pragma omp simd
            for (ptrdiff_t j = 0; j < J; j++)
                p[(n * n_i + i) * J + j] /= total;
        }
        matmul_f(n_i, E, J, p + n * n_i * J, J, 1, v + n * J * E, E, 1, y + n * n_i * E, E);
    }
}

/* Backward pass of attention.
 *
 * Scaled dot-product attention.
 *
 * s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
 * p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
 * y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dp[n,i,j] = sum(dy[n,i,e]*v[n,j,e], e)
 * ds[n,i,j] = p[n,i,j]*(dp[n,i,j] - sum(dp[n,i,l]*p[n,i,l], l))
 * dq[n,i,d] = sum(ds[n,i,j]*k[n,j,d], j)/sqrt(D)
 * dk[n,j,d] = sum(ds[n,i,j]*q[n,i,d], i)/sqrt(D)
 * dv[n,j,e] = sum(dy[n,i,e]*p[n,i,j], i)
 *
 * Args:
 *     dy: (..., I, E), the gradient of the loss with respect to y
 *     q: (..., I, D)
 *     k: (..., J, D)
 *     v: (..., J, E)
 *     p: (..., I, J)
 *
 * Returns:
 *     dq: (..., I, D)
 *     dk: (..., J, D)
 *     dv: (..., J, E)
 *
 * work: memory for 2 * n_i * J numbers.
 */
void attention_backward_f(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const float *restrict dy, const float *restrict q, const float *restrict k, const float *restrict v,
        const float *restrict p, float *restrict dq, float *restrict dk, float *restrict dv,
        float *restrict work)
{
    float *restrict dp = work;
    float *restrict ds = work + n_i * J;
    const float root_D = (float)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        matmul_f(n_i, J, E, dy + n * n_i * E, E, 1, v + n * J * E, 1, E, dp, J);
        matmul_f(J, E, n_i, p + n * n_i * J, 1, J, dy + n * n_i * E, E, 1, dv + n * J * E, E);
        for (ptrdiff_t i = 0; i < n_i; i++) {
            float dot = 0.0f;
#pragma omp simd reduction(+: dot)
            for (ptrdiff_t l = 0; l < J; l++)
                dot += p[(n * n_i + i) * J + l] * dp[i * J + l];
#pragma omp simd
            for (ptrdiff_t j = 0; j < J; j++)
                ds[i * J + j] = p[(n * n_i + i) * J + j] * (dp[i * J + j] - dot);
        }
        matmul_f(n_i, D, J, ds, J, 1, k + n * J * D, D, 1, dq + n * n_i * D, D);
        matmul_f(J, D, n_i, ds, 1, J, q + n * n_i * D, D, 1, dk + n * J * D, D);
        for (ptrdiff_t i = 0; i < n_i; i++) {
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dq[(n * n_i + i) * D + d] /= root_D;
        }
        for (ptrdiff_t j = 0; j < J; j++) {
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dk[(n * J + j) * D + d] /= root_D;
        }
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

/* As many columns as a tile has, and as many steps along both factors and rows as are packed at once. */
#ifdef __AVX512F__
enum { wide_d = 128 / sizeof(double) };
#else
enum { wide_d = 64 / sizeof(double) };
#endif
enum { high_d = 6, deep_d = 128, rows_d = 32 * high_d };

/* to[p * width + i] = from[i * across + p * along] for i < count, 0 for the others: what a tile reads in a row. */
static void pack_d(ptrdiff_t width, ptrdiff_t count, ptrdiff_t depth, const double *restrict from, ptrdiff_t across,
        ptrdiff_t along, double *restrict to)
{
    for (ptrdiff_t p = 0; count < width && p < depth; p++)
        for (ptrdiff_t i = count; i < width; i++)
            to[p * width + i] = 0.0;
    if (across == 1)
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (ptrdiff_t i = 0; i < count; i++)
                to[p * width + i] = from[i + p * along];
        }
    else
        for (ptrdiff_t i = 0; i < count; i++)
            for (ptrdiff_t p = 0; p < depth; p++)
                to[p * width + i] = from[i * across + p * along];
}

/* sums = a b of packed a and b; the sums stay in registers. */
static void tile_d(ptrdiff_t depth, const double *restrict a, const double *restrict b, double *restrict sums)
{
    double own[high_d][wide_d] = {{0}};
    for (ptrdiff_t p = 0; p < depth; p++)
        for (int r = 0; r < high_d; r++) {
#pragma omp simd
            for (int c = 0; c < wide_d; c++)
                own[r][c] += a[p * high_d + r] * b[p * wide_d + c];
        }
    for (int r = 0; r < high_d; r++)
        for (int c = 0; c < wide_d; c++)
            sums[r * wide_d + c] = own[r][c];
}

/* c = a b, of matrices of which the steps from row to row and from column to column are given; c's columns have step 1.
 * Parts of a and b that stay in the caches are packed, and multiplied tile by tile. */
static void matmul_d(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const double *restrict a, ptrdiff_t a_row,
        ptrdiff_t a_column, const double *restrict b, ptrdiff_t b_row, ptrdiff_t b_column, double *restrict c,
        ptrdiff_t c_row)
{
#pragma omp parallel for
    for (ptrdiff_t top = 0; top < rows; top += rows_d) {
        double left[rows_d * deep_d], right[deep_d * wide_d], sums[high_d * wide_d];
        const ptrdiff_t bottom = rows - top < rows_d ? rows : top + rows_d;
        for (ptrdiff_t i = top; i < bottom; i++)
            for (ptrdiff_t j = 0; j < columns; j++)
                c[i * c_row + j] = 0.0;
        for (ptrdiff_t from = 0; from < depth; from += deep_d) {
            const ptrdiff_t steps = depth - from < deep_d ? depth - from : deep_d;
            for (ptrdiff_t i = top; i < bottom; i += high_d) {
                const ptrdiff_t down = bottom - i < high_d ? bottom - i : high_d;
                const double *strip = a + i * a_row + from * a_column;
                pack_d(high_d, down, steps, strip, a_row, a_column, left + (i - top) * steps);
            }
            for (ptrdiff_t j = 0; j < columns; j += wide_d) {
                const ptrdiff_t across = columns - j < wide_d ? columns - j : wide_d;
                pack_d(wide_d, across, steps, b + from * b_row + j * b_column, b_column, b_row, right);
                for (ptrdiff_t i = top; i < bottom; i += high_d) {
                    const ptrdiff_t down = bottom - i < high_d ? bottom - i : high_d;
                    tile_d(steps, left + (i - top) * steps, right, sums);
                    for (ptrdiff_t r = 0; r < down; r++)
                        for (ptrdiff_t s = 0; s < across; s++)
                            c[(i + r) * c_row + j + s] += sums[r * wide_d + s];
                }
            }
        }
    }
}

/* attention_forward_f in double. */
void attention_forward_d(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const double *restrict q, const double *restrict k, const double *restrict v, double *restrict y,
        double *restrict p, double *restrict work)
{
    double *restrict product = work;
    const double root_D = (double)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        matmul_d(n_i, J, D, q + n * n_i * D, D, 1, k + n * J * D, 1, D, product, J);
        for (ptrdiff_t i = 0; i < n_i; i++) {
            double row_max = -INFINITY;
#pragma omp simd reduction(largest: row_max)
            for (ptrdiff_t j = 0; j < J; j++) {
                const double s = product[i * J + j] / root_D;
                row_max = maximum_d(s, row_max);
            }
            double total = 0.0;
#pragma omp simd reduction(+: total)
            for (ptrdiff_t j = 0; j < J; j++) {
                const double s = product[i * J + j] / root_D;
                p[(n * n_i + i) * J + j] = exp_d(s - row_max);
                total += p[(n * n_i + i) * J + j];
            }
#pragma omp simd
            for (ptrdiff_t j = 0; j < J; j++)
                p[(n * n_i + i) * J + j] /= total;
        }
        matmul_d(n_i, E, J, p + n * n_i * J, J, 1, v + n * J * E, E, 1, y + n * n_i * E, E);
    }
}

/* attention_backward_f in double. */
void attention_backward_d(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const double *restrict dy, const double *restrict q, const double *restrict k,
        const double *restrict v, const double *restrict p, double *restrict dq, double *restrict dk,
        double *restrict dv, double *restrict work)
{
    double *restrict dp = work;
    double *restrict ds = work + n_i * J;
    const double root_D = (double)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        matmul_d(n_i, J, E, dy + n * n_i * E, E, 1, v + n * J * E, 1, E, dp, J);
        matmul_d(J, E, n_i, p + n * n_i * J, 1, J, dy + n * n_i * E, E, 1, dv + n * J * E, E);
        for (ptrdiff_t i = 0; i < n_i; i++) {
            double dot = 0.0;
#pragma omp simd reduction(+: dot)
            for (ptrdiff_t l = 0; l < J; l++)
                dot += p[(n * n_i + i) * J + l] * dp[i * J + l];
#pragma omp simd
            for (ptrdiff_t j = 0; j < J; j++)
                ds[i * J + j] = p[(n * n_i + i) * J + j] * (dp[i * J + j] - dot);
        }
        matmul_d(n_i, D, J, ds, J, 1, k + n * J * D, D, 1, dq + n * n_i * D, D);
        matmul_d(J, D, n_i, ds, 1, J, q + n * n_i * D, D, 1, dk + n * J * D, D);
        for (ptrdiff_t i = 0; i < n_i; i++) {
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dq[(n * n_i + i) * D + d] /= root_D;
        }
        for (ptrdiff_t j = 0; j < J; j++) {
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dk[(n * J + j) * D + d] /= root_D;
        }
    }
}
