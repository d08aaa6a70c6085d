"""What is written into pictures: formulas as matplotlib sets them, and numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.mathtext import MathTextParser
from mpmath.libmp import to_str
from numpy.typing import NDArray
from sympy import Expr

from derive.indices import Tensor
from derive.latex import latex_text
from derive.notation import BAR, Notation
from derive.printing import plain_text

#: Sums in a row, with their limits, and the index of one.
SUMS = re.compile(r"(?:\\sum_\{[^=]*=[01]\}\^\{(?:[^{}]|\{[^{}]*\})*\} )+")
INDEX = re.compile(r"\\sum_\{([^=]*)=")
#: Arrays of so few numbers are written out.
FEW = 6
#: The digits of numbers that stand in a row.
FEWER = 3


def formula(expr: Expr, notation: Notation = BAR) -> str:
    r"""Return an expression as LaTeX between dollars, or as plain text where matplotlib can not set it.

    Example:
        >>> from sympy import exp
        >>> x = Tensor("x")()
        >>> formula(1 / (1 + exp(-x)))
        '$\\dfrac{1}{1 + e^{-x}}$'
    """
    latex = SUMS.sub(_without_limits, latex_text(expr, notation)).replace(r"\frac", r"\dfrac")
    return set_or(f"${latex}$", plain_text(expr, notation))


def _without_limits(sums: re.Match[str]) -> str:
    """The sums as one, with its indices alone, and room beside it for those that are wider than the sign."""
    indices = INDEX.findall(sums[0])
    room = r"\," * (len(indices) if sums.start() else 0)
    return rf"{room}\sum_{{{','.join(indices)}}}\,"


def shape(tensor: Tensor) -> str:
    """Return how many entries a tensor has along each of its axes, between brackets; nothing for a number.

    Example:
        >>> from derive.indices import size
        >>> shape(Tensor("p", (size("N"), size("K"))))
        '[N × K]'
    """
    return f"[{' × '.join(map(str, tensor.sizes))}]" if tensor.sizes else ""


def name(tensor: Tensor, notation: Notation = BAR) -> str:
    """Return a tensor's name, without indices.

    Example:
        >>> name(Tensor("w2")), name(Tensor("x").gradient())
        ('$w_{2}$', '$\\\\bar{x}$')
    """
    return formula(Tensor(tensor.name, role=tensor.role)(), notation)


def set_or(text: str, plain: str) -> str:
    """Return a text with formulas, or the plain one where matplotlib can not set them."""
    return text if _can_be_set(text) else plain


@lru_cache(maxsize=1000)
def _can_be_set(text: str) -> bool:
    try:
        MathTextParser("path").parse(text, dpi=72)
    except ValueError:
        return False
    return True


def number(value: Any, digits: int = 4) -> str:
    """Return a number in so many digits, with the sign of a formula.

    Example:
        >>> number(-0.25), number(1e-7), number(-0.0)
        ('−0.25', '1e−07', '0')
        >>> number(float("nan")), number(float("-inf"))
        ('undefined', '−∞')
    """
    plain = float(value)
    if np.isnan(plain):
        return "undefined"
    is_beyond = value != 0 and (plain == 0 or np.isinf(plain)) and not isinstance(value, float)
    shown = to_str(value._mpf_, digits) if is_beyond else f"{plain + 0.0:.{digits}g}".replace("inf", "∞")
    return shown.replace("-", "\N{MINUS SIGN}")


def numbers(value: NDArray[Any]) -> str:
    """Return a number as it stands at a line; of an array its entries where they are few, or else shape and norm.

    The rows of a matrix stand below each other.

    Example:
        >>> numbers(np.array(-0.25)), numbers(np.array([1.0, 2.5])), numbers(np.ones((3, 3)))
        ('−0.25', '[1, 2.5]', '3 × 3, norm 3')
    """
    if value.ndim == 0:
        return number(value.item())
    if 0 < value.size <= FEW and value.ndim <= 2:
        return "\n".join(f"[{', '.join(number(entry, FEWER) for entry in row)}]" for row in np.atleast_2d(value))
    norm = np.linalg.norm(value.reshape(-1).astype(float))
    return f"{' × '.join(map(str, value.shape))}, norm {number(norm, FEWER)}"
