"""Every right implementation of the corpus and how it is called."""

from __future__ import annotations

from typing import Any

from handwritten.corpus.case import Case

X = {"x": "normal N D"}
DENSE = {"x": "normal N D", "w": "normal D K", "b": "normal K"}
DX = {"x": "dinputs"}


def layer(file: str, name: str, operation: str | None, values: Any = X, grads: Any = DX, **more: Any) -> Case:
    """A class with forward and backward whose results are in attributes or are returned."""
    return Case(file, name, "attributes", operation, values, ("x",), grads, **more)


def module(name: str, operation: str | None, values: Any = X, grads: Any = None, **more: Any) -> Case:
    return Case("cached_modules.py", name, "returns", operation, values, ("x",), grads or {"x": "return"}, **more)


def loss(file: str, name: str, operation: str | None, labels: str, place: str = "dinputs", **more: Any) -> Case:
    """A loss of predictions p and labels t whose backward takes both again."""
    values = {"p": "normal N K", "t": labels} | more.pop("values", {})
    given = {"backward": ("p", "t"), "worlds": ()} | more
    return Case(file, name, "loss", operation, values, ("p", "t"), {"p": place}, **given)


def pair(file: str, name: str, operation: str | None, values: dict[str, str], *grads: str, **more: Any) -> Case:
    inputs = more.pop("inputs", tuple(values))
    place = {grads[0]: "return"} if len(grads) == 1 else {grad: at for at, grad in enumerate(grads)}
    return Case(file, name, "pair", operation, values, inputs, place, backward=("u", "cache"), **more)


def derivative(name: str, operation: str | None) -> Case:
    return Case("derivatives.py", name, "derivative", operation, X, ("x",), {"x": "return"}, backward=("x",))


def graph(name: str, operation: str | None, values: dict[str, str], **more: Any) -> Case:
    names = tuple(values)
    grads = {"x": "return"} if len(names) == 1 else {each: at for at, each in enumerate(names)}
    return Case("tensor_ops.py", name, "returns", operation, values, names, grads, **more)


def habit(name: str, operation: str | None, values: Any, grads: Any, **more: Any) -> Case:
    given = {"inputs": ("x",)} | more
    return Case("more_habits.py", name, "returns", operation, values, grads=grads, **given)


def torch(name: str, operation: str | None, values: dict[str, str], *grads: str, **more: Any) -> Case:
    places = {grad: "grad" for grad in grads}
    return Case("torch_functions.py", name, "torch", operation, values, tuple(values), places, **more)


def lesson(name: str, operation: str | None, values: Any, grads: Any, **more: Any) -> Case:
    given = {"inputs": ("x",)} | more
    return Case("lessons.py", name, "attributes", operation, values, grads=grads, **given)


LAYERS = (
    layer(
        "simple_layers.py",
        "DenseLayer",
        "dense",
        {"x": "normal N D", "w": "normal D K", "b": "normal 1 K"},
        {"x": "dinputs", "w": "dweights", "b": "dbiases"},
        parameters={"w": "weights", "b": "biases"},
        init=(4, 5),
    ),
    layer("simple_layers.py", "ActivationReLU", "relu"),
    layer("simple_layers.py", "ActivationSigmoid", "sigmoid"),
    layer("simple_layers.py", "ActivationTanh", "tanh"),
    layer("simple_layers.py", "ActivationSoftmax", "softmax"),
    layer("simple_layers.py", "DropoutLayer", "dropout", init=(0.4,)),
    layer(
        "columns.py",
        "ColumnDense",
        "dense-columns",
        {"x": "normal D N", "w": "normal K D", "b": "normal K 1"},
        {"x": "dA", "w": "dW", "b": "db"},
        parameters={"w": "W", "b": "b"},
        init=(4, 5),
    ),
    layer("columns.py", "ColumnSoftmax", None, {"x": "normal K N"}, {"x": "return"}),
    layer(
        "convnet.py",
        "Conv2D",
        "conv2d",
        {"x": "normal N C H W", "w": "normal O C R R", "b": "normal O"},
        {"x": "return", "w": "dweight", "b": "dbias"},
        parameters={"w": "weight", "b": "bias"},
        init=(2, 3, 3, 1, 0),
        variants=({"init": (2, 3, 3, 2, 1)},),
        worlds=(),
    ),
    layer("convnet.py", "MaxPool2D", "max-pool2d", {"x": "normal N C H W"}, variants=({"init": (3, 1)},)),
    layer(
        "convnet.py", "AvgPool2D", "avg-pool2d", {"x": "normal N C H W"}, {"x": "return"}, variants=({"init": (3, 1)},)
    ),
    Case(
        "convnet.py",
        "Conv1D",
        "returns",
        "conv1d",
        {"x": "normal N C T", "w": "normal O C R", "b": "normal O"},
        ("x",),
        {"x": 0, "w": 1, "b": 2},
        parameters={"w": "W", "b": "b"},
        init=(2, 3, 3),
        worlds=(),
    ),
)
MODULES = (
    module("Linear", "dense", DENSE, {"x": 0, "w": 1, "b": 2}, parameters={"w": "W", "b": "b"}, init=(4, 5)),
    module(
        "LayerNorm",
        "layer-norm",
        {"x": "normal N D", "g": "normal D", "b": "normal D"},
        {"x": 0, "g": 1, "b": 2},
        parameters={"g": "gamma", "b": "beta"},
        init=(4,),
        variants=({"values": {"x": "normal N T D"}}, {"init": (4, 0.5)}),
        worlds=(),
    ),
    module(
        "RMSNorm",
        "rms-norm",
        {"x": "normal N D", "g": "normal D"},
        {"x": 0, "g": 1},
        parameters={"g": "weight"},
        init=(4,),
        variants=({"values": {"x": "normal N T D"}}, {"init": (4, 0.5)}),
        worlds=(),
    ),
    module(
        "Embedding",
        "embedding",
        {"x": "ids:S N T", "w": "normal V D"},
        {"w": "return"},
        parameters={"w": "weight"},
        init=(9, 4),
        variants=({"values": {"x": "ids:V N"}},),
        worlds=(),
    ),
    module("GELU", "gelu"),
    module("SiLU", "silu"),
    module("LeakyReLU", "leaky-relu", init=(0.3,)),
)
LOSSES = (
    loss(
        "simple_losses.py",
        "CategoricalCrossEntropy",
        "cce",
        "onehot N K",
        values={"p": "simplex N K"},
        variants=({"values": {"t": "ids:K N"}, "operation": "cce-sparse"},),
    ),
    loss(
        "simple_losses.py",
        "ClippedCrossEntropy",
        None,
        "onehot N K",
        "return",
        values={"p": "simplex N K"},
        variants=({"init": (0.2,)}, {"values": {"t": "simplex N K"}, "init": (0.2,)}),
    ),
    loss("simple_losses.py", "BinaryCrossEntropy", "bce", "bits N K", values={"p": "interval N K"}),
    loss("simple_losses.py", "MeanSquaredError", "mse", "normal N K"),
    loss("simple_losses.py", "MeanAbsoluteError", "mae", "normal N K", "return"),
    loss("simple_losses.py", "HuberLoss", "huber", "wide N K", variants=({"init": (0.4,)},)),
    loss(
        "columns.py",
        "ColumnLogisticLoss",
        None,
        "bits 1 N",
        "return",
        values={"p": "interval 1 N"},
    ),
    Case(
        "combined_losses.py",
        "SoftmaxCrossEntropy",
        "combined",
        "softmax-cce",
        {"z": "normal N K", "t": "onehot N K"},
        ("z", "t"),
        {"z": "dinputs"},
        backward=(".output", "t"),
        variants=({"values": {"t": "ids:K N"}},),
        worlds=("large",),
    ),
    Case(
        "combined_losses.py",
        "SoftmaxWithLoss",
        "combined",
        "softmax-cce",
        {"z": "normal N K", "t": "onehot N K"},
        ("z", "t"),
        {"z": "return"},
        variants=({"values": {"t": "weights N K"}},),
        worlds=("large",),
    ),
    Case(
        "combined_losses.py",
        "SigmoidBCE",
        "combined",
        "bce-logits",
        {"z": "normal N K", "t": "bits N K"},
        ("z", "t"),
        {"z": "return"},
        backward=(".probs", "t"),
        variants=({"values": {"t": "interval N K"}},),
        worlds=("large",),
    ),
)
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
        {"x": "normal N C H W", "w": "normal O C R R", "b": "normal O"},
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
