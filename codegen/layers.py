"""The table of layers: what a row does not say, the operation's record does.

Every operation of the catalogue is here under its name without hyphens, as classes are written: ``layers.Huber()``,
``layers.ReLU6()``, ``layers.MaxPool2d(3)``. Capitals inside a name may be written as one likes. ``kind_of`` takes the
name itself, or a definition's text.
"""

from __future__ import annotations

from codegen.layer import Layer as Layer
from codegen.layer_kinds import LayerKind as LayerKind
from codegen.layer_kinds import Start
from derive.catalogue import find, records

WEIGHTS = {"w": "weights", "b": "biases"}
SCALE = {"g": "gamma", "b": "beta"}
GATES = {"w": "gate_weights", "v": "weights"}
CELL = {**WEIGHTS, "u": "recurrent_weights", "b0": "recurrent_biases", "x": "inputs"}

Dense = LayerKind(
    ("dense",),
    names={"x": "inputs", **WEIGHTS},
    starts={"w": Start(spread=0.01), "b": Start(ones=1)},
)
DenseColumns = LayerKind(("dense-columns",), WEIGHTS)
Bilinear = LayerKind(("bilinear",), WEIGHTS)
Embedding = LayerKind(("embedding",), {"w": "table"})

Conv1d = LayerKind(("conv1d",), WEIGHTS)
Conv2d = LayerKind(("conv2d",), WEIGHTS)
DepthwiseConv1d = LayerKind(("depthwise-conv1d",), WEIGHTS)
AvgPool1d = LayerKind(("avg-pool1d",))
AvgPool2d = LayerKind(("avg-pool2d",))
MaxPool1d = LayerKind(("max-pool1d",))
MaxPool2d = LayerKind(("max-pool2d",))

LayerNorm = LayerKind(("layer-norm",), SCALE)
RMSNorm = LayerKind(("rms-norm",), SCALE)
BatchNorm = LayerKind(("batch-norm",), SCALE)
GroupNorm = LayerKind(("group-norm",), SCALE)
InstanceNorm = LayerKind(("instance-norm",), SCALE)
ResidualLayerNorm = LayerKind(("residual-layer-norm",), {**SCALE, "x": "inputs"})

ReLU = LayerKind(("relu",))
LeakyReLU = LayerKind(("leaky-relu",))
PReLU = LayerKind(("prelu",), {"a": "slopes"})
Sigmoid = LayerKind(("sigmoid",))
Tanh = LayerKind(("tanh",))
Softplus = LayerKind(("softplus",))
SiLU = LayerKind(("silu",))
GELU = LayerKind(("gelu",))
Softmax = LayerKind(("softmax",))
LogSoftmax = LayerKind(("log-softmax",))

RNNCell = LayerKind(("rnn-cell",), CELL)
LSTMCell = LayerKind(("lstm-cell",), CELL)
GRUCell = LayerKind(("gru-cell",), CELL)

MultiHeadAttention = LayerKind(("multi-head-attention",))
SwiGLU = LayerKind(("swiglu",), GATES)
GEGLU = LayerKind(("geglu",), GATES)
TransformerBlock = LayerKind(("transformer-block",))

MeanSquaredError = LayerKind(("mse",))
NegativeLogLikelihood = LayerKind(("nll", "nll-sparse"))
BinaryCrossEntropy = LayerKind(("bce",))
SigmoidBinaryCrossEntropy = LayerKind(("bce-logits",), names={"p": "probabilities"}, backward_takes=("p", "t"))
CategoricalCrossEntropy = LayerKind(("cce", "cce-sparse"))
SoftmaxCategoricalCrossEntropy = LayerKind(
    ("softmax-cce", "softmax-cce-sparse"), names={"p": "probabilities"}, backward_takes=("p", "t")
)
LinearSoftmaxCategoricalCrossEntropy = LayerKind(("linear-softmax-cce",), WEIGHTS)
LinearMeanSquaredError = LayerKind(("linear-mse",), WEIGHTS)

#: The rows, by the operation that stands first in them.
_ROWS = {row.operations[0]: row for row in tuple(globals().values()) if isinstance(row, LayerKind)}
#: The catalogue's names as classes are written.
_WRITTEN = {"".join(part[:1].upper() + part[1:] for part in name.split("-")): name for name in records()}
_FOLDED = {written.lower(): name for written, name in _WRITTEN.items()}


def kind_of(operation: str) -> LayerKind:
    """Return the kind of layer that an operation makes: its row in the table, or one that the record alone tells.

    Args:
        operation: a catalogue name or a definition's text.

    Raises:
        InputError: there is no such operation.

    Example:
        >>> kind_of("layer-norm") is LayerNorm
        True
        >>> kind_of("huber")(d=2.0)
        Layer(huber)
        >>> kind_of("u = dense(x, w, b); y = relu(u)")(D=2, K=3)
        Layer(y, w (2, 3), b (3,))
    """
    name = find(operation).name
    return _ROWS.get(name) or LayerKind((operation,))


def __getattr__(name: str) -> LayerKind:
    """Return the kind of layer of an operation, by its name without hyphens."""
    known = _FOLDED.get(name.lower()) if name[:1].isupper() else None
    if known is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return kind_of(known)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WRITTEN})
