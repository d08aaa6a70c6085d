"""Which operation of the catalogue the name of a class or function says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.catalogue import records

#: What classes are called beside the names of operations.
ALIASES = {
    "linear": "dense", "affine": "dense", "fullyconnected": "dense", "fc": "dense", "columndense": "dense-columns",
    "categoricalcrossentropy": "cce", "crossentropy": "cce", "softmaxcrossentropy": "softmax-cce",
    "softmaxcategoricalcrossentropy": "softmax-cce", "softmaxwithloss": "softmax-cce", "swish": "silu",
    "meansquarederror": "mse", "meansquared": "mse", "meanabsoluteerror": "mae", "binarycrossentropy": "bce",
    "logistic": "sigmoid", "lrelu": "leaky-relu", "huberloss": "huber", "softmaxce": "softmax-cce",
    "batchnormalization": "batch-norm", "layernormalization": "layer-norm", "rms": "rms-norm", "l2norm": "l2-normalise",
    "l2normalize": "l2-normalise",
    "sigmoidbce": "bce-logits", "bcewithlogits": "bce-logits", "kldivergence": "kl", "geluapprox": "gelu-tanh",
    "logcosh": "log-cosh", "negativeloglikelihood": "nll", "gelutanh": "gelu-tanh", "tanhgelu": "gelu-tanh",
}  # fmt: skip
_NOISE = re.compile(r"activation|layer(?!norm)|function|numpy|forward|module|^my|^np|loss|_|-", re.I)


def hinted(name: str) -> list[str]:
    """Return the operations that a name of a class or function says, the likeliest first.

    Example:
        >>> hinted("Activation_ReLU"), hinted("LayerNorm"), hinted("Network"), hinted("Swish")
        (['relu'], ['layer-norm'], [], ['swish', 'silu'])
    """
    plain = _NOISE.sub("", name).lower()
    known = {record.replace("-", ""): record for record in records()}
    whole = re.sub(r"_|-", "", name).lower()
    found = (known.get(plain), ALIASES.get(plain), known.get(whole), ALIASES.get(whole))
    return list(dict.fromkeys(each for each in found if each))


def is_hinted(name: str, hints: Sequence[str]) -> bool:
    """Return whether an operation is one of those that a name says, or a variant of one."""
    return any(name == hint or name.startswith(f"{hint}-") for hint in hints)
