"""Divergences between distributions."""

from identities.case import Case, Twin
from identities.cross_entropy import SOFTMAX

CASES = (
    Case(
        "KL divergence from labels: gradient by logits",
        "diff(L, z[k]) = q[k] - p[k]",
        (
            Twin("sign", "diff(L, z[k]) = p[k] - q[k]"),
            Twin("by probabilities", "diff(L, z[k]) = -p[k]/q[k]"),
            Twin("weights that sum to anything", "diff(L, z[k]) = q[k] - p[k]", ()),
        ),
        ("q[k] = exp(z[k]) / sum(exp(z[j]), j)", "L = sum(p[k]*log(p[k]/q[k]), k)"),
        ("sum(p[k], k) = 1",),
    ),
    Case(
        "KL divergence to labels: gradient by logits",
        "diff(L, z[k]) = p[k]*(log(p[k]/q[k]) - L)",
        (
            Twin("divergence forgotten", "diff(L, z[k]) = p[k]*log(p[k]/q[k])"),
            Twin("by probabilities", "diff(L, z[k]) = log(p[k]/q[k]) + 1"),
            Twin("the other direction's", "diff(L, z[k]) = p[k] - q[k]"),
        ),
        (*SOFTMAX, "L = sum(p[k]*log(p[k]/q[k]), k)"),
    ),
    Case(
        "KL divergence is cross-entropy less entropy",
        "sum(p[k]*log(p[k]/q[k]), k) = -sum(p[k]*log(q[k]), k) + sum(p[k]*log(p[k]), k)",
        (
            Twin("sign", "sum(p[k]*log(p[k]/q[k]), k) = -sum(p[k]*log(q[k]), k) - sum(p[k]*log(p[k]), k)"),
            Twin("symmetric", "sum(p[k]*log(p[k]/q[k]), k) = sum(q[k]*log(q[k]/p[k]), k)"),
        ),
        given=("p[k] > 0", "q[k] > 0"),
        idle=("p[k] > 0", "q[k] > 0"),
    ),
    Case(
        "KL divergence of two softmaxes",
        "sum(p[k]*log(p[k]/q[k]), k) = sum(p[k]*(a[k] - b[k]), k) - log(sum(exp(a[k]), k)) + log(sum(exp(b[k]), k))",
        (
            Twin(
                "normalisers exchanged",
                "sum(p[k]*log(p[k]/q[k]), k) "
                "= sum(p[k]*(a[k] - b[k]), k) + log(sum(exp(a[k]), k)) - log(sum(exp(b[k]), k))",
            ),
            Twin("normalisers forgotten", "sum(p[k]*log(p[k]/q[k]), k) = sum(p[k]*(a[k] - b[k]), k)"),
        ),
        ("p[k] = exp(a[k]) / sum(exp(a[j]), j)", "q[k] = exp(b[k]) / sum(exp(b[j]), j)"),
    ),
    Case(
        "gaussian KL divergence to the standard normal",
        "log(t/s) + (s**2 + (u - v)**2)/(2*t**2) - 1/2 = -(1 + log(s**2) - u**2 - s**2)/2",
        (
            Twin("1 forgotten", "log(t/s) + (s**2 + (u - v)**2)/(2*t**2) - 1/2 = -(log(s**2) - u**2 - s**2)/2"),
            Twin("half forgotten", "log(t/s) + (s**2 + (u - v)**2)/(2*t**2) - 1/2 = -(1 + log(s**2) - u**2 - s**2)"),
            Twin(
                "log of s for log of s²",
                "log(t/s) + (s**2 + (u - v)**2)/(2*t**2) - 1/2 = -(1 + log(s) - u**2 - s**2)/2",
            ),
        ),
        given=("t = 1", "v = 0"),
    ),
    Case(
        "gaussian KL divergence: gradient by the mean",
        "diff(L, u[d]) = u[d]",
        (Twin("half", "diff(L, u[d]) = u[d]/2"), Twin("sign", "diff(L, u[d]) = -u[d]")),
        ("L = -sum(1 + s[d] - u[d]**2 - exp(s[d]), d)/2",),
    ),
    Case(
        "gaussian KL divergence: gradient by the logarithm of the variance",
        "diff(L, s[d]) = (exp(s[d]) - 1)/2",
        (Twin("half forgotten", "diff(L, s[d]) = exp(s[d]) - 1"), Twin("1 forgotten", "diff(L, s[d]) = exp(s[d])/2")),
        ("L = -sum(1 + s[d] - u[d]**2 - exp(s[d]), d)/2",),
    ),
    Case(
        "gaussian KL divergence: gradient by the other's deviation",
        "diff(L, t) = 1/t - (s**2 + (u - v)**2)/t**3",
        (
            Twin("power", "diff(L, t) = 1/t - (s**2 + (u - v)**2)/t**2"),
            Twin("logarithm forgotten", "diff(L, t) = -(s**2 + (u - v)**2)/t**3"),
        ),
        ("L = log(t/s) + (s**2 + (u - v)**2)/(2*t**2) - 1/2",),
    ),
    Case(
        "KL divergence of two coins by log-odds",
        "diff(L, z) = p*(1 - p)*(z - log(q/(1 - q)))",
        (
            Twin("sigmoid' forgotten", "diff(L, z) = z - log(q/(1 - q))"),
            Twin("sign", "diff(L, z) = p*(1 - p)*(z + log(q/(1 - q)))"),
        ),
        ("p = sigmoid(z)", "L = p*log(p/q) + (1 - p)*log((1 - p)/(1 - q))"),
    ),
)
