"""Systems of linear equations in C, as text: a matrix is factored in its place, and solved with as often as needed.

The words that begin with ``@`` are those of ``codegen.c_precisions``. Rows are run along throughout, in strips that
stay in the caches. Strips need nothing of each other, and threads share them.
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

/* As many columns as are eliminated before the others follow, and as many as follow at once. */
enum { block@_ = 32, strip@_ = 256 / sizeof(@real) };

/* Takes multiples of rows from a row: to -= m from, with a row m of depth numbers that are apart, and as many rows in
 * from that are step apart. The sums of a whole strip stay in registers. */
static void take@_(ptrdiff_t count, ptrdiff_t depth, const @real *m, ptrdiff_t apart, const @real *from,
        ptrdiff_t step, @real *restrict to)
{
    if (count == strip@_) {
        @real sums[strip@_] = {0};
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (int j = 0; j < strip@_; j++)
                sums[j] += m[p * apart] * from[p * step + j];
        }
        for (int j = 0; j < strip@_; j++)
            to[j] -= sums[j];
    } else
        for (ptrdiff_t p = 0; p < depth; p++) {
#pragma omp simd
            for (ptrdiff_t j = 0; j < count; j++)
                to[j] -= m[p * apart] * from[p * step + j];
        }
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
                take@_(to - k - 1, 1, a + i * n + k, 1, a + k * n + k + 1, n, a + i * n + k + 1);
            }
        }
#pragma omp parallel for
        for (ptrdiff_t j = to; j < n; j += strip@_) {
            const ptrdiff_t count = n - j < strip@_ ? n - j : strip@_;
            for (ptrdiff_t i = from + 1; i < n; i++) {
                const ptrdiff_t depth = (i < to ? i : to) - from;
                take@_(count, depth, a + i * n + from, 1, a + from * n + j, n, a + i * n + j);
            }
        }
    }
    return is_singular;
}
"""

SUBSTITUTE = """\
/* L X = B, X in the place of B, of which count columns lie in rows that are step apart. L is what stands below the
 * diagonal of a, with steps from row to row and from column to column. Its own diagonal is that of a, or is_unit. */
static void substitute_down@_(ptrdiff_t n, const @real *restrict a, ptrdiff_t row, ptrdiff_t column, int is_unit,
        ptrdiff_t count, ptrdiff_t step, @real *restrict x)
{
    for (ptrdiff_t from = 0; from < n; from += block@_) {
        const ptrdiff_t to = n - from < block@_ ? n : from + block@_;
        for (ptrdiff_t i = from; i < n; i++) {
            const ptrdiff_t depth = (i < to ? i : to) - from;
            take@_(count, depth, a + i * row + from * column, column, x + from * step, step, x + i * step);
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
            const ptrdiff_t k = i < from ? from : i + 1;
            take@_(count, to - k, a + i * row + k * column, column, x + k * step, step, x + i * step);
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
