"""Layer, batch and RMS norm, lengths and cosines."""

from identities.case import Case, Twin

LAYER_NORM = (
    "u[n] = mean(x[n,j], j)",
    "s[n] = sqrt(mean((x[n,j] - u[n])**2, j) + e)",
    "h[n,k] = (x[n,k] - u[n]) / s[n]",
    "y[n,k] = w[k]*h[n,k] + b[k]",
)

BATCH_NORM = (
    "u[k] = mean(x[m,k], m)",
    "s[k] = sqrt(mean((x[m,k] - u[k])**2, m) + e)",
    "h[n,k] = (x[n,k] - u[k]) / s[k]",
    "y[n,k] = w[k]*h[n,k] + b[k]",
)

RMS_NORM = ("r[n] = sqrt(mean(x[n,j]**2, j) + e)", "y[n,k] = w[k]*x[n,k] / r[n]")

VJP_ROWS = "sum(g[n,k]*diff(y[n,k], x[m,j]), n, k)"

L2_NORMALISE = ("y[n,k] = x[n,k] / sqrt(sum(x[n,j]**2, j))",)

CASES = (
    Case(
        "layer norm VJP, three terms",
        f"{VJP_ROWS} = (d[m,j] - mean(d[m,k], k) - h[m,j]*mean(d[m,k]*h[m,k], k)) / s[m]",
        (
            Twin("mean term forgotten", f"{VJP_ROWS} = (d[m,j] - h[m,j]*mean(d[m,k]*h[m,k], k)) / s[m]"),
            Twin("variance term forgotten", f"{VJP_ROWS} = (d[m,j] - mean(d[m,k], k)) / s[m]"),
            Twin("sign", f"{VJP_ROWS} = (d[m,j] - mean(d[m,k], k) + h[m,j]*mean(d[m,k]*h[m,k], k)) / s[m]"),
            Twin("sum for mean", f"{VJP_ROWS} = (d[m,j] - mean(d[m,k], k) - h[m,j]*sum(d[m,k]*h[m,k], k)) / s[m]"),
            Twin("wrong axis", f"{VJP_ROWS} = (d[m,j] - mean(d[n,j], n) - h[m,j]*mean(d[n,j]*h[n,j], n)) / s[m]"),
        ),
        (*LAYER_NORM, "d[n,k] = g[n,k]*w[k]"),
    ),
    Case(
        "layer norm VJP, over one denominator",
        f"{VJP_ROWS} = (K*d[m,j] - sum(d[m,k], k) - h[m,j]*sum(d[m,k]*h[m,k], k)) / (K*s[m])",
        (
            Twin("K forgotten", f"{VJP_ROWS} = (d[m,j] - sum(d[m,k], k) - h[m,j]*sum(d[m,k]*h[m,k], k)) / (K*s[m])"),
            Twin("N for K", f"{VJP_ROWS} = (N*d[m,j] - sum(d[m,k], k) - h[m,j]*sum(d[m,k]*h[m,k], k)) / (N*s[m])"),
        ),
        (*LAYER_NORM, "d[n,k] = g[n,k]*w[k]"),
    ),
    Case(
        "layer norm: gradients of scale and shift",
        "sum(g[n,k]*diff(y[n,k], w[j]), n, k) + sum(g[n,k]*diff(y[n,k], b[j]), n, k) = sum(g[n,j]*(h[n,j] + 1), n)",
        (
            Twin(
                "input for normalised input",
                "sum(g[n,k]*diff(y[n,k], w[j]), n, k) + sum(g[n,k]*diff(y[n,k], b[j]), n, k) "
                "= sum(g[n,j]*(x[n,j] + 1), n)",
            ),
            Twin(
                "wrong axis",
                "sum(g[n,k]*diff(y[n,k], w[j]), n, k) + sum(g[n,k]*diff(y[n,k], b[j]), n, k) "
                "= sum(g[j,n]*(h[j,n] + 1), n)",
            ),
        ),
        LAYER_NORM,
    ),
    Case(
        "layer norm's gradient sums to 0 along a row",
        "sum(g[n,k]*diff(h[n,k], x[m,j]), n, k, j) = 0",
        (
            Twin("weighted by the input", "sum(x[m,j]*g[n,k]*diff(h[n,k], x[m,j]), n, k, j) = 0"),
            Twin("along a column", "sum(g[n,k]*diff(h[n,k], x[m,j]), n, k, m) = 0"),
        ),
        LAYER_NORM[:3],
    ),
    Case(
        "batch norm VJP, three terms",
        f"{VJP_ROWS} = w[j]*(g[m,j] - mean(g[n,j], n) - h[m,j]*mean(g[n,j]*h[n,j], n)) / s[j]",
        (
            Twin("mean term forgotten", f"{VJP_ROWS} = w[j]*(g[m,j] - h[m,j]*mean(g[n,j]*h[n,j], n)) / s[j]"),
            Twin(
                "layer norm's axis",
                f"{VJP_ROWS} = w[j]*(g[m,j] - mean(g[m,k], k) - h[m,j]*mean(g[m,k]*h[m,k], k)) / s[j]",
            ),
            Twin("statistics held constant", f"{VJP_ROWS} = w[j]*g[m,j] / s[j]"),
            Twin("scale forgotten", f"{VJP_ROWS} = (g[m,j] - mean(g[n,j], n) - h[m,j]*mean(g[n,j]*h[n,j], n)) / s[j]"),
        ),
        BATCH_NORM,
    ),
    Case(
        "RMS norm VJP",
        f"{VJP_ROWS} = (g[m,j]*w[j] - x[m,j]*mean(g[m,k]*w[k]*x[m,k], k)/r[m]**2) / r[m]",
        (
            Twin("second term forgotten", f"{VJP_ROWS} = g[m,j]*w[j] / r[m]"),
            Twin("sum for mean", f"{VJP_ROWS} = (g[m,j]*w[j] - x[m,j]*sum(g[m,k]*w[k]*x[m,k], k)/r[m]**2) / r[m]"),
            Twin("power of the root", f"{VJP_ROWS} = (g[m,j]*w[j] - x[m,j]*mean(g[m,k]*w[k]*x[m,k], k)/r[m]) / r[m]"),
        ),
        RMS_NORM,
    ),
    Case(
        "L2-normalise VJP",
        f"{VJP_ROWS} = (g[m,j] - y[m,j]*sum(g[m,k]*y[m,k], k)) / sqrt(sum(x[m,k]**2, k))",
        (
            Twin("mean for sum", f"{VJP_ROWS} = (g[m,j] - y[m,j]*mean(g[m,k]*y[m,k], k)) / sqrt(sum(x[m,k]**2, k))"),
            Twin("root forgotten", f"{VJP_ROWS} = (g[m,j] - y[m,j]*sum(g[m,k]*y[m,k], k)) / sum(x[m,k]**2, k)"),
            Twin("projection forgotten", f"{VJP_ROWS} = g[m,j] / sqrt(sum(x[m,k]**2, k))"),
        ),
        L2_NORMALISE,
    ),
    Case(
        "the gradient of an L2-normalised row is orthogonal to it",
        "sum(x[m,j]*g[n,k]*diff(y[n,k], x[m,j]), n, k, j) = 0",
        (Twin("to all ones", "sum(g[n,k]*diff(y[n,k], x[m,j]), n, k, j) = 0"),),
        L2_NORMALISE,
    ),
    Case(
        "L2-normalised rows have length 1",
        "sum(y[n,k]**2, k) = 1",
        (Twin("wrong axis", "sum(y[n,k]**2, n) = 1"), Twin("square forgotten", "sum(y[n,k], k) = 1")),
        L2_NORMALISE,
    ),
    Case(
        "normalised activations sum to 0",
        "sum(h[n,k], k) = 0",
        (Twin("wrong axis", "sum(h[n,k], n) = 0"), Twin("to 1", "sum(h[n,k], k) = 1")),
        LAYER_NORM[:3],
    ),
    Case(
        "their squares sum to D, without ε",
        "sum(h[n,d]**2, d) = D",
        (
            Twin("to 1", "sum(h[n,d]**2, d) = 1"),
            Twin("to D - 1", "sum(h[n,d]**2, d) = D - 1"),
            Twin("N for D", "sum(h[n,d]**2, d) = N"),
        ),
        ("u[n] = mean(x[n,d], d)", "h[n,d] = (x[n,d] - u[n]) / sqrt(mean((x[n,c] - u[n])**2, c))"),
    ),
    Case(
        "their squares sum to less, with ε",
        "sum(h[n,d]**2, d) = D*v[n] / (v[n] + e)",
        (Twin("ε forgotten", "sum(h[n,d]**2, d) = D"), Twin("root of ε", "sum(h[n,d]**2, d) = D*v[n] / (v[n] + e**2)")),
        ("u[n] = mean(x[n,d], d)", "v[n] = mean((x[n,d] - u[n])**2, d)", "h[n,d] = (x[n,d] - u[n]) / sqrt(v[n] + e)"),
    ),
    Case(
        "RMS-normalised rows have mean square 1, without ε",
        "mean(y[n,k]**2, k) = 1",
        (Twin("sum for mean", "sum(y[n,k]**2, k) = 1"), Twin("square forgotten", "mean(y[n,k], k) = 1")),
        ("y[n,k] = x[n,k] / sqrt(mean(x[n,j]**2, j))",),
    ),
    Case(
        "normalising forgets shift and scale",
        "(c*x[k] + b - mean(c*x[j] + b, j)) / sqrt(mean((c*x[i] + b - mean(c*x[j] + b, j))**2, i)) = h[k]",
        (
            Twin(
                "a negative scale",
                "(c*x[k] + b - mean(c*x[j] + b, j)) / sqrt(mean((c*x[i] + b - mean(c*x[j] + b, j))**2, i)) = h[k]",
                (),
            ),
            Twin(
                "scale kept",
                "(c*x[k] + b - mean(c*x[j] + b, j)) / sqrt(mean((c*x[i] + b - mean(c*x[j] + b, j))**2, i)) = c*h[k]",
            ),
        ),
        ("h[k] = (x[k] - mean(x[j], j)) / sqrt(mean((x[i] - mean(x[j], j))**2, i))",),
        ("c > 0",),
    ),
    Case(
        "weight norm: gradient by the direction",
        "sum(g[k]*diff(w[k], v[j]), k) = (a/r)*(g[j] - v[j]*sum(g[k]*v[k], k)/r**2)",
        (
            Twin("length forgotten", "sum(g[k]*diff(w[k], v[j]), k) = (a/r)*(g[j] - v[j]*sum(g[k]*v[k], k))"),
            Twin("projection forgotten", "sum(g[k]*diff(w[k], v[j]), k) = (a/r)*g[j]"),
        ),
        ("r = sqrt(sum(v[j]**2, j))", "w[k] = a*v[k]/r"),
    ),
    Case(
        "weight norm: gradient by the length",
        "sum(g[k]*diff(w[k], a), k) = sum(g[k]*v[k], k) / r",
        (
            Twin("r forgotten", "sum(g[k]*diff(w[k], a), k) = sum(g[k]*v[k], k)"),
            Twin("length kept", "sum(g[k]*diff(w[k], a), k) = a*sum(g[k]*v[k], k) / r"),
        ),
        ("r = sqrt(sum(v[j]**2, j))", "w[k] = a*v[k]/r"),
    ),
    Case(
        "cosine similarity",
        "diff(c, a[k]) = b[k]/(r*s) - c*a[k]/r**2",
        (
            Twin("the other's length", "diff(c, a[k]) = b[k]/(r*s) - c*a[k]/s**2"),
            Twin("second term forgotten", "diff(c, a[k]) = b[k]/(r*s)"),
            Twin("square forgotten", "diff(c, a[k]) = b[k]/(r*s) - c*a[k]/r"),
        ),
        ("r = sqrt(sum(a[k]**2, k))", "s = sqrt(sum(b[k]**2, k))", "c = sum(a[k]*b[k], k)/(r*s)"),
    ),
    Case(
        "cosine similarity VJP of a batch",
        "sum(g[n]*diff(c[n], a[m,j]), n) = g[m]*(b[m,j]/s[m] - c[m]*a[m,j]/r[m])/r[m]",
        (
            Twin("sign", "sum(g[n]*diff(c[n], a[m,j]), n) = g[m]*(b[m,j]/s[m] + c[m]*a[m,j]/r[m])/r[m]"),
            Twin("similarity forgotten", "sum(g[n]*diff(c[n], a[m,j]), n) = g[m]*(b[m,j]/s[m] - a[m,j]/r[m])/r[m]"),
        ),
        (
            "r[n] = sqrt(sum(a[n,k]**2, k))",
            "s[n] = sqrt(sum(b[n,k]**2, k))",
            "c[n] = sum(a[n,k]*b[n,k], k)/(r[n]*s[n])",
        ),
    ),
)
