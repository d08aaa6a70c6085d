"""Softmax and log-sum-exp themselves."""

from identities.case import Case, Twin
from identities.cross_entropy import SOFTMAX

CASES = (
    Case(
        "softmax is unchanged by a shift of its row",
        "exp(z[n,k] + c[n]) / sum(exp(z[n,j] + c[n]), j) = p[n,k]",
        (
            Twin("a shift of each class", "exp(z[n,k] + c[k]) / sum(exp(z[n,j] + c[j]), j) = p[n,k]"),
            Twin("a factor for a shift", "exp(z[n,k]*c[n]) / sum(exp(z[n,j]*c[n]), j) = p[n,k]"),
            Twin("only above the line", "exp(z[n,k] + c[n]) / sum(exp(z[n,j]), j) = p[n,k]"),
        ),
        ("p = softmax(z)",),
    ),
    Case(
        "softmax around its row's maximum",
        "exp(z[n,k] - max(z[n,j], j)) / sum(exp(z[n,i] - max(z[n,j], j)), i) = p[n,k]",
        (
            Twin(
                "the maximum of the wrong axis",
                "exp(z[n,k] - max(z[m,k], m)) / sum(exp(z[n,i] - max(z[m,i], m)), i) = p[n,k]",
            ),
            Twin("only above the line", "exp(z[n,k] - max(z[n,j], j)) / sum(exp(z[n,i]), i) = p[n,k]"),
        ),
        ("p = softmax(z)",),
    ),
    Case(
        "log-sum-exp moves with a shift",
        "log(sum(exp(z[k] + c), k)) = c + log(sum(exp(z[k]), k))",
        (
            Twin("shift forgotten", "log(sum(exp(z[k] + c), k)) = log(sum(exp(z[k]), k))"),
            Twin("shift times the size", "log(sum(exp(z[k] + c), k)) = K*c + log(sum(exp(z[k]), k))"),
        ),
    ),
    Case(
        "log-sum-exp around its maximum",
        "m + log(sum(exp(z[k] - m), k)) = log(sum(exp(z[k]), k))",
        (
            Twin("maximum not added back", "log(sum(exp(z[k] - m), k)) = log(sum(exp(z[k]), k))"),
            Twin("the maximum alone", "m = log(sum(exp(z[k]), k))"),
        ),
        ("m = max(z[k], k)",),
    ),
    Case(
        "gradient of log-sum-exp",
        "diff(l, z[k]) = exp(z[k] - l)",
        (Twin("sign", "diff(l, z[k]) = exp(l - z[k])"), Twin("log forgotten", "diff(l, z[k]) = exp(z[k])")),
        ("l = log(sum(exp(z[k]), k))",),
    ),
    Case(
        "Hessian of log-sum-exp",
        "diff(diff(l, z[j]), z[k]) = p[j]*(delta(j, k) - p[k])",
        (
            Twin("delta forgotten", "diff(diff(l, z[j]), z[k]) = p[j]*(1 - p[k])"),
            Twin("diagonal alone", "diff(diff(l, z[j]), z[k]) = delta(j, k)*p[k]"),
        ),
        ("l = log(sum(exp(z[k]), k))", *SOFTMAX),
    ),
    Case(
        "softmax is the exponential of log-softmax",
        "exp(z[n,k] - log(sum(exp(z[n,j]), j))) = p[n,k]",
        (
            Twin("sign", "exp(z[n,k] + log(sum(exp(z[n,j]), j))) = p[n,k]"),
            Twin("wrong axis", "exp(z[n,k] - log(sum(exp(z[m,k]), m))) = p[n,k]"),
        ),
        ("p = softmax(z)",),
    ),
    Case(
        "the rows of a softmax sum to 1",
        "sum(p[n,k], k) = 1",
        (Twin("wrong axis", "sum(p[n,k], n) = 1"), Twin("the size", "sum(p[n,k], k) = K")),
        ("p = softmax(z)",),
    ),
    Case(
        "softmax Jacobian",
        "diff(y[j], x[k]) = y[j]*(delta(j, k) - y[k])",
        (
            Twin("delta forgotten", "diff(y[j], x[k]) = y[j]*(1 - y[k])"),
            Twin("sign", "diff(y[j], x[k]) = y[j]*(delta(j, k) + y[k])"),
            Twin("diagonal alone", "diff(y[j], x[k]) = delta(j, k)*y[j]*(1 - y[j])"),
        ),
        ("y[k] = exp(x[k]) / sum(exp(x[j]), j)",),
    ),
    Case(
        "softmax Jacobian of a batch",
        "diff(y[n,j], x[m,k]) = delta(n, m)*y[n,j]*(delta(j, k) - y[n,k])",
        (
            Twin("the samples' delta forgotten", "diff(y[n,j], x[m,k]) = y[n,j]*(delta(j, k) - y[n,k])"),
            Twin("square for product", "diff(y[n,j], x[m,k]) = delta(n, m)*(delta(j, k)*y[n,j] - y[n,j]**2)"),
        ),
        ("y = softmax(x)",),
    ),
    Case(
        "rows of the softmax Jacobian sum to 0",
        "sum(diff(y[n,j], x[n,k]), k) = 0",
        (
            Twin("diagonal alone", "sum(delta(j, k)*diff(y[n,j], x[n,k]), k) = 0"),
            Twin("to the output", "sum(diff(y[n,j], x[n,k]), k) = y[n,j]"),
        ),
        ("y = softmax(x)",),
    ),
    Case(
        "columns of the softmax Jacobian sum to 0",
        "sum(diff(y[n,j], x[n,k]), j) = 0",
        (Twin("to 1", "sum(diff(y[n,j], x[n,k]), j) = 1"), Twin("weighted", "sum(x[n,j]*diff(y[n,j], x[n,k]), j) = 0")),
        ("y = softmax(x)",),
    ),
    Case(
        "the softmax Jacobian is symmetric",
        "diff(y[n,j], x[n,k]) = diff(y[n,k], x[n,j])",
        (
            Twin("antisymmetric", "diff(y[n,j], x[n,k]) = -diff(y[n,k], x[n,j])"),
            Twin("samples exchanged", "diff(y[n,j], x[n,k]) = diff(y[m,k], x[m,j])"),
        ),
        ("y = softmax(x)",),
    ),
    Case(
        "softmax VJP",
        "sum(g[n,k]*diff(y[n,k], x[m,j]), n, k) = y[m,j]*(g[m,j] - sum(g[m,k]*y[m,k], k))",
        (
            Twin("the sigmoid's", "sum(g[n,k]*diff(y[n,k], x[m,j]), n, k) = g[m,j]*y[m,j]*(1 - y[m,j])"),
            Twin("wrong axis", "sum(g[n,k]*diff(y[n,k], x[m,j]), n, k) = y[m,j]*(g[m,j] - sum(g[n,j]*y[n,j], n))"),
            Twin(
                "output forgotten in the sum",
                "sum(g[n,k]*diff(y[n,k], x[m,j]), n, k) = y[m,j]*(g[m,j] - sum(g[m,k], k))",
            ),
        ),
        ("y = softmax(x)",),
    ),
    Case(
        "gradient of the entropy",
        "diff(H, z[k]) = -p[k]*(log(p[k]) + H)",
        (
            Twin("by probabilities", "diff(H, z[k]) = -(log(p[k]) + 1)"),
            Twin("sign of the entropy", "diff(H, z[k]) = -p[k]*(log(p[k]) - H)"),
        ),
        (*SOFTMAX, "H = -sum(p[k]*log(p[k]), k)"),
    ),
    Case(
        "entropy of a softmax",
        "-sum(p[k]*log(p[k]), k) = log(sum(exp(z[k]), k)) - sum(p[k]*z[k], k)",
        (
            Twin("sign", "-sum(p[k]*log(p[k]), k) = sum(p[k]*z[k], k) - log(sum(exp(z[k]), k))"),
            Twin("mean for expectation", "-sum(p[k]*log(p[k]), k) = log(sum(exp(z[k]), k)) - mean(z[k], k)"),
        ),
        SOFTMAX,
    ),
    Case(
        "the score has expectation 0",
        "sum(p[k]*diff(log(p[k]), z[j]), k) = 0",
        (
            Twin("probabilities forgotten", "sum(diff(log(p[k]), z[j]), k) = 0"),
            Twin("to 1", "sum(p[k]*diff(log(p[k]), z[j]), k) = 1"),
        ),
        SOFTMAX,
    ),
    Case(
        "Fisher information of a softmax",
        "sum(p[i]*diff(log(p[i]), z[j])*diff(log(p[i]), z[k]), i) = p[j]*delta(j, k) - p[j]*p[k]",
        (
            Twin("sign", "sum(p[i]*diff(log(p[i]), z[j])*diff(log(p[i]), z[k]), i) = p[j]*p[k] - p[j]*delta(j, k)"),
            Twin(
                "probabilities forgotten",
                "sum(diff(log(p[i]), z[j])*diff(log(p[i]), z[k]), i) = p[j]*delta(j, k) - p[j]*p[k]",
            ),
        ),
        SOFTMAX,
    ),
    Case(
        "Fisher information is minus the expected Hessian",
        "sum(p[i]*diff(log(p[i]), z[j])*diff(log(p[i]), z[k]), i) = -sum(p[i]*diff(diff(log(p[i]), z[j]), z[k]), i)",
        (
            Twin(
                "sign",
                "sum(p[i]*diff(log(p[i]), z[j])*diff(log(p[i]), z[k]), i) "
                "= sum(p[i]*diff(diff(log(p[i]), z[j]), z[k]), i)",
            ),
        ),
        SOFTMAX,
    ),
    Case(
        "policy gradient of a softmax",
        "diff(log(p[a]), z[k]) = delta(k, a) - p[k]",
        (
            Twin("sign", "diff(log(p[a]), z[k]) = p[k] - delta(k, a)"),
            Twin("transposed", "diff(log(p[a]), z[k]) = delta(k, a) - p[a]"),
        ),
        SOFTMAX,
    ),
)
