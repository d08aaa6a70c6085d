"""Functions of single numbers."""

from identities.case import Case, Twin

CASES = (
    Case(
        "sigmoid mirrored",
        "sigmoid(x) = 1 - sigmoid(-x)",
        (Twin("even", "sigmoid(x) = sigmoid(-x)"), Twin("odd", "sigmoid(x) = -sigmoid(-x)")),
    ),
    Case(
        "sigmoid is the two-class softmax",
        "exp(z[n,0]) / (exp(z[n,0]) + exp(z[n,1])) = sigmoid(z[n,0] - z[n,1])",
        (
            Twin("the other class", "exp(z[n,0]) / (exp(z[n,0]) + exp(z[n,1])) = sigmoid(z[n,1] - z[n,0])"),
            Twin("one logit alone", "exp(z[n,0]) / (exp(z[n,0]) + exp(z[n,1])) = sigmoid(z[n,0])"),
        ),
    ),
    Case(
        "tanh is a stretched sigmoid",
        "tanh(x) = 2*sigmoid(2*x) - 1",
        (Twin("2 forgotten inside", "tanh(x) = 2*sigmoid(x) - 1"), Twin("1 forgotten", "tanh(x) = 2*sigmoid(2*x)")),
    ),
    Case(
        "sigmoid by tanh",
        "sigmoid(x) = (1 + tanh(x/2)) / 2",
        (
            Twin("1/2 forgotten inside", "sigmoid(x) = (1 + tanh(x)) / 2"),
            Twin("sign", "sigmoid(x) = (1 - tanh(x/2)) / 2"),
        ),
    ),
    Case(
        "sigmoid and log-odds",
        "log(y / (1 - y)) = x",
        (Twin("upside down", "log((1 - y) / y) = x"), Twin("logarithm of the output", "log(y) = x")),
        ("y = sigmoid(x)",),
    ),
    Case(
        "derivative of sigmoid",
        "diff(y, x) = y*(1 - y)",
        (
            Twin("tanh's", "diff(y, x) = 1 - y**2"),
            Twin("sign", "diff(y, x) = y*(1 + y)"),
            Twin("by the input", "diff(y, x) = x*(1 - x)"),
        ),
        ("y = sigmoid(x)",),
    ),
    Case(
        "second derivative of sigmoid",
        "diff(diff(y, x), x) = y*(1 - y)*(1 - 2*y)",
        (
            Twin("2 forgotten", "diff(diff(y, x), x) = y*(1 - y)*(1 - y)"),
            Twin("sign", "diff(diff(y, x), x) = y*(1 - y)*(2*y - 1)"),
        ),
        ("y = sigmoid(x)",),
    ),
    Case(
        "derivative of tanh",
        "diff(y, x) = 1 - y**2",
        (Twin("sigmoid's", "diff(y, x) = y*(1 - y)"), Twin("sign", "diff(y, x) = 1 + y**2")),
        ("y = tanh(x)",),
    ),
    Case(
        "second derivative of tanh",
        "diff(diff(y, x), x) = -2*y*(1 - y**2)",
        (
            Twin("factor 2", "diff(diff(y, x), x) = -y*(1 - y**2)"),
            Twin("chain rule forgotten", "diff(diff(y, x), x) = -2*y"),
        ),
        ("y = tanh(x)",),
    ),
    Case(
        "derivative of tanh by exponentials",
        "diff(tanh(x), x) = 4 / (exp(x) + exp(-x))**2",
        (
            Twin("factor 4", "diff(tanh(x), x) = 1 / (exp(x) + exp(-x))**2"),
            Twin("square forgotten", "diff(tanh(x), x) = 2 / (exp(x) + exp(-x))"),
        ),
    ),
    Case(
        "tanh by exponentials",
        "tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        (
            Twin("upside down", "tanh(x) = (exp(x) + exp(-x)) / (exp(x) - exp(-x))"),
            Twin("the sine alone", "tanh(x) = (exp(x) - exp(-x)) / 2"),
        ),
    ),
    Case(
        "tanh of a sum",
        "tanh(a + b) = (tanh(a) + tanh(b)) / (1 + tanh(a)*tanh(b))",
        (
            Twin("sign below the line, as for tan", "tanh(a + b) = (tanh(a) + tanh(b)) / (1 - tanh(a)*tanh(b))"),
            Twin("linear", "tanh(a + b) = tanh(a) + tanh(b)"),
        ),
    ),
    Case(
        "tanh of the double",
        "tanh(2*x) = 2*tanh(x) / (1 + tanh(x)**2)",
        (
            Twin("sign below the line", "tanh(2*x) = 2*tanh(x) / (1 - tanh(x)**2)"),
            Twin("square forgotten", "tanh(2*x) = 2*tanh(x) / (1 + tanh(x))"),
        ),
    ),
    Case(
        "derivative of softplus is sigmoid",
        "diff(log(1 + exp(x)), x) = sigmoid(x)",
        (
            Twin("mirrored", "diff(log(1 + exp(x)), x) = sigmoid(-x)"),
            Twin("chain rule forgotten", "diff(log(1 + exp(x)), x) = 1 / (1 + exp(x))"),
        ),
    ),
    Case(
        "softplus mirrored",
        "log(1 + exp(x)) = x + log(1 + exp(-x))",
        (Twin("sign", "log(1 + exp(x)) = log(1 + exp(-x)) - x"), Twin("even", "log(1 + exp(x)) = log(1 + exp(-x))")),
    ),
    Case(
        "softplus without overflow",
        "log(1 + exp(x)) = max(x, 0) + log(1 + exp(-abs(x)))",
        (
            Twin("sign in the exponent", "log(1 + exp(x)) = max(x, 0) + log(1 + exp(abs(x)))"),
            Twin("the rectifier alone", "log(1 + exp(x)) = max(x, 0)"),
        ),
    ),
    Case(
        "log-sigmoid and its derivative",
        "diff(log(y), x) = 1 - y",
        (Twin("the other half", "diff(log(y), x) = y"), Twin("chain rule forgotten", "diff(log(y), x) = 1/y")),
        ("y = sigmoid(x)",),
    ),
    Case(
        "log-sigmoid by softplus",
        "log(sigmoid(x)) = -log(1 + exp(-x))",
        (
            Twin("sign inside", "log(sigmoid(x)) = -log(1 + exp(x))"),
            Twin("sign outside", "log(sigmoid(x)) = log(1 + exp(-x))"),
        ),
    ),
    Case(
        "derivative of SiLU by the sigmoid",
        "diff(x*s, x) = s*(1 + x*(1 - s))",
        (
            Twin("sign", "diff(x*s, x) = s*(1 - x*(1 - s))"),
            Twin("the product rule's first half", "diff(x*s, x) = s"),
            Twin("the second half", "diff(x*s, x) = x*s*(1 - s)"),
        ),
        ("s = sigmoid(x)",),
    ),
    Case(
        "derivative of SiLU by its output",
        "diff(y, x) = y + sigmoid(x)*(1 - y)",
        (Twin("input for output", "diff(y, x) = x + sigmoid(x)*(1 - x)"), Twin("sigmoid's", "diff(y, x) = y*(1 - y)")),
        ("y = x*sigmoid(x)",),
    ),
    Case(
        "derivative of Swish with a slope",
        "diff(y, x) = b*y + sigmoid(b*x)*(1 - b*y)",
        (
            Twin("slope forgotten", "diff(y, x) = y + sigmoid(b*x)*(1 - y)"),
            Twin("slope forgotten once", "diff(y, x) = b*y + sigmoid(b*x)*(1 - y)"),
        ),
        ("y = x*sigmoid(b*x)",),
    ),
    Case(
        "derivative of GELU",
        "diff(y, x) = (1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)",
        (
            Twin("density forgotten", "diff(y, x) = (1 + erf(x/sqrt(2)))/2"),
            Twin("1/2 in the exponent forgotten", "diff(y, x) = (1 + erf(x/sqrt(2)))/2 + x*exp(-x**2)/sqrt(2*pi)"),
            Twin("input forgotten", "diff(y, x) = (1 + erf(x/sqrt(2)))/2 + exp(-x**2/2)/sqrt(2*pi)"),
        ),
        ("y = x*(1 + erf(x/sqrt(2)))/2",),
    ),
    Case(
        "derivative of GELU by tanh",
        "diff(y, x) = (1 + t)/2 + x*(1 - t**2)*c*(1 + 3*a*x**2)/2",
        (
            Twin("3 forgotten", "diff(y, x) = (1 + t)/2 + x*(1 - t**2)*c*(1 + a*x**2)/2"),
            Twin("inner derivative forgotten", "diff(y, x) = (1 + t)/2 + x*(1 - t**2)/2"),
        ),
        ("t = tanh(c*(x + a*x**3))", "y = x*(1 + t)/2"),
    ),
    Case(
        "derivative of Mish",
        "diff(y, x) = w + x*(1 - w**2)*sigmoid(x)",
        (
            Twin("softplus' derivative forgotten", "diff(y, x) = w + x*(1 - w**2)"),
            Twin("sigmoid's for tanh's", "diff(y, x) = w + x*w*(1 - w)*sigmoid(x)"),
        ),
        ("w = tanh(log(1 + exp(x)))", "y = x*w"),
    ),
    Case(
        "log-cosh and tanh",
        "diff(log((exp(x) + exp(-x))/2), x) = tanh(x)",
        (
            Twin("upside down", "diff(log((exp(x) + exp(-x))/2), x) = 1/tanh(x)"),
            Twin("half", "diff(log((exp(x) + exp(-x))/2), x) = tanh(x)/2"),
        ),
    ),
)
