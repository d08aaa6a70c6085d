/* Forward and backward passes in C: layer-norm.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * layer-norm: layer normalisation over the last index, with scale and shift
 *     mu[n] = sum(x[n,k], k)/K
 *     sigma[n] = sqrt(sum((x[n,k] - mu[n])**2, k)/K + eps)
 *     xhat[n,k] = (x[n,k] - mu[n])/sigma[n]
 *     y[n,k] = g[k]*xhat[n,k] + b[k]
 *     Source: Ba, Kiros and Hinton, Layer normalization, arXiv 1607.06450, 2016
 */

#include <math.h>
#include <stddef.h>

/* Forward pass of layer-norm.
 *
 * Layer normalisation over the last index, with scale and shift.
 *
 * mu[n] = sum(x[n,k], k)/K
 * sigma[n] = sqrt(sum((x[n,k] - mu[n])**2, k)/K + eps)
 * xhat[n,k] = (x[n,k] - mu[n])/sigma[n]
 * y[n,k] = g[k]*xhat[n,k] + b[k]
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     x: (..., K)
 *     g: (K,)
 *     b: (K,)
 *     eps: a number, 1e-5 where it is left out
 *
 * Returns:
 *     y: (..., K)
 *     sigma: (...)
 *     mu: (...)
 */
void layer_norm_forward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict x, const float *restrict g,
        const float *restrict b, float eps, float *restrict y, float *restrict sigma, float *restrict mu)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        float row_sum = 0.0f;
#pragma omp simd reduction(+: row_sum)
        for (ptrdiff_t k = 0; k < K; k++)
            row_sum += x[n * K + k];
        const float mu_n = row_sum / (float)K;
        mu[n] = mu_n;
        float t1 = 0.0f;
#pragma omp simd reduction(+: t1)
        for (ptrdiff_t k = 0; k < K; k++) {
            const float difference = x[n * K + k] - mu_n;
            t1 += difference * difference;
        }
        sigma[n] = sqrtf(t1 / (float)K + eps);
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const float difference = x[n * K + k] - mu_n;
            y[n * K + k] = g[k] * (difference / sigma[n]) + b[k];
        }
    }
}

/* Backward pass of layer-norm.
 *
 * Layer normalisation over the last index, with scale and shift.
 *
 * mu[n] = sum(x[n,k], k)/K
 * sigma[n] = sqrt(sum((x[n,k] - mu[n])**2, k)/K + eps)
 * xhat[n,k] = (x[n,k] - mu[n])/sigma[n]
 * y[n,k] = g[k]*xhat[n,k] + b[k]
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dxhat[n,k] = dy[n,k]*g[k]
 * dx[n,k] = (dxhat[n,k] - (sum(dxhat[n,j], j) + xhat[n,k]*sum(dxhat[n,j]*xhat[n,j], j))/K)/sigma[n]
 * dg[k] = sum(dy[n,k]*xhat[n,k], n)
 * db[k] = sum(dy[n,k], n)
 *
 * Args:
 *     dy: (..., K), the gradient of the loss with respect to y
 *     g: (K,)
 *     sigma: (...)
 *     x: (..., K)
 *     mu: (...)
 *
 * Returns:
 *     dx: (..., K)
 *     dg: (K,)
 *     db: (K,)
 */
void layer_norm_backward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict dy, const float *restrict g,
        const float *restrict sigma, const float *restrict x, const float *restrict mu, float *restrict dx,
        float *restrict dg, float *restrict db)
{
    for (ptrdiff_t k = 0; k < K; k++)
        dg[k] = 0.0f;
    for (ptrdiff_t k = 0; k < K; k++)
        db[k] = 0.0f;
    for (ptrdiff_t n = 0; n < N; n++) {
        float dot = 0.0f;
        float t1 = 0.0f;
#pragma omp simd reduction(+: dot, t1)
        for (ptrdiff_t j = 0; j < K; j++) {
            const float xhat = (x[n * K + j] - mu[n]) / sigma[n];
            const float dxhat = dy[n * K + j] * g[j];
            dot += xhat * dxhat;
            t1 += dxhat;
            dg[j] += dy[n * K + j] * xhat;
            db[j] += dy[n * K + j];
        }
        const float scaled = dot / (float)K;
        const float t2 = t1 / (float)K;
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const float dxhat = dy[n * K + k] * g[k];
            const float xhat = (x[n * K + k] - mu[n]) / sigma[n];
            dx[n * K + k] = (dxhat - t2 - xhat * scaled) / sigma[n];
        }
    }
}

/* layer_norm_forward_f in double. */
void layer_norm_forward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict x, const double *restrict g,
        const double *restrict b, double eps, double *restrict y, double *restrict sigma, double *restrict mu)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        double row_sum = 0.0;
#pragma omp simd reduction(+: row_sum)
        for (ptrdiff_t k = 0; k < K; k++)
            row_sum += x[n * K + k];
        const double mu_n = row_sum / (double)K;
        mu[n] = mu_n;
        double t1 = 0.0;
#pragma omp simd reduction(+: t1)
        for (ptrdiff_t k = 0; k < K; k++) {
            const double difference = x[n * K + k] - mu_n;
            t1 += difference * difference;
        }
        sigma[n] = sqrt(t1 / (double)K + eps);
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const double difference = x[n * K + k] - mu_n;
            y[n * K + k] = g[k] * (difference / sigma[n]) + b[k];
        }
    }
}

/* layer_norm_backward_f in double. */
void layer_norm_backward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict dy, const double *restrict g,
        const double *restrict sigma, const double *restrict x, const double *restrict mu,
        double *restrict dx, double *restrict dg, double *restrict db)
{
    for (ptrdiff_t k = 0; k < K; k++)
        dg[k] = 0.0;
    for (ptrdiff_t k = 0; k < K; k++)
        db[k] = 0.0;
    for (ptrdiff_t n = 0; n < N; n++) {
        double dot = 0.0;
        double t1 = 0.0;
#pragma omp simd reduction(+: dot, t1)
        for (ptrdiff_t j = 0; j < K; j++) {
            const double xhat = (x[n * K + j] - mu[n]) / sigma[n];
            const double dxhat = dy[n * K + j] * g[j];
            dot += xhat * dxhat;
            t1 += dxhat;
            dg[j] += dy[n * K + j] * xhat;
            db[j] += dy[n * K + j];
        }
        const double scaled = dot / (double)K;
        const double t2 = t1 / (double)K;
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++) {
            const double dxhat = dy[n * K + k] * g[k];
            const double xhat = (x[n * K + k] - mu[n]) / sigma[n];
            dx[n * K + k] = (dxhat - t2 - xhat * scaled) / sigma[n];
        }
    }
}
