"""Forward and backward passes in NumPy: gelu.

gelu: Gaussian error linear unit
    Phi = 1/2 + erf(x/sqrt(2))/2
    y = Phi*x
    Source: Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415, 2016
"""

import numpy as np

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


def _erf_single(x, out):
    """Put the error function into an array, in float32."""
    x = np.clip(x, -4, 4, dtype=np.float32)
    square = x * x
    value = _polynomial(_ERF_ABOVE, square)
    value *= x
    value /= _polynomial(_ERF_BELOW, square)
    np.clip(value, -1, 1, out=out)


def _erf_double(x, out):
    """Put the error function into an array, in float64."""
    near = np.clip(x, -1, 1)
    near *= _polynomial(_ERF_NEAR_ZERO, near * near)
    far = np.clip(np.abs(x), 1, 6)
    ratio = (far - 3) / (far + 3)
    beyond = np.exp(-far * far)
    beyond *= _polynomial(_ERFC_BEYOND_ONE, ratio)
    np.copysign(np.subtract(1, beyond, out=beyond), x, out=beyond)
    out[...] = np.where(far > 1, beyond, near)


def _erf(x):
    """Return the error function, right to 2 units in the last place of float64.

    Up to 1 it is x * P(x*x), beyond 1 - exp(-x*x) * Q((x - 3) / (x + 3)); P and Q are
    Chebyshev interpolations. In float32 it is x * A(x*x) / B(x*x), right to 6 units.
    A block of numbers after the other, what is computed on the way stays in the cache.
    """
    x = np.asarray(x)
    flat = x.reshape(-1) if x.dtype.kind == "f" else x.reshape(-1).astype(float)
    result = np.empty_like(flat)
    function = _erf_double if flat.itemsize > 4 else _erf_single
    for start in range(0, flat.size, 16384):
        block = slice(start, start + 16384)
        function(flat[block], result[block])
    return result.reshape(x.shape)[()]


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
    Phi = 0.5 * _erf(x / 2**0.5) + 0.5
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
