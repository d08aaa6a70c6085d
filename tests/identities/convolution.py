"""Convolutions and shifted sequences: what stands outside of an axis is 0. Their tests are in test_convolution.py."""

from identities.case import Case, Twin

CONV = ("y[o,t] = sum(x[c,t + r]*w[o,c,r], c, r)",)
STRIDED = ("y[o,t] = sum(x[c,s*t + d*r - p]*w[o,c,r], c, r)",)
POOL = ("y[t] = sum(x[s*t + r], r)/R",)
SHIFT = ("y[t] = x[t - 1]",)

CASES = (
    Case(
        "convolution is commutative",
        "sum(x[t - r]*w[r], r) = sum(x[m]*w[t - m], m)",
        (
            Twin("one place off", "sum(x[t - r]*w[r], r) = sum(x[m]*w[t - m + 1], m)"),
            Twin("correlation", "sum(x[t - r]*w[r], r) = sum(x[m]*w[t + m], m)"),
        ),
    ),
    Case(
        "convolution: dX is a full correlation",
        "sum(g[o,t]*diff(y[o,t], x[c,m]), o, t) = sum(g[o,m - r]*w[o,c,r], o, r)",
        (
            Twin("kernel not turned", "sum(g[o,t]*diff(y[o,t], x[c,m]), o, t) = sum(g[o,m + r]*w[o,c,r], o, r)"),
            Twin("one place off", "sum(g[o,t]*diff(y[o,t], x[c,m]), o, t) = sum(g[o,m - r - 1]*w[o,c,r], o, r)"),
        ),
        CONV,
    ),
    Case(
        "convolution: dW",
        "sum(g[o,t]*diff(y[o,t], w[k,c,r]), o, t) = sum(g[k,t]*x[c,t + r], t)",
        (Twin("reversed", "sum(g[o,t]*diff(y[o,t], w[k,c,r]), o, t) = sum(g[k,t]*x[c,t - r], t)"),),
        CONV,
    ),
    Case(
        "strided convolution: the derivative by an input",
        "diff(y[o,t], x[c,m]) = sum(w[o,c,r]*delta(m, s*t + d*r - p), r)",
        (
            Twin("padding added", "diff(y[o,t], x[c,m]) = sum(w[o,c,r]*delta(m, s*t + d*r + p), r)"),
            Twin("stride and dilation exchanged", "diff(y[o,t], x[c,m]) = sum(w[o,c,r]*delta(m, d*t + s*r - p), r)"),
        ),
        STRIDED,
    ),
    Case(
        "average pooling: the derivative",
        "diff(y[t], x[m]) = [m >= s*t]*[m < s*t + R]/R",
        (
            Twin("one place too many", "diff(y[t], x[m]) = [m >= s*t]*[m <= s*t + R]/R"),
            Twin("sum for average", "diff(y[t], x[m]) = [m >= s*t]*[m < s*t + R]"),
        ),
        POOL,
    ),
    Case(
        "a shift: the derivative",
        "diff(y[t], x[u]) = delta(u, t - 1)",
        (
            Twin("the other way", "diff(y[t], x[u]) = delta(u, t + 1)"),
            Twin("no shift", "diff(y[t], x[u]) = delta(u, t)"),
        ),
        SHIFT,
    ),
    Case(
        "two shifts are one by two places",
        "z[t] = x[t - 2]",
        (Twin("one lost", "z[t] = x[t - 1]"), Twin("back again", "z[t] = x[t]")),
        (*SHIFT, "z[t] = y[t - 1]"),
    ),
    Case(
        "a function of 0 is not 0 outside",
        "z[t] = [t >= 1]*exp(x[t - 1])",
        (Twin("bracket forgotten", "z[t] = exp(x[t - 1])"),),
        ("y[t] = exp(x[t])", "z[t] = y[t - 1]"),
    ),
    Case(
        "a sequence reversed twice",
        "z[t] = x[t]",
        (Twin("once", "y[t] = x[t]"), Twin("one place off", "z[t] = x[t - 1]")),
        ("y[t] = x[T - 1 - t]", "z[t] = y[T - 1 - t]"),
    ),
    Case(
        "what is shifted out of a sequence is lost",
        "sum(delta(m, t - 1), t) = [m + 1 < T]",
        (Twin("nothing lost", "sum(delta(m, t - 1), t) = 1"),),
        (),
    ),
    Case(
        "rows outside of a matrix sum to nothing",
        "sum(p[n - 1,k], k) - sum(p[n - 1,j], j) = 0",
        (
            Twin("as if all rows were there", "sum(p[n - 1,k], k) = 1"),
            Twin("the sum of a shifted sequence", "sum(p[n - 1,k], n) = sum(p[n,k], n)"),
        ),
        (),
        ("sum(p[n,k], k) = 1",),
        ("sum(p[n,k], k) = 1",),
    ),
    Case(
        "comparisons of whole numbers",
        "[t - r >= 0]*x[t]*w[r] = [t > r - 1]*x[t]*w[r]",
        (Twin("one place off", "[t - r >= 0]*x[t]*w[r] = [t > r]*x[t]*w[r]"),),
    ),
    Case(
        "even and odd places do not meet",
        "delta(2*t, 2*u + 1)*x[t]*w[u] = 0",
        (Twin("even places do", "delta(2*t, 2*u)*x[t]*w[u] = 0"),),
    ),
)
