"""Functions that NumPy has not, as source text that goes into a module that needs them.

The polynomials of ``_erf`` are Chebyshev interpolations made with mpmath in 50 digits, highest power first: of
erf(sqrt(u))/sqrt(u) on 0 <= u <= 1, and of erfc(x)*exp(x*x) on 1 <= x <= 6 in t = (x - 3)/(x + 3). Their error is
below 1e-17; a test computes them again. In float64 the function is right to 2 units in the last place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

SIGMOID = '''\
def _sigmoid(x):
    """Return 1 / (1 + exp(-x)); where exp(-x) is larger than any number, that is 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))
'''

BY_BLOCKS = '''\
def _by_blocks(function, x):
    """Apply a function of arrays of floats to a block of numbers after the other.

    What it computes on the way stays in the cache.
    """
    x = np.asarray(x)
    flat = x.reshape(-1) if x.dtype.kind == "f" else x.reshape(-1).astype(float)
    if flat.size <= 16384:
        return function(flat).reshape(x.shape)[()]
    result = np.empty_like(flat)
    for start in range(0, flat.size, 16384):
        block = slice(start, start + 16384)
        result[block] = function(flat[block])
    return result.reshape(x.shape)
'''

SOFTPLUS_TAIL = '''\
def _tail_of_block(x):
    """Return the tail of a block; what rounding takes from 1 + decay is put back."""
    decay = np.exp(-np.abs(x))
    total = 1 + decay
    decay -= total - 1
    decay /= total
    return np.log(total) + decay


def _softplus_tail(x):
    """Return log(1 + exp(-abs(x))), what log(1 + exp(x)) is beyond max(x, 0).

    np.log1p would take several times as long as np.log.
    """
    return _by_blocks(_tail_of_block, x)
'''

SOFTPLUS = '''\
def _softplus(x):
    """Return log(1 + exp(x)); the exponential of a positive number is never taken."""
    return np.maximum(x, 0) + _softplus_tail(x)
'''

SUM_TO = '''\
def _sum_to(gradient, shape):
    """Sum a gradient over the axes along which an input of this shape was broadcast."""
    added = np.ndim(gradient) - len(shape)
    repeated = [added + axis for axis, size in enumerate(shape) if size == 1]
    axes = (*range(added), *repeated)
    return np.sum(gradient, axis=axes).reshape(shape) if axes else gradient
'''

#: erf(sqrt(u))/sqrt(u) on 0 <= u <= 1, and erfc(x)*exp(x*x) on 1 <= x <= 6: coefficients, highest power first.
ERF_NEAR_ZERO = (
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
ERFC_BEYOND_ONE = (
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


#: erf(x)/x in float32 as A(u)/B(u) with u = x^2, for x up to 4: a rational least squares fit, weighted until the
#: largest relative error, 2.9e-8, is least.
ERF_ABOVE = (2.303811e-04, 3.58113273e-03, 5.14985715e-02, 1.89719061e-01, 1.12837914)
ERF_BELOW = (
    -1.12210337e-07,
    2.31595276e-05,
    1.05381377e-03,
    1.44266244e-02,
    1.12799712e-01,
    5.01466568e-01,
    1.0,
)


def _numbers_text(name: str, numbers: Sequence[float]) -> str:
    return "".join([f"{name} = (\n", *(f"    {number},\n" for number in numbers), ")\n"])


ERF = (
    _numbers_text("_ERF_NEAR_ZERO", ERF_NEAR_ZERO)
    + _numbers_text("_ERFC_BEYOND_ONE", ERFC_BEYOND_ONE)
    + _numbers_text("_ERF_ABOVE", ERF_ABOVE)
    + _numbers_text("_ERF_BELOW", ERF_BELOW)
    + '''\


def _polynomial(coefficients, x):
    """Evaluate a polynomial, highest power first, in the dtype of x."""
    value = coefficients[0] * x
    for coefficient in coefficients[1:-1]:
        value += coefficient
        value *= x
    value += coefficients[-1]
    return value


def _erf_single(x):
    """Return the error function in float32: x * A(x*x) / B(x*x), right to 6 units."""
    x = np.clip(x, -4, 4, dtype=np.float32)
    square = x * x
    value = _polynomial(_ERF_ABOVE, square)
    value *= x
    value /= _polynomial(_ERF_BELOW, square)
    return np.clip(value, -1, 1, out=value)


def _erf_double(x):
    """Return the error function in float64: up to 1 x * P(x*x), beyond 1 - exp(-x*x) * Q(x).

    P and Q are Chebyshev interpolations, Q in (x - 3) / (x + 3); right to 2 units.
    """
    near = np.clip(x, -1, 1)
    near *= _polynomial(_ERF_NEAR_ZERO, near * near)
    far = np.clip(np.abs(x), 1, 6)
    ratio = (far - 3) / (far + 3)
    beyond = np.exp(-far * far)
    beyond *= _polynomial(_ERFC_BEYOND_ONE, ratio)
    np.copysign(np.subtract(1, beyond, out=beyond), x, out=beyond)
    return np.where(far > 1, beyond, near)


def _erf_of_block(x):
    """Return the error function of a block, in its dtype."""
    if x.itemsize > 4:
        return _erf_double(x)
    return _erf_single(x).astype(x.dtype, copy=False)


def _erf(x):
    """Return the error function, right to a few units in the last place."""
    return _by_blocks(_erf_of_block, x)
'''
)

NORMAL_CDF = '''\
def _normal_cdf_of_block(x):
    """Return the distribution function of a block."""
    value = _erf(x * 0.5**0.5)
    value *= 0.5
    value += 0.5
    return value


def _normal_cdf(x):
    """Return (1 + erf(x / sqrt(2))) / 2, the standard normal distribution function."""
    return _by_blocks(_normal_cdf_of_block, x)
'''

WINDOW_PADDING = '''\
def _window_padding(shape, axes):
    """Return how far windows reach beyond the two ends of each axis of an array."""
    padding = [(0, 0)] * len(shape)
    for axis, start, *runs in axes:
        ways = [max(count - 1, 0) * step for count, step in runs]
        first = start + sum(min(way, 0) for way in ways)
        last = start + sum(max(way, 0) for way in ways)
        padding[axis] = (max(0, -first), max(0, last + 1 - shape[axis]))
    return padding
'''

WINDOW_VIEW = '''\
def _window_view(padded, padding, axes, writeable=False):
    """View an array, padded so far, through windows: no number is copied."""
    first = [0] * padded.ndim
    shape = [(size,) for size in padded.shape]
    strides = [(stride,) for stride in padded.strides]
    for axis, start, *runs in axes:
        first[axis] = start + padding[axis][0]
        shape[axis] = tuple(count for count, _ in runs)
        strides[axis] = tuple(step * padded.strides[axis] for _, step in runs)
    corner = padded[tuple(slice(place, None) for place in first)]
    shape, strides = sum(shape, ()), sum(strides, ())
    view = np.lib.stride_tricks.as_strided
    return view(corner, shape, strides, writeable=writeable)
'''

WINDOWS = '''\
def _windows(x, *axes):
    """View an array through windows, with zeros where they reach beyond it.

    Each of the axes is (axis, start, (count, step), ...) and makes room for an axis a pair:
    at i, j, ... stands what is at start + i * step + j * step + ... of it.
    """
    padding = _window_padding(x.shape, axes)
    padded = np.pad(x, padding) if any(map(any, padding)) else x
    return _window_view(padded, padding, axes)
'''

ADD_WINDOWS = '''\
def _add_windows(values, shape, *axes):
    """Add values up, in an array of a shape, at the places where _windows would view it.

    What overlaps is looped over: all but the longest of the axes that stand for one.
    """
    padding = _window_padding(shape, axes)
    added = np.zeros(
        [size + sum(more) for size, more in zip(shape, padding)], values.dtype
    )
    windows = _window_view(added, padding, axes, writeable=True)
    values = np.broadcast_to(values, windows.shape)
    groups = [1] * len(shape)
    for axis, _, *runs in axes:
        groups[axis] = len(runs)
    looped, place = [], 0
    for count in groups:
        own = list(range(place, place + count))
        own.remove(max(own, key=lambda axis: windows.shape[axis]))
        looped, place = looped + own, place + count
    for tap in np.ndindex(*(windows.shape[axis] for axis in looped)):
        at = [slice(None)] * windows.ndim
        for axis, where in zip(looped, tap):
            at[axis] = where
        windows[tuple(at)] += values[tuple(at)]
    return added[
        tuple(slice(more[0], more[0] + size) for size, more in zip(shape, padding))
    ]
'''

ADD_CHOSEN = '''\
def _add_chosen(values, numbers, picked, shape, *axes):
    """Add values up where _windows would view an array of a shape, each at one place of its window.

    The places of a window are numbered along the picked axes of the view.
    """
    padding = _window_padding(shape, axes)
    padded = [size + sum(more) for size, more in zip(shape, padding)]
    ways = [[np.arange(size)] for size in shape]
    for axis, start, *runs in axes:
        ways[axis] = [step * np.arange(count) for count, step in runs]
        ways[axis][0] += start + padding[axis][0]
    added = np.zeros(padded, values.dtype)
    strides = [stride // added.itemsize for stride in added.strides]
    ways = [way * stride for own, stride in zip(ways, strides) for way in own]
    corners = inside = 0
    for axis in picked:
        inside = np.add.outer(inside, ways[axis])
    for axis, way in enumerate(ways):
        corners = corners if axis in picked else np.add.outer(corners, way)
    places = corners + np.ravel(inside)[numbers]
    values = np.broadcast_to(values, places.shape)
    np.add.at(added.reshape(-1), places.ravel(), values.ravel())
    return added[
        tuple(slice(more[0], more[0] + size) for size, more in zip(shape, padding))
    ]
'''

FOLDED = '''\
def _folded(function, windows, axes):
    """Reduce the few places of windows, one after the other: a sum or maximum of views."""
    places = np.moveaxis(windows, axes, range(len(axes)))
    first, *others = np.ndindex(*places.shape[: len(axes)])
    result = places[first].copy()
    for place in others:
        function(result, places[place], out=result)
    return result
'''

FIRST_LARGEST = '''\
def _first_largest(windows, axes):
    """Return which of the few places of windows, in their order, holds the first of the largest."""
    places = np.moveaxis(windows, axes, range(len(axes)))
    first, *others = np.ndindex(*places.shape[: len(axes)])
    largest = places[first].copy()
    found = np.zeros(largest.shape, np.int8 if len(others) < 128 else np.intp)
    for number, place in enumerate(others, 1):
        better = places[place] > largest
        np.maximum(found, np.multiply(better, number, dtype=found.dtype), out=found)
        if number < len(others):
            np.maximum(largest, places[place], out=largest)
    return found.astype(np.intp)
'''

ADDED_AT = '''\
def _added_at(where, values, shape):
    """Add values up at places, of which some may be the same, in an array of zeros of a shape.

    It is what np.add.at does, which is several times faster along one axis than along several.
    """
    added = np.zeros(shape, values.dtype)
    places = np.ravel_multi_index(where, shape)
    values = np.broadcast_to(values, places.shape)
    np.add.at(added.reshape(-1), places.ravel(), values.ravel())
    return added
'''

SHIFTED = '''\
def _shifted(x, offset, axis):
    """Return what stands ``offset`` places further on along an axis, 0 beyond its ends."""
    size = x.shape[axis]
    first, last = max(0, -offset), min(size, size - offset)
    shifted = np.zeros_like(x)
    if first < last:
        source, target = np.moveaxis(x, axis, 0), np.moveaxis(shifted, axis, 0)
        target[first:last] = source[first + offset : last + offset]
    return shifted
'''

#: By the name that generated code calls, the source that defines it.
HELPERS: Mapping[str, str] = MappingProxyType(
    {
        "_sigmoid": SIGMOID,
        "_by_blocks": BY_BLOCKS,
        "_softplus_tail": SOFTPLUS_TAIL,
        "_softplus": SOFTPLUS,
        "_erf": ERF,
        "_normal_cdf": NORMAL_CDF,
        "_sum_to": SUM_TO,
        "_added_at": ADDED_AT,
        "_shifted": SHIFTED,
        "_add_chosen": ADD_CHOSEN,
        "_folded": FOLDED,
        "_first_largest": FIRST_LARGEST,
        "_window_padding": WINDOW_PADDING,
        "_window_view": WINDOW_VIEW,
        "_windows": WINDOWS,
        "_add_windows": ADD_WINDOWS,
    }
)


def helpers_in(text: str) -> tuple[str, ...]:
    """Return the helpers that a text calls, and those that they call, each before its callers."""
    found: dict[str, None] = {}
    waiting = [text]
    while waiting:
        calling = waiting.pop()
        for name in HELPERS:
            if name not in found and re.search(rf"(?<!\w)(?<!def ){name}\(", calling):
                found[name] = None
                waiting.append(HELPERS[name])
    return tuple(name for name in HELPERS if name in found)


def _loaded() -> Mapping[str, Any]:
    namespace: dict[str, Any] = {"np": np}
    for source in HELPERS.values():
        exec(source, namespace)
    return MappingProxyType({name: namespace[name] for name in HELPERS})


#: The same, as functions.
LOADED: Mapping[str, Any] = _loaded()
