"""Functions that NumPy has not, as source text that is put into a module that needs them.

The coefficients of ``_erf`` were fitted for this project (``tests/fit_erf.py`` prints them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
