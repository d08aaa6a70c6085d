"""Means, variances and sums of squares."""

from identities.case import Case, Twin

CASES = (
    Case(
        "variance two ways",
        "mean((x[i] - mean(x[j], j))**2, i) = mean(x[i]**2, i) - mean(x[i], i)**2",
        (
            Twin("sign", "mean((x[i] - mean(x[j], j))**2, i) = mean(x[i]**2, i) + mean(x[i], i)**2"),
            Twin("square forgotten", "mean((x[i] - mean(x[j], j))**2, i) = mean(x[i]**2, i) - mean(x[i], i)"),
            Twin("sum for mean", "mean((x[i] - mean(x[j], j))**2, i) = mean(x[i]**2, i) - sum(x[i], i)**2"),
            Twin("mean of squares is square of mean", "mean(x[i]**2, i) = mean(x[i], i)**2"),
        ),
    ),
    Case(
        "unbiased variance two ways",
        "sum((x[i] - u)**2, i)/(N - 1) = (sum(x[i]**2, i) - N*u**2)/(N - 1)",
        (
            Twin("N forgotten", "sum((x[i] - u)**2, i)/(N - 1) = (sum(x[i]**2, i) - u**2)/(N - 1)"),
            Twin("biased", "sum((x[i] - u)**2, i)/(N - 1) = (sum(x[i]**2, i) - N*u**2)/N"),
        ),
        ("u = mean(x[n], n)",),
    ),
    Case(
        "variance by all pairs",
        "sum((x[n] - x[m])**2, n, m)/(2*N**2) = mean(x[n]**2, n) - mean(x[n], n)**2",
        (
            Twin("pairs counted twice", "sum((x[n] - x[m])**2, n, m)/N**2 = mean(x[n]**2, n) - mean(x[n], n)**2"),
            Twin("N for N²", "sum((x[n] - x[m])**2, n, m)/(2*N) = mean(x[n]**2, n) - mean(x[n], n)**2"),
        ),
    ),
    Case(
        "covariance two ways",
        "mean((x[i] - mean(x[j], j))*(y[i] - mean(y[j], j)), i) = mean(x[i]*y[i], i) - mean(x[i], i)*mean(y[i], i)",
        (
            Twin(
                "sum for mean",
                "mean((x[i] - mean(x[j], j))*(y[i] - mean(y[j], j)), i) "
                "= mean(x[i]*y[i], i) - sum(x[i], i)*mean(y[i], i)",
            ),
            Twin("mean of products is product of means", "mean(x[i]*y[i], i) = mean(x[i], i)*mean(y[i], i)"),
        ),
    ),
    Case(
        "covariance: centring one is enough",
        "mean((x[i] - mean(x[j], j))*(y[i] - mean(y[j], j)), i) = mean((x[i] - mean(x[j], j))*y[i], i)",
        (Twin("centring none", "mean((x[i] - mean(x[j], j))*(y[i] - mean(y[j], j)), i) = mean(x[i]*y[i], i)"),),
    ),
    Case(
        "bias and variance",
        "mean((x[i] - c)**2, i) = v + (u - c)**2",
        (
            Twin("bias forgotten", "mean((x[i] - c)**2, i) = v"),
            Twin("mixed term", "mean((x[i] - c)**2, i) = v + u**2 - c**2"),
        ),
        ("u = mean(x[i], i)", "v = mean((x[i] - u)**2, i)"),
    ),
    Case(
        "gradient of the variance",
        "diff(v, x[k]) = 2*(x[k] - u)/N",
        (
            Twin("mean differentiated too few times", "diff(v, x[k]) = 2*(x[k] - u)*(1 - 1/N)/N"),
            Twin("factor 2", "diff(v, x[k]) = (x[k] - u)/N"),
            Twin("mean forgotten", "diff(v, x[k]) = 2*x[k]/N"),
        ),
        ("u = mean(x[n], n)", "v = mean((x[n] - u)**2, n)"),
    ),
    Case(
        "deviations from the mean sum to 0",
        "sum(x[i] - mean(x[j], j), i) = 0",
        (
            Twin("their sizes", "sum(abs(x[i] - mean(x[j], j)), i) = 0"),
            Twin("their squares", "sum((x[i] - mean(x[j], j))**2, i) = 0"),
        ),
    ),
    Case(
        "squared distances by the Gram matrix",
        "sum((x[n,d] - y[m,d])**2, d) = sum(x[n,d]**2, d) + sum(y[m,d]**2, d) - 2*sum(x[n,d]*y[m,d], d)",
        (
            Twin(
                "factor 2",
                "sum((x[n,d] - y[m,d])**2, d) = sum(x[n,d]**2, d) + sum(y[m,d]**2, d) - sum(x[n,d]*y[m,d], d)",
            ),
            Twin("mixed term forgotten", "sum((x[n,d] - y[m,d])**2, d) = sum(x[n,d]**2, d) + sum(y[m,d]**2, d)"),
        ),
    ),
    Case(
        "Lagrange's identity",
        "sum((a[i]*b[j] - a[j]*b[i])**2, i, j)/2 = sum(a[i]**2, i)*sum(b[j]**2, j) - sum(a[i]*b[i], i)**2",
        (
            Twin(
                "pairs counted twice",
                "sum((a[i]*b[j] - a[j]*b[i])**2, i, j) = sum(a[i]**2, i)*sum(b[j]**2, j) - sum(a[i]*b[i], i)**2",
            ),
            Twin("Cauchy-Schwarz as an equation", "sum(a[i]**2, i)*sum(b[j]**2, j) = sum(a[i]*b[i], i)**2"),
        ),
    ),
    Case(
        "the exponential of a sum is a product, the logarithm of none",
        "log(exp(a)*exp(b)) = a + b",
        (
            Twin("Jensen as an equation", "log((exp(a) + exp(b))/2) = (a + b)/2"),
            Twin("logarithm of a sum", "log(exp(a) + exp(b)) = a + b"),
        ),
    ),
    Case(
        "squares and absolute values",
        "sqrt(x**2)*sign(x) = x",
        (Twin("sign forgotten", "sqrt(x**2) = x"), Twin("even", "sqrt(x**2)*sign(x) = abs(x)")),
    ),
    Case(
        "the root of a square of a positive number",
        "sqrt(x[n]**2) = x[n]",
        (Twin("of any number", "sqrt(x[n]**2) = x[n]", ()), Twin("sign", "sqrt(x[n]**2) = -x[n]")),
        given=("x[n] > 0",),
    ),
)
