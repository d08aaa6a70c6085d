/* Forward and backward passes in C: lstm-cell.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * lstm-cell: a step of the long short-term memory, gates in the order i, f, g, o
 *     z[n,q,k] = sum(h0[n,j]*u[j,q,k], j) + sum(x[n,d]*w[d,q,k], d) + b[q,k]
 *     i[n,k] = 1/(1 + exp(-z[n,0,k]))
 *     f[n,k] = 1/(1 + exp(-z[n,1,k]))
 *     g[n,k] = tanh(z[n,2,k])
 *     o[n,k] = 1/(1 + exp(-z[n,3,k]))
 *     c[n,k] = c0[n,k]*f[n,k] + g[n,k]*i[n,k]
 *     s[n,k] = tanh(c[n,k])
 *     h[n,k] = o[n,k]*s[n,k]
 *     Source: Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9:1735-1780; the
 *         forget gate: Gers, Schmidhuber and Cummins 2000, Learning to forget, Neural Computation 12:2451-2471
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

/* exp(x) - 1, right for small x too: 2^n (r + r^2 E(r)) + (2^n - 1) with x = n log(2) + r. */
static inline float expm1_f(float x)
{
    const float clamped = x < -20.0f ? -20.0f : x > 89.0f ? 89.0f : x;
    const float shifted = clamped * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
    const float half = number_f((bits_f(shifted) - UINT32_C(0x4B400000) + 127 - 1) << 23);
    float value = 0.0013926927f;
    value = value * r + 0.008363774f;
    value = value * r + 0.04166655f;
    value = value * r + 0.16666573f;
    value = value * r + 0.5f;
    return 2.0f * ((r + r * r * value) * half + (half - 0.5f));
}

/* 1/(1 + exp(-x)); the exponential of a positive number is never taken. */
static inline float sigmoid_f(float x)
{
    const float decay = exp_f(-fabsf(x));
    return (x >= 0 ? 1.0f : decay) / (1.0f + decay);
}

/* tanh(x) = -e/(2 + e) with e = exp(-2x) - 1, for x >= 0. */
static inline float tanh_f(float x)
{
    const float e = expm1_f(-2.0f * fabsf(x));
    return copysignf(-e / (2.0f + e), x);
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

/* Forward pass of lstm-cell.
 *
 * A step of the long short-term memory, gates in the order i, f, g, o.
 *
 * z[n,q,k] = sum(h0[n,j]*u[j,q,k], j) + sum(x[n,d]*w[d,q,k], d) + b[q,k]
 * i[n,k] = 1/(1 + exp(-z[n,0,k]))
 * f[n,k] = 1/(1 + exp(-z[n,1,k]))
 * g[n,k] = tanh(z[n,2,k])
 * o[n,k] = 1/(1 + exp(-z[n,3,k]))
 * c[n,k] = c0[n,k]*f[n,k] + g[n,k]*i[n,k]
 * s[n,k] = tanh(c[n,k])
 * h[n,k] = o[n,k]*s[n,k]
 *
 * Args:
 *     x: (N, D)
 *     h0: (N, J)
 *     c0: (N, K)
 *     w: (D, 4, K)
 *     u: (J, 4, K)
 *     b: (4, K)
 *
 * Returns:
 *     h: (N, K)
 *     c: (N, K)
 *     i: (N, K)
 *     f: (N, K)
 *     g: (N, K)
 *     o: (N, K)
 *     s: (N, K)
 *
 * work: memory for 8 * K * N numbers.
 */
void lstm_cell_forward_f(ptrdiff_t N, ptrdiff_t D, ptrdiff_t J, ptrdiff_t K, const float *restrict x,
        const float *restrict h0, const float *restrict c0, const float *restrict w, const float *restrict u,
        const float *restrict b, float *restrict h, float *restrict c, float *restrict i, float *restrict f,
        float *restrict g, float *restrict o, float *restrict s, float *restrict work)
{
    float *restrict product = work;
    float *restrict t1 = work + 4 * K * N;
    matmul_f(N, 4 * K, J, h0, J, 1, u, 4 * K, 1, product, 4 * K);
    matmul_f(N, 4 * K, D, x, D, 1, w, 4 * K, 1, t1, 4 * K);
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            i[n * K + k] = sigmoid_f(product[n * 4 * K + k] + t1[n * 4 * K + k] + b[k]);
            f[n * K + k] = sigmoid_f(product[(n * 4 + 1) * K + k] + t1[(n * 4 + 1) * K + k] + b[K + k]);
            g[n * K + k] = tanh_f(product[(n * 4 + 2) * K + k] + t1[(n * 4 + 2) * K + k] + b[2 * K + k]);
            o[n * K + k] = sigmoid_f(product[(n * 4 + 3) * K + k] + t1[(n * 4 + 3) * K + k] + b[3 * K + k]);
            const float c_k = c0[n * K + k] * f[n * K + k] + i[n * K + k] * g[n * K + k];
            c[n * K + k] = c_k;
            s[n * K + k] = tanh_f(c_k);
            h[n * K + k] = o[n * K + k] * s[n * K + k];
        }
    }
}

/* Backward pass of lstm-cell.
 *
 * A step of the long short-term memory, gates in the order i, f, g, o.
 *
 * z[n,q,k] = sum(h0[n,j]*u[j,q,k], j) + sum(x[n,d]*w[d,q,k], d) + b[q,k]
 * i[n,k] = 1/(1 + exp(-z[n,0,k]))
 * f[n,k] = 1/(1 + exp(-z[n,1,k]))
 * g[n,k] = tanh(z[n,2,k])
 * o[n,k] = 1/(1 + exp(-z[n,3,k]))
 * c[n,k] = c0[n,k]*f[n,k] + g[n,k]*i[n,k]
 * s[n,k] = tanh(c[n,k])
 * h[n,k] = o[n,k]*s[n,k]
 *
 * Gradients of a loss, given those of the outputs, of which dc_out is what comes in through c and not through
 *     other outputs:
 *
 * dc[n,k] = dh[n,k]*o[n,k]*(1 - s[n,k]**2) + dc_out[n,k]
 * dz[n,q,k] = dc[n,k]*(i[n,k]*(delta(q, 0)*g[n,k]*(1 - i[n,k]) + delta(q, 2)*(1 - g[n,k]**2))
 *     + delta(q, 1)*c0[n,k]*f[n,k]*(1 - f[n,k])) + delta(q, 3)*dh[n,k]*h[n,k]*(1 - o[n,k])
 * dx[n,d] = sum(dz[n,q,k]*w[d,q,k], q, k)
 * dh0[n,j] = sum(dz[n,q,k]*u[j,q,k], q, k)
 * dc0[n,k] = dc[n,k]*f[n,k]
 * dw[d,q,k] = sum(dz[n,q,k]*x[n,d], n)
 * du[j,q,k] = sum(dz[n,q,k]*h0[n,j], n)
 * db[q,k] = sum(dz[n,q,k], n)
 *
 * Args:
 *     dh: (N, K), the gradient of the loss with respect to h
 *     dc_out: (N, K), the gradient of the loss with respect to c where the other outputs are held
 *     x: (N, D)
 *     h0: (N, J)
 *     c0: (N, K)
 *     w: (D, 4, K)
 *     u: (J, 4, K)
 *     i: (N, K)
 *     f: (N, K)
 *     g: (N, K)
 *     o: (N, K)
 *     s: (N, K)
 *     h: (N, K), an output
 *
 * Returns:
 *     dx: (N, D)
 *     dh0: (N, J)
 *     dc0: (N, K)
 *     dw: (D, 4, K)
 *     du: (J, 4, K)
 *     db: (4, K)
 *
 * work: memory for 4 * K * N numbers.
 */
void lstm_cell_backward_f(ptrdiff_t N, ptrdiff_t D, ptrdiff_t J, ptrdiff_t K, const float *restrict dh,
        const float *restrict dc_out, const float *restrict x, const float *restrict h0,
        const float *restrict c0, const float *restrict w, const float *restrict u, const float *restrict i,
        const float *restrict f, const float *restrict g, const float *restrict o, const float *restrict s,
        const float *restrict h, float *restrict dx, float *restrict dh0, float *restrict dc0,
        float *restrict dw, float *restrict du, float *restrict db, float *restrict work)
{
    float *restrict dz = work;
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const float dc = dc_out[n * K + k]
                + dh[n * K + k] * o[n * K + k] * (1.0f - s[n * K + k] * s[n * K + k]);
            dz[n * 4 * K + k] = i[n * K + k] * g[n * K + k] * (1.0f - i[n * K + k]) * dc;
            dz[(n * 4 + 1) * K + k] = c0[n * K + k] * f[n * K + k] * (1.0f - f[n * K + k]) * dc;
            dz[(n * 4 + 2) * K + k] = i[n * K + k] * (1.0f - g[n * K + k] * g[n * K + k]) * dc;
            dz[(n * 4 + 3) * K + k] = dh[n * K + k] * h[n * K + k] * (1.0f - o[n * K + k]);
            dc0[n * K + k] = f[n * K + k] * dc;
        }
    }
    matmul_f(N, D, 4 * K, dz, 4 * K, 1, w, 1, 4 * K, dx, D);
    matmul_f(N, J, 4 * K, dz, 4 * K, 1, u, 1, 4 * K, dh0, J);
    matmul_f(D, 4 * K, N, x, 1, D, dz, 4 * K, 1, dw, 4 * K);
    matmul_f(J, 4 * K, N, h0, 1, J, dz, 4 * K, 1, du, 4 * K);
    for (ptrdiff_t q = 0; q < 4; q++) {
        for (ptrdiff_t k = 0; k < K; k++)
            db[q * K + k] = 0.0f;
    }
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t q = 0; q < 4; q++) {
#pragma omp simd
            for (ptrdiff_t k = 0; k < K; k++)
                db[q * K + k] += dz[(n * 4 + q) * K + k];
        }
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

/* exp(x) - 1, right for small x too: 2^n (r + r^2 E(r)) + (2^n - 1) with x = n log(2) + r. */
static inline double expm1_d(double x)
{
    const double clamped = x < -40.0 ? -40.0 : x > 710.0 ? 710.0 : x;
    const double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;
    const double n = shifted - 6755399441055744.0;
    const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    const double half = number_d((bits_d(shifted) - UINT64_C(0x4338000000000000) + 1023 - 1) << 52);
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
    return 2.0 * ((r + r * r * value) * half + (half - 0.5));
}

/* 1/(1 + exp(-x)); the exponential of a positive number is never taken. */
static inline double sigmoid_d(double x)
{
    const double decay = exp_d(-fabs(x));
    return (x >= 0 ? 1.0 : decay) / (1.0 + decay);
}

/* tanh(x) = -e/(2 + e) with e = exp(-2x) - 1, for x >= 0. */
static inline double tanh_d(double x)
{
    const double e = expm1_d(-2.0 * fabs(x));
    return copysign(-e / (2.0 + e), x);
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

/* lstm_cell_forward_f in double. */
void lstm_cell_forward_d(ptrdiff_t N, ptrdiff_t D, ptrdiff_t J, ptrdiff_t K, const double *restrict x,
        const double *restrict h0, const double *restrict c0, const double *restrict w,
        const double *restrict u, const double *restrict b, double *restrict h, double *restrict c,
        double *restrict i, double *restrict f, double *restrict g, double *restrict o, double *restrict s,
        double *restrict work)
{
    double *restrict product = work;
    double *restrict t1 = work + 4 * K * N;
    matmul_d(N, 4 * K, J, h0, J, 1, u, 4 * K, 1, product, 4 * K);
    matmul_d(N, 4 * K, D, x, D, 1, w, 4 * K, 1, t1, 4 * K);
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            i[n * K + k] = sigmoid_d(product[n * 4 * K + k] + t1[n * 4 * K + k] + b[k]);
            f[n * K + k] = sigmoid_d(product[(n * 4 + 1) * K + k] + t1[(n * 4 + 1) * K + k] + b[K + k]);
            g[n * K + k] = tanh_d(product[(n * 4 + 2) * K + k] + t1[(n * 4 + 2) * K + k] + b[2 * K + k]);
            o[n * K + k] = sigmoid_d(product[(n * 4 + 3) * K + k] + t1[(n * 4 + 3) * K + k] + b[3 * K + k]);
            const double c_k = c0[n * K + k] * f[n * K + k] + i[n * K + k] * g[n * K + k];
            c[n * K + k] = c_k;
            s[n * K + k] = tanh_d(c_k);
            h[n * K + k] = o[n * K + k] * s[n * K + k];
        }
    }
}

/* lstm_cell_backward_f in double. */
void lstm_cell_backward_d(ptrdiff_t N, ptrdiff_t D, ptrdiff_t J, ptrdiff_t K, const double *restrict dh,
        const double *restrict dc_out, const double *restrict x, const double *restrict h0,
        const double *restrict c0, const double *restrict w, const double *restrict u,
        const double *restrict i, const double *restrict f, const double *restrict g,
        const double *restrict o, const double *restrict s, const double *restrict h, double *restrict dx,
        double *restrict dh0, double *restrict dc0, double *restrict dw, double *restrict du,
        double *restrict db, double *restrict work)
{
    double *restrict dz = work;
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const double dc = dc_out[n * K + k]
                + dh[n * K + k] * o[n * K + k] * (1.0 - s[n * K + k] * s[n * K + k]);
            dz[n * 4 * K + k] = i[n * K + k] * g[n * K + k] * (1.0 - i[n * K + k]) * dc;
            dz[(n * 4 + 1) * K + k] = c0[n * K + k] * f[n * K + k] * (1.0 - f[n * K + k]) * dc;
            dz[(n * 4 + 2) * K + k] = i[n * K + k] * (1.0 - g[n * K + k] * g[n * K + k]) * dc;
            dz[(n * 4 + 3) * K + k] = dh[n * K + k] * h[n * K + k] * (1.0 - o[n * K + k]);
            dc0[n * K + k] = f[n * K + k] * dc;
        }
    }
    matmul_d(N, D, 4 * K, dz, 4 * K, 1, w, 1, 4 * K, dx, D);
    matmul_d(N, J, 4 * K, dz, 4 * K, 1, u, 1, 4 * K, dh0, J);
    matmul_d(D, 4 * K, N, x, 1, D, dz, 4 * K, 1, dw, 4 * K);
    matmul_d(J, 4 * K, N, h0, 1, J, dz, 4 * K, 1, du, 4 * K);
    for (ptrdiff_t q = 0; q < 4; q++) {
        for (ptrdiff_t k = 0; k < K; k++)
            db[q * K + k] = 0.0;
    }
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t q = 0; q < 4; q++) {
#pragma omp simd
            for (ptrdiff_t k = 0; k < K; k++)
                db[q * K + k] += dz[(n * 4 + q) * K + k];
        }
    }
}
