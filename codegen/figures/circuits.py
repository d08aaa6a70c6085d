"""An operation with a name for every step: what a computation graph has a node for.

A definition of numbers is taken apart into single operations, as lecturers draw them: ``max(a*b + c, 0)`` is a
product, a sum and a maximum. Definitions of arrays are steps as they stand. The result is an operation again, so that
the values and the gradients of all steps are those that the engine derives of it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Rational

from derive.definitions import Definition
from derive.functions import Maximum, Minimum, Where
from derive.indices import Element, Tensor
from derive.latex import latex_text
from derive.operation import Operation
from derive.printing import plain_text
from derive.sums import tensors_in
from derive.vocabulary import RESERVED

#: What is between the operands of a step.
SIGNS = {"add": "+", "subtract": "\N{MINUS SIGN}", "multiply": "×", "divide": "÷"}


def with_steps(operation: Operation) -> Operation:
    """Return the operation with a definition for every single step of numbers; arrays are left as they are.

    Example:
        >>> from derive.catalogue import find
        >>> for each in with_steps(find("y = max(x*w + b, 0)")).definitions:
        ...     print(each.target, "=", each.body)
        z1 = w*x
        z = b + z1
        y = max(z, 0)
    """
    if any(tensor.sizes for tensor in (*operation.inputs, *(each.tensor for each in operation.definitions))):
        return operation
    taken = {tensor.name for tensor in operation.inputs} | RESERVED
    taken |= {definition.tensor.name for definition in operation.definitions}
    made: list[Definition] = []
    known: dict[Expr, Element] = {}

    def named(expr: Expr, name: str) -> Element:
        """The element that a step's value is, made where there is none yet."""
        if expr not in known:
            tensor = Tensor(next(each for number in count(1) if (each := f"{name}{number}") not in taken))
            taken.add(tensor.name)
            known[expr] = tensor()
            made.append(Definition(tensor(), expr))
        return known[expr]

    def single(expr: Expr, name: str) -> Expr:
        """One operation on elements and numbers, the rest in steps before it."""
        if isinstance(expr, Where):  # What is compared stays in the choice: a comparison alone is no step.
            return Where(expr.condition, *(operand(part, name) for part in expr.args[1:]))
        if isinstance(expr, Mul) and (divided := _divided(expr)) is not None:
            above, below = (operand(part, name) for part in divided)
            return Mul(above, Pow(below, -1))
        if isinstance(expr, Mul):
            number = Mul(*(part for part in expr.args if not tensors_in(part)))
            factors = [part for part in expr.args if tensors_in(part)]
            if number != 1 and len(factors) > 1:
                return number * operand(Mul(*factors), name)
            return Mul(number, *(operand(factor, name) for factor in factors))
        if isinstance(expr, Add):
            numbers = [part for part in expr.args if not tensors_in(part)]
            if numbers and len(expr.args) > len(numbers) + 1:
                rest = Add(*(part for part in expr.args if part not in numbers))
                return Add(*numbers, operand(rest, name))
            is_pair = len(expr.args) == 2  # One of two terms may be subtracted.
            minus = [is_pair and term.could_extract_minus_sign() for term in expr.args]
            terms = zip(expr.args, minus, strict=True)
            return Add(*(-operand(-term, name) if taken_away else operand(term, name) for term, taken_away in terms))
        return expr.func(*(operand(part, name) for part in expr.args)) if expr.args else expr

    def operand(expr: Expr, name: str) -> Expr:
        if isinstance(expr, Element) or not tensors_in(expr):
            return expr
        return named(single(expr, name), name)

    for definition in operation.definitions:
        body = definition.body
        made.append(
            Definition(definition.target, body if isinstance(body, Element) else single(body, definition.tensor.name))
        )
    return replace(operation, definitions=tuple(made))


def _divided(expr: Mul) -> tuple[Expr, Expr] | None:
    """What is above and below the line, where both are there; a power of a sum is not taken apart."""
    above, below = expr.as_numer_denom()
    return (above, below) if tensors_in(above) and tensors_in(below) else None


@lru_cache(maxsize=1000)
def sources_of(definition: Definition) -> tuple[Tensor, ...]:
    """Return the tensors that a definition uses, in the order in which it names them.

    Example:
        >>> a, b = Tensor("a")(), Tensor("b")()
        >>> sources_of(Definition(Tensor("y")(), b - a))
        (b, a)
    """
    found = definition.body.atoms(type(definition.target))
    by_name = {element.tensor.name: element.tensor for element in found}
    return tuple(by_name[name] for name in sorted(by_name, key=_place_in(plain_text(definition.body))))


def _place_in(text: str) -> Any:
    return lambda name: (text.find(name) if name in text else len(text), name)


def step_label(definition: Definition) -> str:
    r"""Return what is written into a step's node: a sign, or LaTeX between dollars.

    Example:
        >>> a, b = Tensor("a")(), Tensor("b")()
        >>> [step_label(Definition(Tensor("y")(), body)) for body in (a * b, a - b, 2 * a, a**2, sympy.exp(a))]
        ['×', '$a$ − $b$', '× $2$', '$a^{2}$', 'exp']
    """
    return _sign(definition.body) or _between(definition.body) or f"${latex_text(definition.body)}$"


def names_operands(definition: Definition) -> bool:
    """Return whether a step's label names what comes in, so that its lines have to have names.

    Example:
        >>> a, b = Tensor("a")(), Tensor("b")()
        >>> [names_operands(Definition(Tensor("y")(), body)) for body in (a * b, a - b, a / b, a**2, sympy.exp(a))]
        [False, True, True, True, False]
    """
    return not _sign(definition.body)


def _sign(body: Expr) -> str:
    """The label of a step that needs no names: its operands have no order, or there is one."""
    kind, elements = _kind(body), body.atoms(Element)
    numbers = [part for part in body.args if not tensors_in(part)]
    if kind in ("add", "multiply") and not numbers:
        return SIGNS[kind]
    if kind in ("add", "multiply") and len(elements) == 1:
        number = body.func(*numbers)  # Several, where one is a root.
        is_less = kind == "add" and bool(number.is_negative)
        return f"{SIGNS['subtract' if is_less else kind]} {_number_text(-number if is_less else number)}"
    if isinstance(body, Maximum | Minimum) and not body.right.is_number:
        return "max" if isinstance(body, Maximum) else "min"
    if isinstance(body, sympy.Function) and len(body.args) == 1 and isinstance(body.args[0], Element):
        return str(body.func.__name__.lower())
    return ""


def _between(body: Expr) -> str:
    """A difference or a quotient of two elements, with their names in order."""
    kind = _kind(body)
    if kind not in ("subtract", "divide") or any(not tensors_in(part) for part in body.args):
        return ""
    if kind == "divide":
        first, second = body.as_numer_denom()
    else:
        (taken,) = [term for term in body.args if term.could_extract_minus_sign()]
        first, second = body + -taken, -taken
    if not (isinstance(first, Element) and isinstance(second, Element)):
        return ""
    return f"${latex_text(first)}$ {SIGNS[kind]} ${latex_text(second)}$"


def _number_text(number: Expr) -> str:
    shown = f"${latex_text(number)}$"
    return f"({shown})" if number.could_extract_minus_sign() else shown


def _kind(body: Expr) -> str:
    """Which of the four kinds of arithmetic a step is; an empty text for none."""
    if isinstance(body, Add):
        minus = [term for term in body.args if term.could_extract_minus_sign() and tensors_in(term)]
        return "subtract" if len(minus) == 1 and len(body.args) == 2 else "" if minus else "add"
    if isinstance(body, Mul):
        below = [factor for factor in body.args if isinstance(factor, Pow) and factor.exp == Rational(-1)]
        return "divide" if len(below) == 1 and len(body.args) == 2 else "" if below else "multiply"
    return ""
