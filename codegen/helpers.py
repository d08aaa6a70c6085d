"""Functions that NumPy has not, as source text that goes into a module that needs them.

The polynomials of ``_erf`` are Chebyshev interpolations made with mpmath in 50 digits, highest power first: of
erf(sqrt(u))/sqrt(u) on 0 <= u <= 1, and of erfc(x)*exp(x*x) on 1 <= x <= 6 in t = (x - 3)/(x + 3). Their error is
below 1e-17; a test computes them again. In float64 the function is right to 2 units in the last place.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

SIGMOID = '''\
def _sigmoid(x):
    """Return 1 / (1 + exp(-x)); the exponential of a positive number is never taken."""
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, decay) / (1 + decay)
'''

SUM_TO = '''\
def _sum_to(gradient, shape):
    """Sum a gradient over the axes along which an input of this shape was broadcast."""
    added = np.ndim(gradient) - len(shape)
    repeated = [added + axis for axis, size in enumerate(shape) if size == 1]
    axes = (*range(added), *repeated)
    return np.sum(gradient, axis=axes).reshape(shape) if axes else gradient
'''

ERF = '''\
_ERF_NEAR_ZERO = (
    -7.795898827002142e-10,
    1.3720064546777686e-08,
    -1.6208483801871705e-07,
    1.6447424703317362e-06,
    -1.492473690741966e-05,
    0.00012055294904839707,
    -0.0008548325975389692,
    0.0052239776071164225,
    -0.02686617064323777,
    0.11283791670945006,
    -0.37612638903183543,
    1.1283791670955126,
)
_ERFC_BEYOND_ONE = (
    3.381355142042904e-09,
    1.2755818949624478e-06,
    2.0135111426447427e-06,
    -8.00978093907608e-06,
    -1.2845780030775907e-05,
    6.406279226046039e-05,
    4.525434558991009e-05,
    -0.0005970624964924544,
    0.0007077464666941425,
    0.004269136356961225,
    -0.024392499318915004,
    0.07166583719747308,
    -0.15011593650077898,
    0.24560380171233487,
    -0.3262335600430372,
    0.17900115118138996,
)


def _polynomial(coefficients, x):
    """Evaluate a polynomial, highest power first, in the dtype of x."""
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _erf(x):
    """Return the error function, right to 2 units in the last place of float64.

    Up to 1 it is x * P(x*x), beyond 1 - exp(-x*x) * Q((x - 3) / (x + 3)); P and Q are
    Chebyshev interpolations.
    """
    near = np.clip(x, -1, 1)
    far = np.clip(np.abs(x), 1, 6)
    ratio = (far - 3) / (far + 3)
    inner = near * _polynomial(_ERF_NEAR_ZERO, near * near)
    outer = 1 - np.exp(-far * far) * _polynomial(_ERFC_BEYOND_ONE, ratio)
    return np.where(np.abs(x) <= 1, inner, np.copysign(outer, x))
'''

#: By the name that generated code calls, the source that defines it.
HELPERS: Mapping[str, str] = MappingProxyType({"_sigmoid": SIGMOID, "_erf": ERF, "_sum_to": SUM_TO})


def _loaded() -> Mapping[str, Any]:
    namespace: dict[str, Any] = {"np": np}
    for source in HELPERS.values():
        exec(source, namespace)
    return MappingProxyType({name: namespace[name] for name in HELPERS})


#: The same, as functions.
LOADED: Mapping[str, Any] = _loaded()
