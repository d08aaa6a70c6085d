"""Every right implementation of the corpus and how it is called."""

from __future__ import annotations

from handwritten.corpus.case import Case
from handwritten.corpus.classes import LAYERS, LOSSES, MODULES
from handwritten.corpus.recipes import DENSE, X, derivative, graph, habit, lesson, loss, pair, torch

NORM = {"x": "normal N D", "g": "normal D", "b": "normal D"}
CELL = {"x": "normal N D", "h": "normal N K"}
PAIRS = (
    pair("course_layers.py", "affine", "dense", DENSE, "x", "w", "b"),
    pair("course_layers.py", "relu", "relu", X, "x"),
    pair("course_layers.py", "batchnorm", "batch-norm", NORM, "x", "g", "b", worlds=()),
    pair("course_layers.py", "softmax", "softmax", X, "x"),
    pair("course_layers.py", "avg_pool", None, {"x": "normal N C H W"}, "x"),
    pair("course_layers.py", "scaled_tanh", None, {"x": "normal N D", "s": "normal D"}, "x", "s"),
    pair(
        "sequences.py",
        "rnn_step",
        "rnn-cell",
        CELL | {"wx": "normal D K", "wh": "normal K K", "b": "normal K"},
        *("x", "h", "wx", "wh", "b"),
    ),
    pair(
        "sequences.py",
        "lstm_step",
        None,
        CELL | {"c": "normal N K", "wx": "normal D 4K", "wh": "normal K 4K", "b": "normal 4K"},
        *("x", "h", "c", "wx", "wh", "b"),
    ),
    pair(
        "sequences.py",
        "attention",
        "attention",
        {"q": "normal N T D", "k": "normal N R D", "v": "normal N R K"},
        *("q", "k", "v"),
        worlds=("large",),
    ),
    pair("sequences.py", "word_embedding", "embedding", {"ids": "ids:S N T", "w": "normal V D"}, "w", worlds=()),
)
FUNCTIONS = (
    *(derivative(name, name) for name in ("sigmoid", "softplus", "elu", "tanh")),
    derivative("gelu", "gelu-tanh"),
    derivative("swish", "silu"),
    Case(
        "derivatives.py",
        "mse",
        "derivative",
        "mse",
        {"p": "normal N K", "t": "normal N K"},
        ("p", "t"),
        {"p": "return"},
        backward=("p", "t"),
        worlds=(),
    ),
)
DICTIONARIES = (
    Case(
        "named_gradients.py",
        "Affine",
        "dictionaries",
        "dense",
        DENSE,
        ("x",),
        {"x": "return", "w": "grads.W", "b": "grads.b"},
        parameters={"w": "params.W", "b": "params.b"},
        init=(4, 5),
    ),
    Case(
        "named_gradients.py",
        "PReLU",
        "dictionaries",
        "prelu",
        {"x": "normal N D", "a": "normal D"},
        ("x",),
        {"x": "return", "a": "grads.a"},
        parameters={"a": "params.a"},
        init=(4,),
    ),
    Case(
        "named_gradients.py",
        "BatchNorm",
        "dictionaries",
        "batch-norm",
        NORM | {"m": "normal D", "v": "positive D"},
        ("x",),
        {"x": "return", "g": "grads.gamma", "b": "grads.beta"},
        parameters={"g": "params.gamma", "b": "params.beta", "m": "running_mean", "v": "running_var"},
        init=(4,),
        variants=({"inputs": ("x", False)},),
        worlds=(),
    ),
    Case(
        "named_gradients.py",
        "SelfAttention",
        "dictionaries",
        None,
        {"x": "normal N T D", "wq": "normal D D", "wk": "normal D D", "wv": "normal D D"},
        ("x",),
        {"x": "return", "wq": "grads.Wq", "wk": "grads.Wk", "wv": "grads.Wv"},
        parameters={"wq": "params.Wq", "wk": "params.Wk", "wv": "params.Wv"},
        init=(4,),
        worlds=("large",),
    ),
)
GRAPH = (
    graph("MatMul", "matmul", {"a": "normal N D", "b": "normal D K"}),
    graph("Multiply", "mul", {"a": "normal N D", "b": "normal N D"}),
    graph("Divide", "div", {"a": "normal N D", "b": "positive N D"}, worlds=()),
    graph("AddBias", None, {"x": "normal N D", "b": "normal D"}),
    graph("L2Normalize", "l2-normalise", X, init=(0.01,)),
    graph("LogSoftmax", "log-softmax", X),
    graph("Square", "square", X),
    graph("RowMean", "mean", X),
    graph("RowMax", "max", X),
)
LESSONS = (
    lesson(
        "Neurons",
        "dense",
        DENSE,
        {"x": "dL_dx", "w": "dL_dW", "b": "dL_db"},
        parameters={"w": "W", "b": "b"},
        init=("w", "b"),
    ),
    lesson("ReLU", "relu", X, {"x": "dL_dz"}),
    lesson("Softmax", "softmax", X, {"x": "dL_dz"}),
    lesson(
        "SquaredError",
        None,
        {"x": "normal N K", "t": "normal N K"},
        {"x": "dL_da"},
        inputs=("x", "t"),
        backward=(),
        worlds=(),
    ),
    lesson(
        "Recurrent",
        None,
        {"x": "normal N T D", "wx": "normal D K", "wh": "normal K K", "b": "normal K"},
        {"x": "dL_dx", "wx": "dL_dWx", "wh": "dL_dWh", "b": "dL_db"},
        parameters={"wx": "Wx", "wh": "Wh", "b": "b"},
        init=("wx", "wh", "b"),
        worlds=(),
    ),
)
HABITS = (
    habit(
        "TimeDistributedDense",
        None,
        {"x": "normal N T D", "w": "normal D K", "b": "normal K"},
        {"x": "x", "w": "kernel", "b": "bias"},
        parameters={"w": "kernel", "b": "bias"},
        init=(4, 5),
    ),
    habit("Softplus", "softplus", X, {"x": "return"}),
    habit("Mish", "mish", X, {"x": "return"}),
    loss("more_habits.py", "HingeLoss", "multiclass-hinge", "ids:K N", "return"),
    habit(
        "CosineSimilarity",
        None,
        {"u": "normal N D", "v": "normal N D"},
        {"u": 0, "v": 1},
        inputs=("u", "v"),
        worlds=(),
    ),
    Case(
        "more_habits.py",
        "LabelSmoothedCrossEntropy",
        "combined",
        "cce-smoothed",
        {"z": "normal N K", "t": "onehot N K"},
        ("z", "t"),
        {"z": "return"},
        backward=(),
        init=(0.3,),
        worlds=("large",),
    ),
    habit("Standardize", None, X, {"x": "return"}, worlds=()),
    pair(
        "more_habits.py",
        "conv",
        "conv2d",
        {"x": "normal N C 6 5", "w": "normal O C R R", "b": "normal O"},
        *("x", "w", "b"),
        inputs=("x", "w", "b"),
        variants=({"inputs": ("x", "w", "b", 2, 1)},),
        worlds=(),
    ),
    pair("more_habits.py", "max_pool", "max-pool2d", {"x": "normal N C H W"}, "x"),
    pair("more_habits.py", "dropout", "dropout", X, "x"),
)
TORCH = (
    torch("MyReLU", "relu", X, "x"),
    torch("LinearFunction", None, {"x": "normal N D", "w": "normal K D", "b": "normal K"}, "x", "w", "b"),
    torch("SoftmaxFunction", "softmax", X, "x"),
    torch("Exp", "exp", X, "x", worlds=()),
    torch("SwishFunction", "silu", X, "x", worlds=("ties",)),
    torch("MSEFunction", "mse", {"p": "normal N K", "t": "normal N K"}, "p", worlds=()),
)
CASES = (*LAYERS, *MODULES, *LOSSES, *PAIRS, *FUNCTIONS, *DICTIONARIES, *GRAPH, *LESSONS, *TORCH, *HABITS)
BY_TARGET = {case.target: case for case in CASES}
