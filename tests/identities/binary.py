"""Sigmoid and binary cross-entropy."""

from identities.case import Case, Twin

CASES = (
    Case(
        "binary cross-entropy on logits",
        "diff(L, z[n]) = (y[n] - t[n]) / N",
        (
            Twin("1/N forgotten", "diff(L, z[n]) = y[n] - t[n]"),
            Twin("sign", "diff(L, z[n]) = (t[n] - y[n]) / N"),
            Twin("sigmoid's derivative twice", "diff(L, z[n]) = (y[n] - t[n])*y[n]*(1 - y[n]) / N"),
        ),
        ("y = sigmoid(z)", "L = -mean(t[n]*log(y[n]) + (1 - t[n])*log(1 - y[n]), n)"),
    ),
    Case(
        "binary cross-entropy by probabilities",
        "diff(L, p[n]) = (p[n] - t[n]) / (N*p[n]*(1 - p[n]))",
        (
            Twin("1 - p² for p (1 - p)", "diff(L, p[n]) = (p[n] - t[n]) / (N*(1 - p[n]**2))"),
            Twin("denominator forgotten", "diff(L, p[n]) = (p[n] - t[n]) / N"),
        ),
        ("L = -mean(t[n]*log(p[n]) + (1 - t[n])*log(1 - p[n]), n)",),
    ),
    Case(
        "binary cross-entropy without overflow",
        "max(z, 0) - z*t + log(1 + exp(-abs(z))) = -t*log(y) - (1 - t)*log(1 - y)",
        (
            Twin(
                "labels the wrong way round", "max(z, 0) - z*t + log(1 + exp(-abs(z))) = -(1 - t)*log(y) - t*log(1 - y)"
            ),
            Twin("absolute value forgotten", "max(z, 0) - z*t + log(1 + exp(-z)) = -t*log(y) - (1 - t)*log(1 - y)"),
        ),
        ("y = sigmoid(z)",),
    ),
    Case(
        "binary cross-entropy by softplus",
        "-t*log(y) - (1 - t)*log(1 - y) = log(1 + exp(z)) - t*z",
        (
            Twin("sign in the softplus", "-t*log(y) - (1 - t)*log(1 - y) = log(1 + exp(-z)) - t*z"),
            Twin("label forgotten", "-t*log(y) - (1 - t)*log(1 - y) = log(1 + exp(z)) - z"),
        ),
        ("y = sigmoid(z)",),
    ),
    Case(
        "logistic regression: gradient by the weights",
        "diff(L, w[d]) = mean((y[n] - t[n])*x[n,d], n)",
        (
            Twin("data forgotten", "diff(L, w[d]) = mean(y[n] - t[n], n)"),
            Twin("sum for mean", "diff(L, w[d]) = sum((y[n] - t[n])*x[n,d], n)"),
        ),
        ("z[n] = sum(x[n,d]*w[d], d) + b", "y = sigmoid(z)", "L = -mean(t[n]*log(y[n]) + (1 - t[n])*log(1 - y[n]), n)"),
    ),
    Case(
        "logistic regression: Hessian",
        "diff(diff(L, w[d]), w[e]) = sum(y[n]*(1 - y[n])*x[n,d]*x[n,e], n)",
        (
            Twin("labels for predictions", "diff(diff(L, w[d]), w[e]) = sum(t[n]*(1 - t[n])*x[n,d]*x[n,e], n)"),
            Twin("weights of samples forgotten", "diff(diff(L, w[d]), w[e]) = sum(x[n,d]*x[n,e], n)"),
        ),
        ("y[n] = 1 / (1 + exp(-sum(x[n,d]*w[d], d)))", "L = -sum(t[n]*log(y[n]) + (1 - t[n])*log(1 - y[n]), n)"),
    ),
    Case(
        "focal loss, focus 2",
        "diff(L, z) = (1 - p)**2*(2*p*log(p) + p - 1)",
        (
            Twin("plain cross-entropy's", "diff(L, z) = (1 - p)**2*(p - 1)"),
            Twin("factor 2", "diff(L, z) = (1 - p)**2*(p*log(p) + p - 1)"),
        ),
        ("p = sigmoid(z)", "L = -(1 - p)**2*log(p)"),
    ),
    Case(
        "focal loss, any focus",
        "diff(L, z) = (1 - p)**c*(c*p*log(p) + p - 1)",
        (
            Twin("focus forgotten", "diff(L, z) = (1 - p)**c*(p*log(p) + p - 1)"),
            Twin("sign", "diff(L, z) = (1 - p)**c*(c*p*log(p) + 1 - p)"),
        ),
        ("p = sigmoid(z)", "L = -(1 - p)**c*log(p)"),
    ),
    Case(
        "pairwise preference loss",
        "diff(L, a) = -beta*(1 - p)",
        (Twin("sign", "diff(L, a) = beta*(1 - p)"), Twin("beta forgotten", "diff(L, a) = p - 1")),
        ("p = 1 / (1 + exp(-beta*(a - b)))", "L = -log(p)"),
    ),
    Case(
        "logistic loss with labels ±1",
        "diff(log(1 + exp(-t*z)), z) = -t*sigmoid(-t*z)",
        (
            Twin("sign in the sigmoid", "diff(log(1 + exp(-t*z)), z) = -t*sigmoid(t*z)"),
            Twin("label forgotten", "diff(log(1 + exp(-t*z)), z) = -sigmoid(-t*z)"),
        ),
    ),
)
