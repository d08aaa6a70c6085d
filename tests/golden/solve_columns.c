/* Forward and backward passes in C: solve-columns.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * solve-columns: solution of linear equations, a right side a column
 *     x[i,k] = sum(b[j,k]*inv(a[p,q], p, q)[i,j], j)
 *     Source: Giles, Collected matrix derivative results for forward and reverse mode algorithmic
 *         differentiation, 2008, section 2.3.1
 */

#include <math.h>
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

/* Two rows in each other's place. */
static void swap_f(ptrdiff_t count, float *restrict a, float *restrict b)
{
    for (ptrdiff_t j = 0; j < count; j++) {
        const float number = a[j];
        a[j] = b[j];
        b[j] = number;
    }
}

/* As many columns as are eliminated before the others follow, and as many as follow at once. */
enum { block_f = 32, strip_f = 256 / sizeof(float) };

/* Takes multiples of rows from a row: to -= m from, with a row m of depth numbers that are apart, and as many rows in
 * from that are step apart. The sums of a whole strip stay in registers. */
static void take_f(ptrdiff_t count, ptrdiff_t depth, const float *m, ptrdiff_t apart, const float *from,
        ptrdiff_t step, float *restrict to)
{
    if (count == strip_f) {
        float sums[strip_f] = {0};
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (int j = 0; j < strip_f; j++)
                sums[j] += m[p * apart] * from[p * step + j];
        }
        for (int j = 0; j < strip_f; j++)
            to[j] -= sums[j];
    } else
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (ptrdiff_t j = 0; j < count; j++)
                to[j] -= m[p * apart] * from[p * step + j];
        }
}

/* A = L U in the place of A, its rows swapped so that the largest number of a column is divided by: row k was swapped
 * with row swaps[k]. U is on and above the diagonal, L, whose diagonal is 1, below. Returns 1 if A has no inverse. */
static int factor_f(ptrdiff_t n, float *restrict a, ptrdiff_t *restrict swaps)
{
    int is_singular = 0;
    for (ptrdiff_t from = 0; from < n; from += block_f) {
        const ptrdiff_t to = n - from < block_f ? n : from + block_f;
        for (ptrdiff_t k = from; k < to; k++) {
            float largest = fabsf(a[k * n + k]);
            ptrdiff_t best = k;
            for (ptrdiff_t i = k + 1; i < n; i++) {
                const float size = fabsf(a[i * n + k]);
                if (size > largest || size != size) {
                    largest = size;
                    best = i;
                }
            }
            swaps[k] = best;
            if (best != k)
                swap_f(n, a + k * n, a + best * n);
            if (largest == 0.0f) {
                is_singular = 1;
                continue;
            }
            for (ptrdiff_t i = k + 1; i < n; i++) {
                a[i * n + k] /= a[k * n + k];
                take_f(to - k - 1, 1, a + i * n + k, 1, a + k * n + k + 1, n, a + i * n + k + 1);
            }
        }
#pragma omp parallel for
        for (ptrdiff_t j = to; j < n; j += strip_f) {
            const ptrdiff_t count = n - j < strip_f ? n - j : strip_f;
            for (ptrdiff_t i = from + 1; i < n; i++) {
                const ptrdiff_t depth = (i < to ? i : to) - from;
                take_f(count, depth, a + i * n + from, 1, a + from * n + j, n, a + i * n + j);
            }
        }
    }
    return is_singular;
}

/* L X = B, X in the place of B, of which count columns lie in rows that are step apart. L is what stands below the
 * diagonal of a, with steps from row to row and from column to column. Its own diagonal is that of a, or is_unit. */
static void substitute_down_f(ptrdiff_t n, const float *restrict a, ptrdiff_t row, ptrdiff_t column, int is_unit,
        ptrdiff_t count, ptrdiff_t step, float *restrict x)
{
    for (ptrdiff_t from = 0; from < n; from += block_f) {
        const ptrdiff_t to = n - from < block_f ? n : from + block_f;
        for (ptrdiff_t i = from; i < n; i++) {
            const ptrdiff_t depth = (i < to ? i : to) - from;
            take_f(count, depth, a + i * row + from * column, column, x + from * step, step, x + i * step);
            if (i < to && !is_unit)
                for (ptrdiff_t j = 0; j < count; j++)
                    x[i * step + j] /= a[i * row + i * column];
        }
    }
}

/* The same of U, which stands above the diagonal. */
static void substitute_up_f(ptrdiff_t n, const float *restrict a, ptrdiff_t row, ptrdiff_t column, int is_unit,
        ptrdiff_t count, ptrdiff_t step, float *restrict x)
{
    for (ptrdiff_t from, to = n; to > 0; to = from) {
        from = to < block_f ? 0 : to - block_f;
        for (ptrdiff_t i = to - 1; i >= 0; i--) {
            const ptrdiff_t k = i < from ? from : i + 1;
            take_f(count, to - k, a + i * row + k * column, column, x + k * step, step, x + i * step);
            if (i >= from && !is_unit)
                for (ptrdiff_t j = 0; j < count; j++)
                    x[i * step + j] /= a[i * row + i * column];
        }
    }
}

/* A X = B, X in the place of B; a and swaps are what factor_f made of A. */
static void solve_f(ptrdiff_t n, ptrdiff_t columns, const float *restrict a, const ptrdiff_t *restrict swaps,
        float *restrict x)
{
#pragma omp parallel for
    for (ptrdiff_t j = 0; j < columns; j += strip_f) {
        const ptrdiff_t count = columns - j < strip_f ? columns - j : strip_f;
        for (ptrdiff_t k = 0; k < n; k++)
            if (swaps[k] != k)
                swap_f(count, x + k * columns + j, x + swaps[k] * columns + j);
        substitute_down_f(n, a, n, 1, 1, count, columns, x + j);
        substitute_up_f(n, a, n, 1, 0, count, columns, x + j);
    }
}

/* A^T X = B, X in the place of B; a and swaps are what factor_f made of A. */
static void solve_transposed_f(ptrdiff_t n, ptrdiff_t columns, const float *restrict a,
        const ptrdiff_t *restrict swaps, float *restrict x)
{
#pragma omp parallel for
    for (ptrdiff_t j = 0; j < columns; j += strip_f) {
        const ptrdiff_t count = columns - j < strip_f ? columns - j : strip_f;
        substitute_down_f(n, a, 1, n, 0, count, columns, x + j);
        substitute_up_f(n, a, 1, n, 1, count, columns, x + j);
        for (ptrdiff_t k = n - 1; k >= 0; k--)
            if (swaps[k] != k)
                swap_f(count, x + k * columns + j, x + swaps[k] * columns + j);
    }
}

/* Forward pass of solve-columns.
 *
 * Solution of linear equations, a right side a column.
 *
 * x[i,k] = sum(b[j,k]*inv(a[p,q], p, q)[i,j], j)
 *
 * Args:
 *     a: (I, I)
 *     b: (I, K)
 *
 * Returns:
 *     x: (I, K)
 *
 * work: memory for n_i * n_i numbers.
 *
 * places: memory for n_i whole numbers.
 *
 * The value is 1 if a matrix has no inverse, and the results are of no use then; 0 otherwise.
 */
int solve_columns_forward_f(ptrdiff_t n_i, ptrdiff_t K, const float *restrict a, const float *restrict b,
        float *restrict x, float *restrict work, ptrdiff_t *restrict places)
{
    float *restrict factors = work;
    ptrdiff_t *restrict swaps = places;
    int is_singular = 0;
    for (ptrdiff_t j = 0; j < n_i; j++) {
        for (ptrdiff_t i = 0; i < n_i; i++)
            factors[j * n_i + i] = a[j * n_i + i];
    }
    is_singular |= factor_f(n_i, factors, swaps);
    for (ptrdiff_t i = 0; i < n_i; i++) {
        for (ptrdiff_t k = 0; k < K; k++)
            x[i * K + k] = b[i * K + k];
    }
    solve_f(n_i, K, factors, swaps, x);
    return is_singular;
}

/* Backward pass of solve-columns.
 *
 * Solution of linear equations, a right side a column.
 *
 * x[i,k] = sum(b[j,k]*inv(a[p,q], p, q)[i,j], j)
 *
 * Gradients of a loss, given that of the output:
 *
 * da[p,q] = -sum(dx[i,k]*x[q,k]*inv(a[j,l], j, l)[i,p], i, k)
 * db[j,k] = sum(dx[i,k]*inv(a[p,q], p, q)[i,j], i)
 *
 * Args:
 *     dx: (I, K), the gradient of the loss with respect to x
 *     a: (I, I)
 *     x: (I, K), the output
 *
 * Returns:
 *     da: (I, I)
 *     db: (I, K)
 *
 * work: memory for n_i * n_i numbers.
 *
 * places: memory for n_i whole numbers.
 *
 * The value is 1 if a matrix has no inverse, and the results are of no use then; 0 otherwise.
 */
int solve_columns_backward_f(ptrdiff_t n_i, ptrdiff_t K, const float *restrict dx, const float *restrict a,
        const float *restrict x, float *restrict da, float *restrict db, float *restrict work,
        ptrdiff_t *restrict places)
{
    float *restrict factors = work;
    ptrdiff_t *restrict swaps = places;
    int is_singular = 0;
    for (ptrdiff_t p = 0; p < n_i; p++) {
        for (ptrdiff_t i = 0; i < n_i; i++)
            factors[p * n_i + i] = a[p * n_i + i];
    }
    is_singular |= factor_f(n_i, factors, swaps);
    for (ptrdiff_t p = 0; p < n_i; p++) {
        for (ptrdiff_t k = 0; k < K; k++)
            db[p * K + k] = dx[p * K + k];
    }
    solve_transposed_f(n_i, K, factors, swaps, db);
    matmul_f(n_i, n_i, K, db, K, 1, x, 1, K, da, n_i);
#pragma omp parallel for
    for (ptrdiff_t p = 0; p < n_i; p++) {
#pragma omp simd
        for (ptrdiff_t q = 0; q < n_i; q++)
            da[p * n_i + q] = -da[p * n_i + q];
    }
    return is_singular;
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

/* Two rows in each other's place. */
static void swap_d(ptrdiff_t count, double *restrict a, double *restrict b)
{
    for (ptrdiff_t j = 0; j < count; j++) {
        const double number = a[j];
        a[j] = b[j];
        b[j] = number;
    }
}

/* As many columns as are eliminated before the others follow, and as many as follow at once. */
enum { block_d = 32, strip_d = 256 / sizeof(double) };

/* Takes multiples of rows from a row: to -= m from, with a row m of depth numbers that are apart, and as many rows in
 * from that are step apart. The sums of a whole strip stay in registers. */
static void take_d(ptrdiff_t count, ptrdiff_t depth, const double *m, ptrdiff_t apart, const double *from,
        ptrdiff_t step, double *restrict to)
{
    if (count == strip_d) {
        double sums[strip_d] = {0};
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (int j = 0; j < strip_d; j++)
                sums[j] += m[p * apart] * from[p * step + j];
        }
        for (int j = 0; j < strip_d; j++)
            to[j] -= sums[j];
    } else
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (ptrdiff_t j = 0; j < count; j++)
                to[j] -= m[p * apart] * from[p * step + j];
        }
}

/* A = L U in the place of A, its rows swapped so that the largest number of a column is divided by: row k was swapped
 * with row swaps[k]. U is on and above the diagonal, L, whose diagonal is 1, below. Returns 1 if A has no inverse. */
static int factor_d(ptrdiff_t n, double *restrict a, ptrdiff_t *restrict swaps)
{
    int is_singular = 0;
    for (ptrdiff_t from = 0; from < n; from += block_d) {
        const ptrdiff_t to = n - from < block_d ? n : from + block_d;
        for (ptrdiff_t k = from; k < to; k++) {
            double largest = fabs(a[k * n + k]);
            ptrdiff_t best = k;
            for (ptrdiff_t i = k + 1; i < n; i++) {
                const double size = fabs(a[i * n + k]);
                if (size > largest || size != size) {
                    largest = size;
                    best = i;
                }
            }
            swaps[k] = best;
            if (best != k)
                swap_d(n, a + k * n, a + best * n);
            if (largest == 0.0) {
                is_singular = 1;
                continue;
            }
            for (ptrdiff_t i = k + 1; i < n; i++) {
                a[i * n + k] /= a[k * n + k];
                take_d(to - k - 1, 1, a + i * n + k, 1, a + k * n + k + 1, n, a + i * n + k + 1);
            }
        }
#pragma omp parallel for
        for (ptrdiff_t j = to; j < n; j += strip_d) {
            const ptrdiff_t count = n - j < strip_d ? n - j : strip_d;
            for (ptrdiff_t i = from + 1; i < n; i++) {
                const ptrdiff_t depth = (i < to ? i : to) - from;
                take_d(count, depth, a + i * n + from, 1, a + from * n + j, n, a + i * n + j);
            }
        }
    }
    return is_singular;
}

/* L X = B, X in the place of B, of which count columns lie in rows that are step apart. L is what stands below the
 * diagonal of a, with steps from row to row and from column to column. Its own diagonal is that of a, or is_unit. */
static void substitute_down_d(ptrdiff_t n, const double *restrict a, ptrdiff_t row, ptrdiff_t column, int is_unit,
        ptrdiff_t count, ptrdiff_t step, double *restrict x)
{
    for (ptrdiff_t from = 0; from < n; from += block_d) {
        const ptrdiff_t to = n - from < block_d ? n : from + block_d;
        for (ptrdiff_t i = from; i < n; i++) {
            const ptrdiff_t depth = (i < to ? i : to) - from;
            take_d(count, depth, a + i * row + from * column, column, x + from * step, step, x + i * step);
            if (i < to && !is_unit)
                for (ptrdiff_t j = 0; j < count; j++)
                    x[i * step + j] /= a[i * row + i * column];
        }
    }
}

/* The same of U, which stands above the diagonal. */
static void substitute_up_d(ptrdiff_t n, const double *restrict a, ptrdiff_t row, ptrdiff_t column, int is_unit,
        ptrdiff_t count, ptrdiff_t step, double *restrict x)
{
    for (ptrdiff_t from, to = n; to > 0; to = from) {
        from = to < block_d ? 0 : to - block_d;
        for (ptrdiff_t i = to - 1; i >= 0; i--) {
            const ptrdiff_t k = i < from ? from : i + 1;
            take_d(count, to - k, a + i * row + k * column, column, x + k * step, step, x + i * step);
            if (i >= from && !is_unit)
                for (ptrdiff_t j = 0; j < count; j++)
                    x[i * step + j] /= a[i * row + i * column];
        }
    }
}

/* A X = B, X in the place of B; a and swaps are what factor_d made of A. */
static void solve_d(ptrdiff_t n, ptrdiff_t columns, const double *restrict a, const ptrdiff_t *restrict swaps,
        double *restrict x)
{
#pragma omp parallel for
    for (ptrdiff_t j = 0; j < columns; j += strip_d) {
        const ptrdiff_t count = columns - j < strip_d ? columns - j : strip_d;
        for (ptrdiff_t k = 0; k < n; k++)
            if (swaps[k] != k)
                swap_d(count, x + k * columns + j, x + swaps[k] * columns + j);
        substitute_down_d(n, a, n, 1, 1, count, columns, x + j);
        substitute_up_d(n, a, n, 1, 0, count, columns, x + j);
    }
}

/* A^T X = B, X in the place of B; a and swaps are what factor_d made of A. */
static void solve_transposed_d(ptrdiff_t n, ptrdiff_t columns, const double *restrict a,
        const ptrdiff_t *restrict swaps, double *restrict x)
{
#pragma omp parallel for
    for (ptrdiff_t j = 0; j < columns; j += strip_d) {
        const ptrdiff_t count = columns - j < strip_d ? columns - j : strip_d;
        substitute_down_d(n, a, 1, n, 0, count, columns, x + j);
        substitute_up_d(n, a, 1, n, 1, count, columns, x + j);
        for (ptrdiff_t k = n - 1; k >= 0; k--)
            if (swaps[k] != k)
                swap_d(count, x + k * columns + j, x + swaps[k] * columns + j);
    }
}

/* solve_columns_forward_f in double. */
int solve_columns_forward_d(ptrdiff_t n_i, ptrdiff_t K, const double *restrict a, const double *restrict b,
        double *restrict x, double *restrict work, ptrdiff_t *restrict places)
{
    double *restrict factors = work;
    ptrdiff_t *restrict swaps = places;
    int is_singular = 0;
    for (ptrdiff_t j = 0; j < n_i; j++) {
        for (ptrdiff_t i = 0; i < n_i; i++)
            factors[j * n_i + i] = a[j * n_i + i];
    }
    is_singular |= factor_d(n_i, factors, swaps);
    for (ptrdiff_t i = 0; i < n_i; i++) {
        for (ptrdiff_t k = 0; k < K; k++)
            x[i * K + k] = b[i * K + k];
    }
    solve_d(n_i, K, factors, swaps, x);
    return is_singular;
}

/* solve_columns_backward_f in double. */
int solve_columns_backward_d(ptrdiff_t n_i, ptrdiff_t K, const double *restrict dx, const double *restrict a,
        const double *restrict x, double *restrict da, double *restrict db, double *restrict work,
        ptrdiff_t *restrict places)
{
    double *restrict factors = work;
    ptrdiff_t *restrict swaps = places;
    int is_singular = 0;
    for (ptrdiff_t p = 0; p < n_i; p++) {
        for (ptrdiff_t i = 0; i < n_i; i++)
            factors[p * n_i + i] = a[p * n_i + i];
    }
    is_singular |= factor_d(n_i, factors, swaps);
    for (ptrdiff_t p = 0; p < n_i; p++) {
        for (ptrdiff_t k = 0; k < K; k++)
            db[p * K + k] = dx[p * K + k];
    }
    solve_transposed_d(n_i, K, factors, swaps, db);
    matmul_d(n_i, n_i, K, db, K, 1, x, 1, K, da, n_i);
#pragma omp parallel for
    for (ptrdiff_t p = 0; p < n_i; p++) {
#pragma omp simd
        for (ptrdiff_t q = 0; q < n_i; q++)
            da[p * n_i + q] = -da[p * n_i + q];
    }
    return is_singular;
}
