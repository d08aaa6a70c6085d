"""The product of matrices in C, as text: parts of the factors are packed, and multiplied tile by tile.

The words that begin with ``@`` are those of ``codegen.c_precisions``. A tile of six rows adds up in registers, as wide
as these are; zeros fill up a tile at the edges, and what is multiplied with them is not used.
"""

PACK = """\
/* As many columns as a tile has, and as many steps along both factors and rows as are packed at once. */
#ifdef __AVX512F__
enum { wide@_ = 128 / sizeof(@real) };
#else
enum { wide@_ = 64 / sizeof(@real) };
#endif
enum { high@_ = 6, deep@_ = 128, rows@_ = 32 * high@_ };

/* to[p * width + i] = from[i * across + p * along] for i < count, 0 for the others: what a tile reads in a row. */
static void pack@_(ptrdiff_t width, ptrdiff_t count, ptrdiff_t depth, const @real *restrict from, ptrdiff_t across,
        ptrdiff_t along, @real *restrict to)
{
    for (ptrdiff_t p = 0; count < width && p < depth; p++)
        for (ptrdiff_t i = count; i < width; i++)
            to[p * width + i] = 0.0@f;
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
"""

TILE = """\
/* sums = a b of packed a and b; the sums stay in registers. */
static void tile@_(ptrdiff_t depth, const @real *restrict a, const @real *restrict b, @real *restrict sums)
{
    @real own[high@_][wide@_] = {{0}};
    for (ptrdiff_t p = 0; p < depth; p++)
        for (int r = 0; r < high@_; r++) {
#pragma omp simd
            for (int c = 0; c < wide@_; c++)
                own[r][c] += a[p * high@_ + r] * b[p * wide@_ + c];
        }
    for (int r = 0; r < high@_; r++)
        for (int c = 0; c < wide@_; c++)
            sums[r * wide@_ + c] = own[r][c];
}
"""

MATMUL = """\
/* c = a b, of matrices of which the steps from row to row and from column to column are given; c's columns have step 1.
 * Parts of a and b that stay in the caches are packed, and multiplied tile by tile. */
static void matmul@_(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const @real *restrict a, ptrdiff_t a_row,
        ptrdiff_t a_column, const @real *restrict b, ptrdiff_t b_row, ptrdiff_t b_column, @real *restrict c,
        ptrdiff_t c_row)
{
#pragma omp parallel for
    for (ptrdiff_t top = 0; top < rows; top += rows@_) {
        @real left[rows@_ * deep@_], right[deep@_ * wide@_], sums[high@_ * wide@_];
        const ptrdiff_t bottom = rows - top < rows@_ ? rows : top + rows@_;
        for (ptrdiff_t i = top; i < bottom; i++)
            for (ptrdiff_t j = 0; j < columns; j++)
                c[i * c_row + j] = 0.0@f;
        for (ptrdiff_t from = 0; from < depth; from += deep@_) {
            const ptrdiff_t steps = depth - from < deep@_ ? depth - from : deep@_;
            for (ptrdiff_t i = top; i < bottom; i += high@_) {
                const ptrdiff_t down = bottom - i < high@_ ? bottom - i : high@_;
                const @real *strip = a + i * a_row + from * a_column;
                pack@_(high@_, down, steps, strip, a_row, a_column, left + (i - top) * steps);
            }
            for (ptrdiff_t j = 0; j < columns; j += wide@_) {
                const ptrdiff_t across = columns - j < wide@_ ? columns - j : wide@_;
                pack@_(wide@_, across, steps, b + from * b_row + j * b_column, b_column, b_row, right);
                for (ptrdiff_t i = top; i < bottom; i += high@_) {
                    const ptrdiff_t down = bottom - i < high@_ ? bottom - i : high@_;
                    tile@_(steps, left + (i - top) * steps, right, sums);
                    for (ptrdiff_t r = 0; r < down; r++)
                        for (ptrdiff_t s = 0; s < across; s++)
                            c[(i + r) * c_row + j + s] += sums[r * wide@_ + s];
                }
            }
        }
    }
}
"""
