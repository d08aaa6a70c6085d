"""Functions of matrices."""

from derive.record import Record

PLACE = 80
GILES = "Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008"
COOKBOOK = "Petersen and Pedersen, The Matrix Cookbook, 2012"

RECORDS = (
    Record(
        name="inv",
        group="matrix functions",
        title="inverse of a matrix",
        definition="y[i,j] = inv(a[p,q], p, q)[i,j]",
        source=f"{GILES}, section 2.2.3",
    ),
    Record(
        name="solve",
        group="matrix functions",
        title="solution of linear equations, one right side",
        definition="x[i] = sum(inv(a[p,q], p, q)[i,j] * b[j], j)",
        source=f"{GILES}, section 2.3.1",
    ),
    Record(
        name="solve-columns",
        group="matrix functions",
        title="solution of linear equations, a right side a column",
        definition="x[i,k] = sum(inv(a[p,q], p, q)[i,j] * b[j,k], j)",
        source=f"{GILES}, section 2.3.1",
    ),
    Record(
        name="det",
        group="matrix functions",
        title="determinant",
        definition="y = det(a[i,j], i, j)",
        source=f"{GILES}, section 2.2.4",
    ),
    Record(
        name="logdet",
        group="matrix functions",
        title="logarithm of a determinant's absolute value",
        definition="y = logdet(a[i,j], i, j)",
        source=f"{COOKBOOK}, section 2.1",
    ),
    Record(
        name="trace",
        group="matrix functions",
        title="trace of a matrix",
        definition="y = sum(a[i,i], i)",
        source=f"{COOKBOOK}, section 2.5",
    ),
    Record(
        name="quadratic-form",
        group="matrix functions",
        title="quadratic form",
        definition="y = sum(x[i] * a[i,j] * x[j], i, j)",
        source=f"{COOKBOOK}, section 2.4",
    ),
    Record(
        name="multivariate-normal-nll",
        group="matrix functions",
        title="negative log-likelihood of a normal distribution with a full covariance matrix",
        definition=(
            "r[n,i] = x[n,i] - m[i]; s[n,i] = sum(inv(c[p,q], p, q)[i,j] * r[n,j], j); "
            "L = mean(sum(r[n,i] * s[n,i], i), n)/2 + logdet(c[p,q], p, q)/2 + I/2 * log(2*pi)"
        ),
        source="Bishop, Pattern Recognition and Machine Learning, Springer 2006, section 2.3.4",
    ),
)
