/* Forward and backward passes in C: dense.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * dense: dense layer, samples in rows
 *     y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]
 *     Source: Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, Nature 1986
 */

#include <stddef.h>

/* Forward pass of dense.
 *
 * Dense layer, samples in rows.
 *
 * y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     x: (..., D)
 *     w: (D, K)
 *     b: (K,)
 *
 * Returns:
 *     y: (..., K)
 */
void dense_forward_f(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const float *restrict x, const float *restrict w,
        const float *restrict b, float *restrict y)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] = 0.0f;
        for (ptrdiff_t d = 0; d < D; d++) {
#pragma omp simd
            for (ptrdiff_t k = 0; k < K; k++)
                y[n * K + k] += x[n * D + d] * w[d * K + k];
        }
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] += b[k];
    }
}

/* Backward pass of dense.
 *
 * Dense layer, samples in rows.
 *
 * y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dx[n,d] = sum(dy[n,k]*w[d,k], k)
 * dw[d,k] = sum(dy[n,k]*x[n,d], n)
 * db[k] = sum(dy[n,k], n)
 *
 * Args:
 *     dy: (..., K), the gradient of the loss with respect to y
 *     x: (..., D)
 *     w: (D, K)
 *
 * Returns:
 *     dx: (..., D)
 *     dw: (D, K)
 *     db: (K,)
 */
void dense_backward_f(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const float *restrict dy,
        const float *restrict x, const float *restrict w, float *restrict dx, float *restrict dw,
        float *restrict db)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t d = 0; d < D; d++) {
            float dx_sum = 0.0f;
#pragma omp simd reduction(+: dx_sum)
            for (ptrdiff_t k = 0; k < K; k++)
                dx_sum += dy[n * K + k] * w[d * K + k];
            dx[n * D + d] = dx_sum;
        }
    }
#pragma omp parallel for
    for (ptrdiff_t d = 0; d < D; d++) {
        for (ptrdiff_t k = 0; k < K; k++)
            dw[d * K + k] = 0.0f;
        for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
            for (ptrdiff_t k = 0; k < K; k++)
                dw[d * K + k] += x[n * D + d] * dy[n * K + k];
        }
    }
    for (ptrdiff_t k = 0; k < K; k++)
        db[k] = 0.0f;
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            db[k] += dy[n * K + k];
    }
}

/* dense_forward_f in double. */
void dense_forward_d(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const double *restrict x,
        const double *restrict w, const double *restrict b, double *restrict y)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] = 0.0;
        for (ptrdiff_t d = 0; d < D; d++) {
#pragma omp simd
            for (ptrdiff_t k = 0; k < K; k++)
                y[n * K + k] += x[n * D + d] * w[d * K + k];
        }
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] += b[k];
    }
}

/* dense_backward_f in double. */
void dense_backward_d(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const double *restrict dy,
        const double *restrict x, const double *restrict w, double *restrict dx, double *restrict dw,
        double *restrict db)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t d = 0; d < D; d++) {
            double dx_sum = 0.0;
#pragma omp simd reduction(+: dx_sum)
            for (ptrdiff_t k = 0; k < K; k++)
                dx_sum += dy[n * K + k] * w[d * K + k];
            dx[n * D + d] = dx_sum;
        }
    }
#pragma omp parallel for
    for (ptrdiff_t d = 0; d < D; d++) {
        for (ptrdiff_t k = 0; k < K; k++)
            dw[d * K + k] = 0.0;
        for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
            for (ptrdiff_t k = 0; k < K; k++)
                dw[d * K + k] += x[n * D + d] * dy[n * K + k];
        }
    }
    for (ptrdiff_t k = 0; k < K; k++)
        db[k] = 0.0;
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            db[k] += dy[n * K + k];
    }
}
