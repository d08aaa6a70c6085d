"""Softmax or log-softmax and cross-entropy."""

from identities.case import Case, Twin

ROWS = "sum(t[n,k], k) = 1"

SOFTMAX_CCE = ("p = softmax(z)", "L = cce(p, t)")

#: One sample.
SOFTMAX = ("p[k] = exp(z[k]) / sum(exp(z[j]), j)",)

ONE_CCE = (*SOFTMAX, "L = -sum(t[k]*log(p[k]), k)")

CASES = (
    Case(
        "softmax and cross-entropy, any labels",
        "diff(L, z[n,k]) = (p[n,k]*sum(t[n,j], j) - t[n,k]) / N",
        (
            Twin("no sum of labels that sum to anything", "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / N"),
            Twin("1/N forgotten", "diff(L, z[n,k]) = p[n,k]*sum(t[n,j], j) - t[n,k]"),
        ),
        SOFTMAX_CCE,
    ),
    Case(
        "softmax and cross-entropy, rows of labels sum to 1",
        "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / N",
        (
            Twin("1/N forgotten", "diff(L, z[n,k]) = p[n,k] - t[n,k]"),
            Twin("sign", "diff(L, z[n,k]) = (t[n,k] - p[n,k]) / N"),
            Twin("K for N", "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / K"),
            Twin("softmax's Jacobian forgotten", "diff(L, z[n,k]) = -t[n,k] / (N*p[n,k])"),
        ),
        SOFTMAX_CCE,
        (ROWS,),
    ),
    Case(
        "softmax and cross-entropy, one-hot labels",
        "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / N",
        (
            Twin("the 1 at the wrong place", "diff(L, z[n,k]) = (p[n,k] - t[k,n]) / N"),
            Twin("only the labelled class", "diff(L, z[n,k]) = t[n,k]*(p[n,k] - 1) / N"),
        ),
        ("p = softmax(z)", "t[n,k] = [k = c[n]]", "L = cce(p, t)"),
    ),
    Case(
        "softmax and cross-entropy, sparse labels",
        "diff(L, z[n,k]) = (p[n,k] - delta(k, t[n])) / N",
        (
            Twin("delta forgotten", "diff(L, z[n,k]) = p[n,k] / N"),
            Twin("1/N forgotten", "diff(L, z[n,k]) = p[n,k] - delta(k, t[n])"),
            Twin("1 subtracted everywhere", "diff(L, z[n,k]) = (p[n,k] - 1) / N"),
        ),
        ("p = softmax(z)", "L = cce_sparse(p, t)"),
    ),
    Case(
        "label smoothing",
        "diff(L, z[n,k]) = (p[n,k] - (1 - e)*t[n,k] - e/K) / N",
        (
            Twin("smoothing forgotten", "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / N"),
            Twin("e for e/K", "diff(L, z[n,k]) = (p[n,k] - (1 - e)*t[n,k] - e) / N"),
            Twin("N for K", "diff(L, z[n,k]) = (p[n,k] - (1 - e)*t[n,k] - e/N) / N"),
        ),
        ("p = softmax(z)", "s[n,k] = (1 - e)*t[n,k] + e/K", "L = cce(p, s)"),
        (ROWS,),
    ),
    Case(
        "softmax with a temperature and cross-entropy",
        "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / (N*tau)",
        (
            Twin("temperature forgotten", "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / N"),
            Twin("temperature above the line", "diff(L, z[n,k]) = tau*(p[n,k] - t[n,k]) / N"),
        ),
        ("p[n,k] = exp(z[n,k]/tau) / sum(exp(z[n,j]/tau), j)", "L = cce(p, t)"),
        (ROWS,),
    ),
    Case(
        "cross-entropy with weights of the samples",
        "diff(L, z[n,k]) = w[n]*(p[n,k] - t[n,k]) / sum(w[m], m)",
        (
            Twin("divided by N", "diff(L, z[n,k]) = w[n]*(p[n,k] - t[n,k]) / N"),
            Twin("weight forgotten", "diff(L, z[n,k]) = (p[n,k] - t[n,k]) / sum(w[m], m)"),
        ),
        ("p = softmax(z)", "L = -sum(w[n]*t[n,k]*log(p[n,k]), n, k) / sum(w[n], n)"),
        (ROWS,),
    ),
    Case(
        "cross-entropy with weights of the classes",
        "diff(L, z[n,k]) = w[t[n]]*(p[n,k] - delta(k, t[n])) / N",
        (
            Twin("the weight of the wrong class", "diff(L, z[n,k]) = w[k]*(p[n,k] - delta(k, t[n])) / N"),
            Twin("weight forgotten", "diff(L, z[n,k]) = (p[n,k] - delta(k, t[n])) / N"),
        ),
        ("p = softmax(z)", "L = -sum(w[t[n]]*log(p[n,t[n]]), n) / N"),
    ),
    Case(
        "cross-entropy by probabilities",
        "diff(L, p[n,k]) = -t[n,k] / (N*p[n,k])",
        (
            Twin("sign", "diff(L, p[n,k]) = t[n,k] / (N*p[n,k])"),
            Twin("upside down", "diff(L, p[n,k]) = -p[n,k] / (N*t[n,k])"),
        ),
        ("L = cce(p, t)",),
    ),
    Case(
        "log-softmax and negative log-likelihood",
        "diff(L, z[n,k]) = (exp(l[n,k]) - delta(k, t[n])) / N",
        (
            Twin("exp forgotten", "diff(L, z[n,k]) = (l[n,k] - delta(k, t[n])) / N"),
            Twin("1/N forgotten", "diff(L, z[n,k]) = exp(l[n,k]) - delta(k, t[n])"),
        ),
        ("l[n,k] = z[n,k] - log(sum(exp(z[n,j]), j))", "L = -mean(l[n,t[n]], n)"),
    ),
    Case(
        "cross-entropy of the exponential is log-softmax and nll",
        "cce = nll",
        (Twin("log forgotten", "cce = -mean(p[n,t[n]], n)"), Twin("1/N forgotten", "cce = N*nll")),
        ("p = softmax(z)", "cce = -mean(log(p[n,t[n]]), n)", "nll = -mean(z[n,t[n]] - log(sum(exp(z[n,j]), j)), n)"),
    ),
    Case(
        "Jacobian of log-softmax",
        "diff(l[n,j], z[n,k]) = delta(j, k) - exp(l[n,k])",
        (
            Twin("transposed", "diff(l[n,j], z[n,k]) = delta(j, k) - exp(l[n,j])"),
            Twin("delta forgotten", "diff(l[n,j], z[n,k]) = 1 - exp(l[n,k])"),
        ),
        ("l[n,k] = z[n,k] - log(sum(exp(z[n,j]), j))",),
    ),
    Case(
        "Hessian of cross-entropy is diag(p) - p pᵀ",
        "diff(diff(L, z[j]), z[k]) = p[j]*delta(j, k) - p[j]*p[k]",
        (
            Twin("delta forgotten", "diff(diff(L, z[j]), z[k]) = p[j] - p[j]*p[k]"),
            Twin("off-diagonal forgotten", "diff(diff(L, z[j]), z[k]) = delta(j, k)*p[j]*(1 - p[j])"),
            Twin("sign", "diff(diff(L, z[j]), z[k]) = p[j]*p[k] - p[j]*delta(j, k)"),
            Twin("labels that sum to anything", "diff(diff(L, z[j]), z[k]) = p[j]*(delta(j, k) - p[k])", ()),
        ),
        ONE_CCE,
        ("sum(t[k], k) = 1",),
    ),
    Case(
        "distillation at a temperature",
        "diff(L, z[k]) = tau*(p[k] - q[k])",
        (
            Twin("only one power of the temperature", "diff(L, z[k]) = p[k] - q[k]"),
            Twin("temperature below the line", "diff(L, z[k]) = (p[k] - q[k]) / tau"),
        ),
        (
            "p[k] = exp(z[k]/tau) / sum(exp(z[j]/tau), j)",
            "q[k] = exp(v[k]/tau) / sum(exp(v[j]/tau), j)",
            "L = -tau**2*sum(q[k]*log(p[k]), k)",
        ),
    ),
    Case(
        "contrastive loss of a square of similarities",
        "diff(L, s[n,m]) = (p[n,m] - delta(n, m)) / N",
        (
            Twin("transposed", "diff(L, s[n,m]) = (p[m,n] - delta(n, m)) / N"),
            Twin("positives forgotten", "diff(L, s[n,m]) = p[n,m] / N"),
        ),
        ("p[n,m] = exp(s[n,m]) / sum(exp(s[n,i]), i)", "L = -mean(log(p[n,n]), n)"),
    ),
)
