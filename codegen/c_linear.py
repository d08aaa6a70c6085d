"""Systems of linear equations in C, as text: a matrix is factored in its place, and solved with as often as needed.

The words that begin with ``@`` are those of ``codegen.c_precisions``. Rows are run along throughout, in strips that
stay in the caches. Strips need nothing of each other, and threads share them.
"""

SWAP = """\
/* As many columns as are eliminated before the others follow, and as many as follow at once. */
enum { block@_ = 32, strip@_ = 64 };

/* Two rows in each other's place. */
static void swap@_(ptrdiff_t count, @real *restrict a, @real *restrict b)
{
    for (ptrdiff_t j = 0; j < count; j++) {
        const @real number = a[j];
        a[j] = b[j];
        b[j] = number;
    }
}

/* Takes multiples of a row from another. */
static void take@_(ptrdiff_t count, @real multiple, const @real *restrict from, @real *restrict to)
{
#pragma omp simd
    for (ptrdiff_t j = 0; j < count; j++)
        to[j] -= multiple * from[j];
}
"""

FACTOR = """\
/* A = L U in the place of A, its rows swapped so that the largest number of a column is divided by: row k was swapped
 * with row swaps[k]. U is on and above the diagonal, L, whose diagonal is 1, below. Returns 1 if A has no inverse. */
static int factor@_(ptrdiff_t n, @real *restrict a, ptrdiff_t *restrict swaps)
{
    int is_singular = 0;
    for (ptrdiff_t from = 0; from < n; from += block@_) {
        const ptrdiff_t to = n - from < block@_ ? n : from + block@_;
        for (ptrdiff_t k = from; k < to; k++) {
            @real largest = fabs@f(a[k * n + k]);
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
                swap@_(n, a + k * n, a + best * n);
            if (largest == 0.0@f) {
                is_singular = 1;
                continue;
            }
            for (ptrdiff_t i = k + 1; i < n; i++) {
                a[i * n + k] /= a[k * n + k];
                take@_(to - k - 1, a[i * n + k], a + k * n + k + 1, a + i * n + k + 1);
            }
        }
#pragma omp parallel for
        for (ptrdiff_t j = to; j < n; j += strip@_) {
            const ptrdiff_t count = n - j < strip@_ ? n - j : strip@_;
            for (ptrdiff_t i = from + 1; i < n; i++)
                for (ptrdiff_t k = from; k < i && k < to; k++)
                    take@_(count, a[i * n + k], a + k * n + j, a + i * n + j);
        }
    }
    return is_singular;
}
"""

SUBSTITUTE = """\
/* L X = B, X in the place of B, of which count columns lie in rows that are step apart. L is what stands below the
 * diagonal of a, with steps from row to row and from column to column; its own diagonal is that of a, or 1 if is_unit. */
static void substitute_down@_(ptrdiff_t n, const @real *restrict a, ptrdiff_t row, ptrdiff_t column, int is_unit,
        ptrdiff_t count, ptrdiff_t step, @real *restrict x)
{
    for (ptrdiff_t from = 0; from < n; from += block@_) {
        const ptrdiff_t to = n - from < block@_ ? n : from + block@_;
        for (ptrdiff_t i = from; i < n; i++) {
            for (ptrdiff_t k = from; k < to && k < i; k++)
                take@_(count, a[i * row + k * column], x + k * step, x + i * step);
            if (i < to && !is_unit)
                for (ptrdiff_t j = 0; j < count; j++)
                    x[i * step + j] /= a[i * row + i * column];
        }
    }
}

/* The same of U, which stands above the diagonal. */
static void substitute_up@_(ptrdiff_t n, const @real *restrict a, ptrdiff_t row, ptrdiff_t column, int is_unit,
        ptrdiff_t count, ptrdiff_t step, @real *restrict x)
{
    for (ptrdiff_t from, to = n; to > 0; to = from) {
        from = to < block@_ ? 0 : to - block@_;
        for (ptrdiff_t i = to - 1; i >= 0; i--) {
            for (ptrdiff_t k = i < from ? from : i + 1; k < to; k++)
                take@_(count, a[i * row + k * column], x + k * step, x + i * step);
            if (i >= from && !is_unit)
                for (ptrdiff_t j = 0; j < count; j++)
                    x[i * step + j] /= a[i * row + i * column];
        }
    }
}
"""

SOLVE = """\
/* A X = B, X in the place of B; a and swaps are what factor@_ made of A. */
static void solve@_(ptrdiff_t n, ptrdiff_t columns, const @real *restrict a, const ptrdiff_t *restrict swaps,
        @real *restrict x)
{
#pragma omp parallel for
    for (ptrdiff_t j = 0; j < columns; j += strip@_) {
        const ptrdiff_t count = columns - j < strip@_ ? columns - j : strip@_;
        for (ptrdiff_t k = 0; k < n; k++)
            if (swaps[k] != k)
                swap@_(count, x + k * columns + j, x + swaps[k] * columns + j);
        substitute_down@_(n, a, n, 1, 1, count, columns, x + j);
        substitute_up@_(n, a, n, 1, 0, count, columns, x + j);
    }
}
"""

SOLVE_TRANSPOSED = """\
/* A^T X = B, X in the place of B; a and swaps are what factor@_ made of A. */
static void solve_transposed@_(ptrdiff_t n, ptrdiff_t columns, const @real *restrict a,
        const ptrdiff_t *restrict swaps, @real *restrict x)
{
#pragma omp parallel for
    for (ptrdiff_t j = 0; j < columns; j += strip@_) {
        const ptrdiff_t count = columns - j < strip@_ ? columns - j : strip@_;
        substitute_down@_(n, a, 1, n, 0, count, columns, x + j);
        substitute_up@_(n, a, 1, n, 1, count, columns, x + j);
        for (ptrdiff_t k = n - 1; k >= 0; k--)
            if (swaps[k] != k)
                swap@_(count, x + k * columns + j, x + swaps[k] * columns + j);
    }
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
