"""Expressions as MathML Core, which browsers draw without a script.

Example:
    >>> from derive.indices import Index, Tensor, size
    >>> n, x = Index("n", size("N")), Tensor("x", (size("N"),))
    >>> print(mathml_text(x[n] ** 2))
    <msubsup><mi>x</mi><mi>n</mi><mn>2</mn></msubsup>
"""

from __future__ import annotations

import math
from dataclasses import replace

from sympy import Expr

from derive.latex import LATEX
from derive.layout import latex_width
from derive.mathml_rows import MATHML, filled_lines, signed
from derive.notation import BAR, Notation
from derive.typesetting import counted_from
from derive.writing import signed_terms, with_distinct_letters


def mathml_text(expr: Expr, notation: Notation = BAR, first: int | None = None) -> str:
    """Return an expression as MathML, without the ``math`` element around it.

    ``first`` is the number that positions are counted from in the ranges of sums, as for ``latex_text``.

    Raises:
        UnsupportedError: the expression has a node that is not one of the project's.

    Example:
        >>> from derive.indices import Tensor
        >>> print(mathml_text(1 / Tensor("x")()))
        <mfrac><mn>1</mn><mi>x</mi></mfrac>
    """
    start = counted_from(expr) if first is None else first
    return replace(MATHML, notation=notation, first=start).write(with_distinct_letters(expr))


def mathml_lines(expr: Expr, notation: Notation = BAR, first: int = 1, room: float = math.inf) -> list[str]:
    """Return an expression as lines of MathML, broken between the terms of an addition where it is too wide.

    Widths are estimated as those of the same formula in LaTeX; inside a term, a wide addition is set on lines too.
    """
    separate = with_distinct_letters(expr)
    measure, writer = (replace(style, notation=notation, first=first) for style in (LATEX, MATHML))
    phrase = writer.phrase(separate)
    if phrase.kind != "addition":
        width = latex_width(measure.write(phrase))
        return [(replace(writer, room=room) if width > room else writer).write(phrase)]
    parts = list(zip(signed_terms(measure, phrase), signed(writer, phrase), strict=True))
    if max(latex_width(tex) for tex, _ in parts) > room:
        parts = list(zip(signed_terms(measure, phrase), signed(replace(writer, room=room), phrase), strict=True))
    return filled_lines(parts, room)
