"""Forward and backward passes in NumPy: gelu.

gelu: Gaussian error linear unit
    Phi = 1/2 + erf(x/sqrt(2))/2
    y = Phi*x
    Source: Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415, 2016
"""

import numpy as np


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
_ERF_ABOVE = (
    0.0002303811,
    0.00358113273,
    0.0514985715,
    0.189719061,
    1.12837914,
)
_ERF_BELOW = (
    -1.12210337e-07,
    2.31595276e-05,
    0.00105381377,
    0.0144266244,
    0.112799712,
    0.501466568,
    1.0,
)


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


def _normal_cdf_of_block(x):
    """Return the distribution function of a block."""
    value = _erf(x * 0.5**0.5)
    value *= 0.5
    value += 0.5
    return value


def _normal_cdf(x):
    """Return (1 + erf(x / sqrt(2))) / 2, the standard normal distribution function."""
    return _by_blocks(_normal_cdf_of_block, x)


def gelu_forward(x):
    """Forward pass of gelu.

    Gaussian error linear unit.

    Phi = 1/2 + erf(x/sqrt(2))/2
    y = Phi*x

    Args:
        x: any shape

    Returns:
        y: any shape
        Phi: any shape
    """
    Phi = _normal_cdf(x)
    y = x * Phi
    return y, Phi


def gelu_backward(dy, x, Phi):
    """Backward pass of gelu.

    Gaussian error linear unit.

    Phi = 1/2 + erf(x/sqrt(2))/2
    y = Phi*x

    Gradients of a loss, given that of the output:

    dx = dy*(2*Phi + sqrt(2/pi)*x*exp(-x**2/2))/2

    Args:
        dy: any shape, the gradient of the loss with respect to y
        x: any shape
        Phi: any shape

    Returns:
        dx: the shape of x
    """
    return dy * (Phi + x * np.exp(-0.5 * x * x) / (2 * np.pi) ** 0.5)
