"""Attention."""

from identities.case import Case, Twin

ATTENTION = (
    "s[i,j] = sum(q[i,d]*k[j,d], d) / sqrt(D)",
    "p[i,j] = exp(s[i,j]) / sum(exp(s[i,l]), l)",
    "o[i,e] = sum(p[i,j]*v[j,e], j)",
)

ATTENTION_GRADIENTS = ("dp[i,j] = sum(g[i,e]*v[j,e], e)", "ds[i,j] = p[i,j]*(dp[i,j] - sum(g[i,e]*o[i,e], e))")

CASES = (
    Case(
        "attention: dS = P ∘ (dP - rowsum(dO ∘ O))",
        "sum(g[i,e]*diff(o[i,e], s[m,j]), i, e) = p[m,j]*(dp[m,j] - sum(g[m,e]*o[m,e], e))",
        (
            Twin("row sum forgotten", "sum(g[i,e]*diff(o[i,e], s[m,j]), i, e) = p[m,j]*dp[m,j]"),
            Twin("P forgotten", "sum(g[i,e]*diff(o[i,e], s[m,j]), i, e) = dp[m,j] - sum(g[m,e]*o[m,e], e)"),
            Twin("dO for dO ∘ O", "sum(g[i,e]*diff(o[i,e], s[m,j]), i, e) = p[m,j]*(dp[m,j] - sum(g[m,e], e))"),
        ),
        (*ATTENTION[1:], ATTENTION_GRADIENTS[0]),
    ),
    Case(
        "attention: rowsum(P ∘ dP) = rowsum(dO ∘ O)",
        "sum(p[i,j]*dp[i,j], j) = sum(g[i,e]*o[i,e], e)",
        (
            Twin("P forgotten", "sum(dp[i,j], j) = sum(g[i,e]*o[i,e], e)"),
            Twin("columns", "sum(p[i,j]*dp[i,j], i) = sum(g[j,e]*o[j,e], e)"),
        ),
        (*ATTENTION[1:], ATTENTION_GRADIENTS[0]),
    ),
    Case(
        "attention: dV = Pᵀ dO",
        "sum(g[i,e]*diff(o[i,e], v[j,f]), i, e) = sum(p[i,j]*g[i,f], i)",
        (
            Twin("transposed", "sum(g[i,e]*diff(o[i,e], v[j,f]), i, e) = sum(p[j,i]*g[i,f], i)"),
            Twin("scores for probabilities", "sum(g[i,e]*diff(o[i,e], v[j,f]), i, e) = sum(s[i,j]*g[i,f], i)"),
        ),
        ATTENTION,
    ),
    Case(
        "attention: dQ = dS K / √d",
        "sum(g[i,e]*diff(o[i,e], q[m,d]), i, e) = sum(ds[m,j]*k[j,d], j) / sqrt(D)",
        (
            Twin("scale forgotten", "sum(g[i,e]*diff(o[i,e], q[m,d]), i, e) = sum(ds[m,j]*k[j,d], j)"),
            Twin("scale squared", "sum(g[i,e]*diff(o[i,e], q[m,d]), i, e) = sum(ds[m,j]*k[j,d], j) / D"),
            Twin("dP for dS", "sum(g[i,e]*diff(o[i,e], q[m,d]), i, e) = sum(dp[m,j]*k[j,d], j) / sqrt(D)"),
        ),
        (*ATTENTION, *ATTENTION_GRADIENTS),
    ),
    Case(
        "attention: dK = dSᵀ Q / √d",
        "sum(g[i,e]*diff(o[i,e], k[m,d]), i, e) = sum(ds[i,m]*q[i,d], i) / sqrt(D)",
        (
            Twin("transposed", "sum(g[i,e]*diff(o[i,e], k[m,d]), i, e) = sum(ds[m,i]*q[i,d], i) / sqrt(D)"),
            Twin("scale forgotten", "sum(g[i,e]*diff(o[i,e], k[m,d]), i, e) = sum(ds[i,m]*q[i,d], i)"),
        ),
        (*ATTENTION, *ATTENTION_GRADIENTS),
    ),
    Case(
        "attention with equal values",
        "o[i,e] = c[e]",
        (Twin("values that differ", "o[i,e] = c[e]", ()), Twin("times the number of keys", "o[i,e] = J*c[e]")),
        ATTENTION[1:],
        ("v[j,e] = c[e]",),
    ),
    Case(
        "linear attention associates",
        "sum(sum(q[i,d]*k[j,d], d)*v[j,e], j) = sum(q[i,d]*sum(k[j,d]*v[j,e], j), d)",
        (
            Twin(
                "keys and values summed apart",
                "sum(sum(q[i,d]*k[j,d], d)*v[j,e], j) = sum(q[i,d]*sum(k[j,d], j), d)*sum(v[j,e], j)",
            ),
            Twin("transposed", "sum(sum(q[i,d]*k[j,d], d)*v[j,e], j) = sum(q[i,d]*sum(k[d,j]*v[j,e], j), d)"),
        ),
    ),
)
