/* Forward and backward passes in C: rms-norm.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * rms-norm: root mean square normalisation over the last index, with scale
 *     sigma[n] = sqrt(sum(x[n,k]**2, k)/K + eps)
 *     xhat[n,k] = x[n,k]/sigma[n]
 *     y[n,k] = g[k]*xhat[n,k]
 *     Source: Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019
 */

#include <math.h>
#include <stddef.h>

/* Forward pass of rms-norm.
 *
 * Root mean square normalisation over the last index, with scale.
 *
 * sigma[n] = sqrt(sum(x[n,k]**2, k)/K + eps)
 * xhat[n,k] = x[n,k]/sigma[n]
 * y[n,k] = g[k]*xhat[n,k]
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     x: (..., K)
 *     g: (K,)
 *     eps: a number, 1e-5 where it is left out
 *
 * Returns:
 *     y: (..., K)
 *     sigma: (...)
 */
void rms_norm_forward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict x, const float *restrict g, float eps,
        float *restrict y, float *restrict sigma)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        float row_sum = 0.0f;
#pragma omp simd reduction(+: row_sum)
        for (ptrdiff_t k = 0; k < K; k++)
            row_sum += x[n * K + k] * x[n * K + k];
        sigma[n] = sqrtf(row_sum / (float)K + eps);
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] = g[k] * (x[n * K + k] / sigma[n]);
    }
}

/* Backward pass of rms-norm.
 *
 * Root mean square normalisation over the last index, with scale.
 *
 * sigma[n] = sqrt(sum(x[n,k]**2, k)/K + eps)
 * xhat[n,k] = x[n,k]/sigma[n]
 * y[n,k] = g[k]*xhat[n,k]
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dxhat[n,k] = dy[n,k]*g[k]
 * dx[n,k] = (dxhat[n,k] - xhat[n,k]*sum(dxhat[n,j]*xhat[n,j], j)/K)/sigma[n]
 * dg[k] = sum(dy[n,k]*xhat[n,k], n)
 *
 * Args:
 *     dy: (..., K), the gradient of the loss with respect to y
 *     g: (K,)
 *     sigma: (...)
 *     x: (..., K)
 *
 * Returns:
 *     dx: (..., K)
 *     dg: (K,)
 */
void rms_norm_backward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict dy, const float *restrict g,
        const float *restrict sigma, const float *restrict x, float *restrict dx, float *restrict dg)
{
    for (ptrdiff_t k = 0; k < K; k++)
        dg[k] = 0.0f;
    for (ptrdiff_t n = 0; n < N; n++) {
        float dot = 0.0f;
#pragma omp simd reduction(+: dot)
        for (ptrdiff_t j = 0; j < K; j++) {
            const float xhat = x[n * K + j] / sigma[n];
            const float dxhat = dy[n * K + j] * g[j];
            dot += xhat * dxhat;
            dg[j] += dy[n * K + j] * xhat;
        }
        const float scaled = dot / (float)K;
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const float dxhat = dy[n * K + k] * g[k];
            const float xhat = x[n * K + k] / sigma[n];
            dx[n * K + k] = (dxhat - xhat * scaled) / sigma[n];
        }
    }
}

/* rms_norm_forward_f in double. */
void rms_norm_forward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict x, const double *restrict g,
        double eps, double *restrict y, double *restrict sigma)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        double row_sum = 0.0;
#pragma omp simd reduction(+: row_sum)
        for (ptrdiff_t k = 0; k < K; k++)
            row_sum += x[n * K + k] * x[n * K + k];
        sigma[n] = sqrt(row_sum / (double)K + eps);
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] = g[k] * (x[n * K + k] / sigma[n]);
    }
}

/* rms_norm_backward_f in double. */
void rms_norm_backward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict dy, const double *restrict g,
        const double *restrict sigma, const double *restrict x, double *restrict dx, double *restrict dg)
{
    for (ptrdiff_t k = 0; k < K; k++)
        dg[k] = 0.0;
    for (ptrdiff_t n = 0; n < N; n++) {
        double dot = 0.0;
#pragma omp simd reduction(+: dot)
        for (ptrdiff_t j = 0; j < K; j++) {
            const double xhat = x[n * K + j] / sigma[n];
            const double dxhat = dy[n * K + j] * g[j];
            dot += xhat * dxhat;
            dg[j] += dy[n * K + j] * xhat;
        }
        const double scaled = dot / (double)K;
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const double dxhat = dy[n * K + k] * g[k];
            const double xhat = x[n * K + k] / sigma[n];
            dx[n * K + k] = (dxhat - xhat * scaled) / sigma[n];
        }
    }
}
