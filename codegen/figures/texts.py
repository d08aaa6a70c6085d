"""What is written into pictures: formulas as matplotlib sets them, and numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.mathtext import MathTextParser
from numpy.typing import NDArray
from sympy import Expr

from derive.indices import Tensor
from derive.latex import latex_text
from derive.notation import BAR, Notation
from derive.printing import plain_text

#: Arrays of so few numbers are written out.
FEW = 4


def formula(expr: Expr, notation: Notation = BAR) -> str:
    r"""Return an expression as LaTeX between dollars, or as plain text where matplotlib can not set it.

    Example:
        >>> from sympy import exp
        >>> x = Tensor("x")()
        >>> formula(1 / (1 + exp(-x)))
        '$\\frac{1}{1 + e^{-x}}$'
    """
    return set_or(f"${latex_text(expr, notation)}$", plain_text(expr, notation))


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


def number(value: Any) -> str:
    """Return a number in four digits, with the sign of a formula.

    Example:
        >>> number(-0.25), number(1e-7)
        ('−0.25', '1e−07')
    """
    return f"{float(value):.4g}".replace("-", "\N{MINUS SIGN}")


def numbers(value: NDArray[Any]) -> str:
    """Return a number as it stands at a line; of an array its entries where they are few, or else shape and norm.

    Example:
        >>> numbers(np.array(-0.25)), numbers(np.array([1.0, 2.5])), numbers(np.ones((3, 3)))
        ('−0.25', '[1, 2.5]', '3 × 3, norm 3')
    """
    if value.ndim == 0:
        return number(value)
    if value.size <= FEW and value.ndim == 1:
        return f"[{', '.join(map(number, value.tolist()))}]"
    norm = np.linalg.norm(value.reshape(-1).astype(float))
    return f"{' × '.join(map(str, value.shape))}, norm {norm:.3g}"
