"""What has a kink or a jump."""

from identities.case import Case, Twin

CASES = (
    Case(
        "relu's derivative",
        "diff(relu(x), x) = [x > 0]",
        (Twin("the other side", "diff(relu(x), x) = [x < 0]"), Twin("the input", "diff(relu(x), x) = max(x, 0)")),
    ),
    Case(
        "relu is idempotent",
        "relu(relu(x)) = relu(x)",
        (Twin("and the identity", "relu(relu(x)) = x"), Twin("even", "relu(-relu(x)) = relu(x)")),
    ),
    Case(
        "relu splits a number",
        "relu(x) - relu(-x) = x",
        (Twin("its size", "relu(x) + relu(-x) = x"), Twin("order", "relu(-x) - relu(x) = x")),
    ),
    Case(
        "relu splits a size",
        "relu(x) + relu(-x) = abs(x)",
        (Twin("sign", "relu(x) - relu(-x) = abs(x)"), Twin("half", "relu(x) + relu(-x) = abs(x)/2")),
    ),
    Case(
        "relu is positively homogeneous",
        "relu(c*x) = c*relu(x)",
        (Twin("any factor", "relu(c*x) = c*relu(x)", ()), Twin("factor forgotten", "relu(c*x) = relu(x)")),
        given=("c > 0",),
    ),
    Case(
        "the larger of two numbers",
        "max(a, b) = (a + b + abs(a - b)) / 2",
        (Twin("the smaller", "max(a, b) = (a + b - abs(a - b)) / 2"), Twin("half", "max(a, b) = a + b + abs(a - b)")),
    ),
    Case(
        "leaky relu",
        "where(x > 0, x, a*x) = max(x, 0) + a*min(x, 0)",
        (
            Twin("slope forgotten", "where(x > 0, x, a*x) = max(x, 0) + min(x, 0)"),
            Twin("one maximum", "where(x > 0, x, a*x) = max(x, a*x)"),
        ),
    ),
    Case(
        "the Huber loss has a clipped gradient",
        "diff(where(abs(r) <= c, r**2/2, c*(abs(r) - c/2)), r) = max(min(r, c), -c)",
        (
            Twin("not clipped", "diff(where(abs(r) <= c, r**2/2, c*(abs(r) - c/2)), r) = r"),
            Twin("clipped above alone", "diff(where(abs(r) <= c, r**2/2, c*(abs(r) - c/2)), r) = min(r, c)"),
            Twin("factor 2", "diff(where(abs(r) <= c, r**2/2, c*(abs(r) - c/2)), r) = 2*max(min(r, c), -c)"),
        ),
        given=("c > 0",),
    ),
    Case(
        "the Huber loss by a minimum",
        "where(abs(r) <= c, r**2/2, c*(abs(r) - c/2)) = m*(abs(r) - m/2)",
        (
            Twin("half forgotten", "where(abs(r) <= c, r**2/2, c*(abs(r) - c/2)) = m*(abs(r) - m)"),
            Twin("size forgotten", "where(abs(r) <= c, r**2/2, c*(abs(r) - c/2)) = m*(r - m/2)"),
        ),
        ("m = min(abs(r), c)",),
    ),
    Case(
        "hinge loss",
        "diff(L, z[n]) = -t[n]*[t[n]*z[n] < 1] / N",
        (
            Twin("label forgotten", "diff(L, z[n]) = -[t[n]*z[n] < 1] / N"),
            Twin("the other side", "diff(L, z[n]) = -t[n]*[t[n]*z[n] > 1] / N"),
        ),
        ("L = mean(max(1 - t[n]*z[n], 0), n)",),
    ),
    Case(
        "mean absolute error",
        "diff(L, y[n]) = sign(y[n] - t[n]) / N",
        (
            Twin("sign", "diff(L, y[n]) = sign(t[n] - y[n]) / N"),
            Twin("1/N forgotten", "diff(L, y[n]) = sign(y[n] - t[n])"),
        ),
        ("L = mean(abs(y[n] - t[n]), n)",),
    ),
    Case(
        "max pooling sends the gradient to the first maximum",
        "sum(g[n]*diff(max(x[n,i], i), x[m,k]), n) = g[m]*delta(k, argmax(x[m,i], i))",
        (
            Twin("to every place", "sum(g[n]*diff(max(x[n,i], i), x[m,k]), n) = g[m]"),
            Twin(
                "times the value", "sum(g[n]*diff(max(x[n,i], i), x[m,k]), n) = g[m]*x[m,k]*delta(k, argmax(x[m,i], i))"
            ),
        ),
    ),
)
