r"""Expressions as text: the definition language, which parses back, and unicode for a terminal.

LaTeX is in ``derive.latex`` and importable from here too. Each style is a table of rows for the one visitor of
``derive.writing``.

Example:
    >>> from derive.indices import Index, Tensor, size
    >>> from derive.sums import IndexSum
    >>> N, K = size("N"), size("K")
    >>> n, k, j, y = Index("n", N), Index("k", K), Index("j", K), Tensor("y", (N, K))
    >>> pullback = y[n, k] * (y.gradient()[n, k] - IndexSum(y.gradient()[n, j] * y[n, j], j))
    >>> print(definition_text(pullback))
    y[n,k]*(dy[n,k] - sum(dy[n,j]*y[n,j], j))
    >>> print(plain_text(pullback))
    y[n,k] (ȳ[n,k] - sum_j ȳ[n,j] y[n,j])
    >>> print(latex_text(pullback))
    y_{n,k}\left(\bar{y}_{n,k} - \sum_{j=1}^{K} \bar{y}_{n,j}\, y_{n,j}\right)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sympy import Expr

from derive.indices import INCOMING, Element, Index, Tensor
from derive.latex import latex_text as latex_text
from derive.leading import ELLIPSIS, with_ellipsis
from derive.letters import letters_by_size
from derive.names import accented
from derive.notation import BAR, Notation
from derive.operation import Operation
from derive.phrases import Phrase
from derive.rephrasing import is_higher, named_matrix, split_fraction, unfolded
from derive.sums import all_indices
from derive.writing import (
    ADDITION,
    ATOM,
    COMMON_ROWS,
    FACTOR,
    POWER,
    PRODUCT,
    TERM,
    Row,
    Writer,
    ends_with_last_part,
    swallows,
    with_distinct_letters,
)

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def definition_text(expr: Expr, outer: Iterable[Index] = (), notation: Notation = BAR) -> str:
    """Return an expression in the definition language; parsing the text gives the expression again.

    The gradient of ``y`` is called ``dy``, what of it comes in from outside ``dy_out``. Bound indices take other
    letters than ``outer``, the surrounding text's. In another notation gradients have other names.

    Raises:
        UnsupportedError: the expression has a node that is not one of the project's.

    Example:
        >>> from derive.indices import Tensor, size
        >>> x, w, b = Tensor("x")(), Tensor("w")(), Tensor("b")()
        >>> definition_text((x * w + b) ** 2 / x)
        '(x*w + b)**2/x'
    """
    return replace(DEFINITION, notation=notation).write(with_distinct_letters(expr, outer))


def plain_text(expr: Expr, notation: Notation = BAR) -> str:
    """Return an expression as unicode text for a terminal.

    A sum takes in the products to its right: ``sum_j a[j] b[j] + c`` adds c once.

    Raises:
        UnsupportedError: the expression has a node that is not one of the project's.

    Example:
        >>> from derive.indices import Index, size
        >>> from derive.indicators import Delta
        >>> k, j = Index("k", size("K")), Index("j", size("K"))
        >>> plain_text(1 - Delta(j, k))
        '1 - δ[k,j]'
    """
    return replace(PLAIN, notation=notation).write(with_distinct_letters(expr))


def operation_text(operation: Operation) -> str:
    """Return an operation's definitions in the definition language, separated by ``;``; parsing it gives them again.

    Sizes that are numbers stand first, and where it is not the last definition alone, the list of the outputs last.

    Raises:
        UnsupportedError: a body has a node that is not one of the project's.
    """
    known: dict[str, Expr] = {}
    for definition in operation.definitions:
        known.update({index.name: index.size for index in definition.indices})
    bodies = [with_distinct_letters(each.body, each.indices, known) for each in operation.definitions]
    lines = zip((each.target for each in operation.definitions), bodies, strict=True)
    indices = frozenset().union(*(each.indices for each in operation.definitions), *map(all_indices, bodies))
    stated = sorted(f"{index.name.upper()} = {index.size}" for index in indices if index.size.is_Integer)
    sides = [[with_ellipsis(side, operation) for side in line] for line in lines]
    written = [f"{DEFINITION.write(target)} = {DEFINITION.write(body)}" for target, body in sides]
    return "; ".join([*stated, *written, *([", ".join(operation.listed)] if operation.listed else [])])


def shape_text(operation: Operation, tensor: Tensor) -> str:
    """Return the shape of a tensor's array, such as ``(N, K)``, or ``(..., K)`` where it has any leading axes."""
    sizes = [ELLIPSIS if axis == 0 and operation.leads(tensor) else str(size) for axis, size in enumerate(tensor.sizes)]
    return f"({', '.join(sizes)}{',' if sizes != [ELLIPSIS] and len(sizes) == 1 else ''})"


def leading_note(operation: Operation) -> str:
    """Return what there is to say of an operation's index over all leading axes, an empty text where it has none."""
    if operation.leading is None:
        return ""
    letters = letters_by_size(operation)[operation.leading]
    return f"{letters[0]} runs over all leading axes, {operation.leading} positions together"


# ---- pieces that both texts share ----


def call(name: str, *parts: str) -> str:
    return f"{name}({', '.join(parts)})"


def write_call(name: str) -> Callable[[Writer, Phrase], str]:
    return lambda writer, phrase: call(name, *map(writer.write, phrase.parts))


def write_word(writer: Writer, phrase: Phrase) -> str:
    return phrase.word


def write_function(writer: Writer, phrase: Phrase) -> str:
    return call(phrase.word, *map(writer.write, phrase.parts))


def subscript(writer: Writer, parts: tuple[Any, ...]) -> str:
    return f"[{','.join(map(writer.write, parts))}]" if parts else ""


def compare(writer: Writer, phrase: Phrase, relations: Mapping[str, str]) -> str:
    left, right = (writer.write(part, ADDITION) for part in phrase.parts)
    return f"{left} {relations[phrase.word]} {right}"


TEXT_ROWS: Mapping[str, Row] = {
    **COMMON_ROWS,
    "symbol": Row(ATOM, write_word),
    "index": Row(ATOM, write_word),
    "function": Row(ATOM, write_function),
    "exp": Row(ATOM, write_call("exp")),
    # Bars could not be told apart where absolute values stand side by side.
    "absolute": Row(ATOM, write_call("abs")),
    "root": Row(ATOM, write_call("sqrt")),
    "maximum": Row(ATOM, write_call("max")),
    "minimum": Row(ATOM, write_call("min")),
}


# ---- the definition language ----

DEFINITION_RELATIONS = {">": ">", ">=": ">=", "<": "<", "<=": "<=", "=": "==", "!=": "!="}


def define_element(writer: Writer, phrase: Phrase) -> str:
    element = phrase.parts[0]
    return writer.notation.word(element.tensor) + subscript(writer, element.indices)


def define_fraction(writer: Writer, phrase: Phrase) -> str:
    return f"{writer.write(phrase.parts[0], PRODUCT)}/{writer.write(phrase.parts[1], POWER)}"


def define_power(writer: Writer, phrase: Phrase) -> str:
    return "**".join(writer.write(part, ATOM) for part in phrase.parts)


def define_extremum(name: str) -> Callable[[Writer, Phrase], str]:
    def write(writer: Writer, phrase: Phrase) -> str:
        left, right = map(writer.write, phrase.parts)
        # max(a, k) with a bare index is the maximum over k.
        return call(name, left, f"0 + {right}" if writer.phrase(phrase.parts[1]).kind == "index" else right)

    return write


def define_where(writer: Writer, phrase: Phrase) -> str:
    condition = compare(writer, writer.phrase(phrase.parts[0]), DEFINITION_RELATIONS)
    return call("where", condition, *map(writer.write, phrase.parts[1:]))


def define_matrix_function(name: str) -> Callable[[Writer, Phrase], str]:
    return lambda writer, phrase: call(name, *map(writer.write, phrase.parts[:3])) + subscript(writer, phrase.parts[3:])


DEFINITION_ROWS: Mapping[str, Row] = {
    **TEXT_ROWS,
    "constant": Row(ATOM, lambda writer, phrase: {"E": "exp(1)"}.get(phrase.word, phrase.word)),
    "element": Row(ATOM, define_element),
    "delta": Row(ATOM, write_call("delta")),
    "bracket": Row(ATOM, lambda writer, phrase: f"[{compare(writer, phrase, DEFINITION_RELATIONS)}]"),
    "product": Row(PRODUCT, lambda writer, phrase: "*".join(writer.write_factors(phrase))),
    "fraction": Row(PRODUCT, define_fraction),
    "power": Row(POWER, define_power),
    "index_sum": Row(ATOM, write_call("sum")),
    "index_max": Row(ATOM, write_call("max")),
    "index_argmax": Row(ATOM, write_call("argmax")),
    "inverse": Row(ATOM, define_matrix_function("inv")),
    "determinant": Row(ATOM, define_matrix_function("det")),
    "log_determinant": Row(ATOM, define_matrix_function("logdet")),
    "partial": Row(ATOM, write_call("diff")),
    "maximum": Row(ATOM, define_extremum("max")),
    "minimum": Row(ATOM, define_extremum("min")),
    "where": Row(ATOM, define_where),
}
DEFINITION = Writer(DEFINITION_ROWS, lambda text: f"({text})")


# ---- unicode for a terminal ----

PLAIN_RELATIONS = {">": ">", ">=": "≥", "<": "<", "<=": "≤", "=": "=", "!=": "≠"}
PLAIN_CONSTANTS = {"pi": "π", "E": "e"}


def show_element(writer: Writer, phrase: Phrase) -> str:
    element = phrase.parts[0]
    where = subscript(writer, element.indices)
    name = writer.notation.gradient_of(element.tensor)
    if name is not None:
        return writer.notation.plain_gradient(name, where, element.tensor.role == INCOMING)
    return f"{accented(element.tensor.name) if writer.notation.gradients else element.tensor.name}{where}"


def show_product(writer: Writer, phrase: Phrase) -> str:
    first, *others = writer.write_factors(phrase)
    return first + "".join(f"·{factor}" if factor[0].isdigit() else f" {factor}" for factor in others)


def show_fraction(writer: Writer, phrase: Phrase) -> str:
    above, below = writer.write(phrase.parts[0], PRODUCT, at_end=False), writer.write(phrase.parts[1], POWER)
    return f"{above} / {below}" if {" ", "/"} & {*above, *below} else f"{above}/{below}"


def show_power(writer: Writer, phrase: Phrase) -> str:
    base, exponent = (writer.write(part, ATOM, at_end=False) for part in phrase.parts)
    return base + exponent.translate(SUPERSCRIPTS) if exponent.isdecimal() else f"{base}^{exponent}"


def show_prefix(word: str) -> Callable[[Writer, Phrase], str]:
    def write(writer: Writer, phrase: Phrase) -> str:
        body, *bound = phrase.parts
        return " ".join([*(f"{word}_{index.name}" for index in bound), writer.write(body, TERM)])

    return write


def show_matrix(writer: Writer, phrase: Phrase) -> str:
    """Write a matrix by its name, or by its entry in brackets with the letters of its row and column."""
    entry, row, column = phrase.parts[:3]
    named = named_matrix(phrase)
    return writer.write(named, ATOM) if named is not None else f"[{writer.write(entry)}]_{row.name}{column.name}"


def show_inverse(writer: Writer, phrase: Phrase) -> str:
    return f"({show_matrix(writer, phrase)}⁻¹){subscript(writer, phrase.parts[3:])}"


def show_partial(writer: Writer, phrase: Phrase) -> str:
    if is_higher(phrase, writer.notation):
        return show_higher(writer, phrase)
    body, element = map(writer.phrase, phrase.parts)
    if writer.notation.names_factor(phrase.parts[0], phrase.parts[1]):
        return writer.notation.factor(phrase.parts[0].tensor.name, phrase.parts[1].tensor.name)
    return f"∂{writer.write(body, ATOM, at_end=False)}/∂{writer.write(element)}"


def show_higher(writer: Writer, phrase: Phrase) -> str:
    """Show a derivative of a derivative: ∂²L/∂x[n]∂x[m]."""
    body, *elements = unfolded(*phrase.parts)
    below = "".join(f"∂{writer.write(each)}" for each in elements)
    name = writer.notation.gradient_of(body.tensor) if isinstance(body, Element) else None
    if name is not None and writer.notation.is_quotient:
        above, below = writer.notation.loss, f"∂{name}{subscript(writer, body.indices)}{below}"
        return f"∂{str(len(elements) + 1).translate(SUPERSCRIPTS)}{above}/{below}"
    return f"∂{str(len(elements)).translate(SUPERSCRIPTS)}{writer.write(body, ATOM, at_end=False)}/{below}"


def show_where(writer: Writer, phrase: Phrase) -> str:
    condition = compare(writer, writer.phrase(phrase.parts[0]), PLAIN_RELATIONS)
    return call("where", condition, *map(writer.write, phrase.parts[1:]))


def level_of_gradient(writer: Writer, phrase: Phrase) -> int:
    """A quotient is a factor; what comes in from outside stands in brackets of its own."""
    tensor = phrase.parts[0].tensor
    is_whole = writer.notation.gradient_of(tensor) is not None and tensor.role != INCOMING
    return FACTOR if is_whole and writer.notation.is_quotient else ATOM


PLAIN_ROWS: Mapping[str, Row] = {
    **TEXT_ROWS,
    "constant": Row(ATOM, lambda writer, phrase: PLAIN_CONSTANTS.get(phrase.word, phrase.word)),
    "element": Row(level_of_gradient, show_element),
    "delta": Row(ATOM, lambda writer, phrase: f"δ{subscript(writer, phrase.parts)}"),
    "bracket": Row(ATOM, lambda writer, phrase: f"[{compare(writer, phrase, PLAIN_RELATIONS)}]"),
    "product": Row(PRODUCT, show_product, ends_with_last_part),
    "fraction": Row(PRODUCT, show_fraction, ends_with_last_part),
    "power": Row(POWER, show_power),
    "index_sum": Row(FACTOR, show_prefix("sum"), swallows),
    "index_max": Row(FACTOR, show_prefix("max"), swallows),
    "index_argmax": Row(FACTOR, show_prefix("argmax"), swallows),
    "inverse": Row(ATOM, show_inverse),
    "determinant": Row(ATOM, lambda writer, phrase: call("det", show_matrix(writer, phrase))),
    "log_determinant": Row(ATOM, lambda writer, phrase: call("log", f"|{call('det', show_matrix(writer, phrase))}|")),
    "partial": Row(FACTOR, show_partial),
    "where": Row(ATOM, show_where),
}
PLAIN = Writer(PLAIN_ROWS, lambda text: f"({text})", adjust=split_fraction(frozenset({"index_sum"})))
