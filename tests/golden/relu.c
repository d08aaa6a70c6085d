/* Forward and backward passes in C: relu.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * relu: rectified linear unit
 *     y = max(x, 0)
 *     Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010
 */

#include <stddef.h>

/* The larger of two numbers, NaN if one is. */
static inline float maximum_f(float a, float b)
{
    return a > b || a != a ? a : b;
}

/* Forward pass of relu.
 *
 * Rectified linear unit.
 *
 * y = max(x, 0)
 *
 * Args:
 *     x: any shape
 *
 * Returns:
 *     y: any shape
 *
 * n: how many entries each array has.
 */
void relu_forward_f(ptrdiff_t n, const float *restrict x, float *restrict y)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] = maximum_f(x[i], 0.0f);
}

/* Backward pass of relu.
 *
 * Rectified linear unit.
 *
 * y = max(x, 0)
 *
 * Gradients of a loss, given that of the output:
 *
 * dx = dy*[x > 0]
 *
 * Args:
 *     dy: any shape, the gradient of the loss with respect to y
 *     x: any shape
 *
 * Returns:
 *     dx: the shape of x
 *
 * n: how many entries each array has.
 */
void relu_backward_f(ptrdiff_t n, const float *restrict dy, const float *restrict x, float *restrict dx)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++)
        dx[i] = dy[i] * (float)(x[i] > 0.0f);
}

/* The larger of two numbers, NaN if one is. */
static inline double maximum_d(double a, double b)
{
    return a > b || a != a ? a : b;
}

/* relu_forward_f in double. */
void relu_forward_d(ptrdiff_t n, const double *restrict x, double *restrict y)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] = maximum_d(x[i], 0.0);
}

/* relu_backward_f in double. */
void relu_backward_d(ptrdiff_t n, const double *restrict dy, const double *restrict x, double *restrict dx)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++)
        dx[i] = dy[i] * (double)(x[i] > 0.0);
}
