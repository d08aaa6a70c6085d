"""Squares and other losses."""

from identities.case import Case, Twin
from identities.cross_entropy import ROWS

RESIDUALS = "r[n] = sum(x[n,d]*w[d], d) - y[n]"

CASES = (
    Case(
        "least squares: gradient",
        "diff(L, w[d]) = 2*sum(x[n,d]*r[n], n)",
        (
            Twin("factor 2", "diff(L, w[d]) = sum(x[n,d]*r[n], n)"),
            Twin("sign", "diff(L, w[d]) = -2*sum(x[n,d]*r[n], n)"),
        ),
        (RESIDUALS, "L = sum(r[n]**2, n)"),
    ),
    Case(
        "least squares: gradient by XᵀX w - Xᵀy",
        "diff(L, w[d]) = 2*(sum(x[n,d]*x[n,e]*w[e], n, e) - sum(x[n,d]*y[n], n))",
        (
            Twin("sign", "diff(L, w[d]) = 2*(sum(x[n,d]*x[n,e]*w[e], n, e) + sum(x[n,d]*y[n], n))"),
            Twin("X Xᵀ", "diff(L, w[d]) = 2*(sum(x[d,n]*x[e,n]*w[e], n, e) - sum(x[n,d]*y[n], n))"),
        ),
        (RESIDUALS, "L = sum(r[n]**2, n)"),
    ),
    Case(
        "least squares: the normal equations make the gradient 0",
        "diff(L, w[d]) = 0",
        (Twin("without them", "diff(L, w[d]) = 0", ()), Twin("the loss too", "L = 0")),
        (RESIDUALS, "L = sum(r[n]**2, n)"),
        ("sum(x[n,d]*x[n,e]*w[e], n, e) = sum(x[n,d]*y[n], n)",),
    ),
    Case(
        "least squares: Hessian",
        "diff(diff(L, w[d]), w[e]) = 2*sum(x[n,d]*x[n,e], n)",
        (
            Twin("factor 2", "diff(diff(L, w[d]), w[e]) = sum(x[n,d]*x[n,e], n)"),
            Twin("sum forgotten", "diff(diff(L, w[d]), w[e]) = 2*sum(x[n,d], n)*sum(x[n,e], n)"),
        ),
        (RESIDUALS, "L = sum(r[n]**2, n)"),
    ),
    Case(
        "ridge regression",
        "diff(L, w[d]) = 2*sum(x[n,d]*r[n], n) + 2*lam*w[d]",
        (
            Twin("factor 2", "diff(L, w[d]) = 2*sum(x[n,d]*r[n], n) + lam*w[d]"),
            Twin("sign", "diff(L, w[d]) = 2*sum(x[n,d]*r[n], n) - 2*lam*w[d]"),
        ),
        (RESIDUALS, "L = sum(r[n]**2, n) + lam*sum(w[d]**2, d)"),
    ),
    Case(
        "linear and mean squared error",
        "diff(L, w[d,k]) = 2*sum(x[n,d]*(y[n,k] - t[n,k]), n) / (N*K)",
        (
            Twin("K forgotten", "diff(L, w[d,k]) = 2*sum(x[n,d]*(y[n,k] - t[n,k]), n) / N"),
            Twin("factor 2", "diff(L, w[d,k]) = sum(x[n,d]*(y[n,k] - t[n,k]), n) / (N*K)"),
            Twin("data forgotten", "diff(L, w[d,k]) = 2*sum(y[n,k] - t[n,k], n) / (N*K)"),
        ),
        ("y = dense(x, w, b)", "L = mse(y, t)"),
    ),
    Case(
        "linear, softmax and cross-entropy",
        "diff(L, w[d,k]) = sum(x[n,d]*(p[n,k] - t[n,k]), n) / N",
        (
            Twin("1/N forgotten", "diff(L, w[d,k]) = sum(x[n,d]*(p[n,k] - t[n,k]), n)"),
            Twin("data forgotten", "diff(L, w[d,k]) = sum(p[n,k] - t[n,k], n) / N"),
        ),
        ("z = dense(x, w, b)", "p = softmax(z)", "L = cce(p, t)"),
        (ROWS,),
    ),
    Case(
        "mean squared error",
        "diff(L, y[n,k]) = 2*(y[n,k] - t[n,k]) / (N*K)",
        (
            Twin("factor 2", "diff(L, y[n,k]) = (y[n,k] - t[n,k]) / (N*K)"),
            Twin("K forgotten", "diff(L, y[n,k]) = 2*(y[n,k] - t[n,k]) / N"),
            Twin("sign", "diff(L, y[n,k]) = 2*(t[n,k] - y[n,k]) / (N*K)"),
        ),
        ("L = mse(y, t)",),
    ),
    Case(
        "Poisson loss on the logarithm of the rate",
        "diff(L, z[n]) = (exp(z[n]) - t[n]) / N",
        (
            Twin("exp forgotten", "diff(L, z[n]) = (z[n] - t[n]) / N"),
            Twin("1/N forgotten", "diff(L, z[n]) = exp(z[n]) - t[n]"),
        ),
        ("L = mean(exp(z[n]) - t[n]*z[n], n)",),
    ),
    Case(
        "gaussian negative log-likelihood: by the logarithm of the variance",
        "diff(L, s[n]) = (1 - (y[n] - u[n])**2/exp(s[n])) / (2*N)",
        (
            Twin("constant forgotten", "diff(L, s[n]) = -(y[n] - u[n])**2/exp(s[n]) / (2*N)"),
            Twin("as for a deviation", "diff(L, s[n]) = (1 - (y[n] - u[n])**2/exp(2*s[n])) / (2*N)"),
        ),
        ("L = mean(s[n]/2 + (y[n] - u[n])**2/(2*exp(s[n])), n)",),
    ),
    Case(
        "Dice loss",
        "diff(L, p[n]) = -2*t[n]/u + 2*sum(p[m]*t[m], m)/u**2",
        (
            Twin("quotient rule forgotten", "diff(L, p[n]) = -2*t[n]/u"),
            Twin("sign", "diff(L, p[n]) = -2*t[n]/u - 2*sum(p[m]*t[m], m)/u**2"),
        ),
        ("u = sum(p[n], n) + sum(t[n], n)", "L = 1 - 2*sum(p[n]*t[n], n)/u"),
    ),
    Case(
        "radial basis function",
        "diff(f, x[d]) = -2*c*(x[d] - y[d])*f",
        (Twin("factor 2", "diff(f, x[d]) = -c*(x[d] - y[d])*f"), Twin("sign", "diff(f, x[d]) = 2*c*(x[d] - y[d])*f")),
        ("f = exp(-c*sum((x[d] - y[d])**2, d))",),
    ),
)
