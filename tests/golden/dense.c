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
    matmul_f(N, K, D, x, D, 1, w, K, 1, y, K);
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
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
    matmul_f(N, D, K, dy, K, 1, w, 1, K, dx, D);
    matmul_f(D, K, N, x, 1, D, dy, K, 1, dw, K);
    for (ptrdiff_t k = 0; k < K; k++)
        db[k] = 0.0f;
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            db[k] += dy[n * K + k];
    }
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

/* dense_forward_f in double. */
void dense_forward_d(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const double *restrict x,
        const double *restrict w, const double *restrict b, double *restrict y)
{
    matmul_d(N, K, D, x, D, 1, w, K, 1, y, K);
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
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
    matmul_d(N, D, K, dy, K, 1, w, 1, K, dx, D);
    matmul_d(D, K, N, x, 1, D, dy, K, 1, dw, K);
    for (ptrdiff_t k = 0; k < K; k++)
        db[k] = 0.0;
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            db[k] += dy[n * K + k];
    }
}
