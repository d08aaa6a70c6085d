"""Systems of linear equations in C, as text: a matrix is factored in its place, and solved with as often as needed.

The words that begin with ``@`` are those of ``codegen.c_precisions``.
"""

SWAP = """\
/* Two rows in each other's place. */
static void swap@_(ptrdiff_t count, @real *restrict a, @real *restrict b)
{
    for (ptrdiff_t j = 0; j < count; j++) {
        const @real number = a[j];
        a[j] = b[j];
        b[j] = number;
    }
}
"""

FACTOR = """\
/* A = L U in the place of A, its rows swapped so that the largest number of a column is divided by: row k was swapped
 * with row swaps[k]. U is on and above the diagonal, L, whose diagonal is 1, below. Returns 1 if A has no inverse. */
static int factor@_(ptrdiff_t n, @real *restrict a, ptrdiff_t *restrict swaps)
{
    int is_singular = 0;
    for (ptrdiff_t k = 0; k < n; k++) {
        @real *top = a + k * n;
        @real largest = fabs@f(top[k]);
        ptrdiff_t best = k;
        for (ptrdiff_t i = k + 1; i < n; i++) {
            const @real size = fabs@f(a[i * n + k]);
            if (size > largest || size != size) {
                largest = size;
                best = i;
            }
        }
        swaps[k] = best;
        if (best != k)
            swap@_(n, top, a + best * n);
        if (largest == 0.0@f) {
            is_singular = 1;
            continue;
        }
        for (ptrdiff_t i = k + 1; i < n; i++) {
            @real *row = a + i * n;
            row[k] /= top[k];
#pragma omp simd
            for (ptrdiff_t j = k + 1; j < n; j++)
                row[j] -= row[k] * top[j];
        }
    }
    return is_singular;
}
"""

SOLVE = """\
/* A X = B, X in the place of B; a and swaps are what factor@_ made of A. */
static void solve@_(ptrdiff_t n, ptrdiff_t columns, const @real *restrict a, const ptrdiff_t *restrict swaps,
        @real *restrict x)
{
    for (ptrdiff_t k = 0; k < n; k++)
        if (swaps[k] != k)
            swap@_(columns, x + k * columns, x + swaps[k] * columns);
    for (ptrdiff_t i = 1; i < n; i++)
        for (ptrdiff_t k = 0; k < i; k++)
#pragma omp simd
            for (ptrdiff_t j = 0; j < columns; j++)
                x[i * columns + j] -= a[i * n + k] * x[k * columns + j];
    for (ptrdiff_t i = n - 1; i >= 0; i--) {
        for (ptrdiff_t k = i + 1; k < n; k++)
#pragma omp simd
            for (ptrdiff_t j = 0; j < columns; j++)
                x[i * columns + j] -= a[i * n + k] * x[k * columns + j];
#pragma omp simd
        for (ptrdiff_t j = 0; j < columns; j++)
            x[i * columns + j] /= a[i * n + i];
    }
}
"""

SOLVE_TRANSPOSED = """\
/* A^T X = B, X in the place of B; a and swaps are what factor@_ made of A. */
static void solve_transposed@_(ptrdiff_t n, ptrdiff_t columns, const @real *restrict a,
        const ptrdiff_t *restrict swaps, @real *restrict x)
{
    for (ptrdiff_t k = 0; k < n; k++) {
#pragma omp simd
        for (ptrdiff_t j = 0; j < columns; j++)
            x[k * columns + j] /= a[k * n + k];
        for (ptrdiff_t i = k + 1; i < n; i++)
#pragma omp simd
            for (ptrdiff_t j = 0; j < columns; j++)
                x[i * columns + j] -= a[k * n + i] * x[k * columns + j];
    }
    for (ptrdiff_t k = n - 1; k > 0; k--)
        for (ptrdiff_t i = 0; i < k; i++)
#pragma omp simd
            for (ptrdiff_t j = 0; j < columns; j++)
                x[i * columns + j] -= a[k * n + i] * x[k * columns + j];
    for (ptrdiff_t k = n - 1; k >= 0; k--)
        if (swaps[k] != k)
            swap@_(columns, x + k * columns, x + swaps[k] * columns);
}
"""

DETERMINANT = """\
/* The determinant of A; a and swaps are what factor@_ made of it. Powers of 2 are kept apart, so that no part of the
 * product overflows or vanishes if the whole does not. */
static @real determinant@_(ptrdiff_t n, const @real *restrict a, const ptrdiff_t *restrict swaps)
{
    @real product = 1.0@f;
    int power = 0;
    for (ptrdiff_t k = 0; k < n; k++) {
        int more = 0, less = 0;
        product *= frexp@f(swaps[k] == k ? a[k * n + k] : -a[k * n + k], &more);
        product = frexp@f(product, &less);
        power += more + less;
    }
    return ldexp@f(product, power);
}
"""
