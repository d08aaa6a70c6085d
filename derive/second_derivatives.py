r"""Second derivatives: the Hessian of a loss, its product with a direction, and the Jacobian's.

A gradient is derived, made into an operation, and derived again; nothing else is needed. The product
:math:`\sum_j \partial^2 L / \partial x_i \partial x_j \, v_j` is the vector-Jacobian product of the gradient: no
Hessian is built for it.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr, Mul

from derive.canonical import readable
from derive.catalogue import catalogue, find
from derive.chain import collecting
from derive.definitions import Definition
from derive.derivation import Derivation, Step
from derive.errors import InputError
from derive.functions import Where
from derive.gradient_operations import derived_element, gradient_operation
from derive.indicators import Delta
from derive.indices import Element, Index, Tensor
from derive.kinks import KINKED
from derive.letters import disjoint, letters_by_size
from derive.normal_form import Normaliser
from derive.operation import Derived, Operation
from derive.polynomials import TooLargeError
from derive.pullback import Given, jacobian, vjp
from derive.rewriting import simplify
from derive.sums import IndexSum, Partial, free_indices, nodes, substitute, tensors_in

Op = str | Operation | Derived


def hessian(loss: Op, wrt: str, wrt2: str | None = None, given: Given = ()) -> Derivation:
    r"""Derive the second derivatives :math:`\partial^2 L / \partial x_i \partial w_j` of a loss.

    A loss with kinks has them off its kinks; the title says so.

    Args:
        loss: a catalogue name, a definition's text, an operation or a derivation's result.
        wrt, wrt2: the inputs to differentiate by; the same one twice where the second is left out.
        given: facts that may be used. They are used in the end: a gradient that holds under a fact alone says nothing
            of how it changes.

    Raises:
        InputError: no such operation or input; it is no loss.
        ImpossibleError: the input holds integers.

    Example:
        >>> print(hessian("softmax-cce-sparse", "z").text(steps=False))
        ∂²L/∂z[n,k]∂z[m,j] = δ[n,m] (δ[k,j] p[n,k] - p[n,k] p[n,j]) / N
    """
    second_name = wrt if wrt2 is None else wrt2
    operation = find_loss(loss, f"derive.jacobian(derive.vjp(..., {wrt!r}), {second_name!r})", wrt, second_name)
    gradient = jacobian(operation, wrt)
    again = gradient_of(gradient)
    second = jacobian(again, second_name, given)
    target = Partial(Partial(operation.output.target, _places(gradient, second.target.body)), second.target.element)
    steps = _named(second, target, "the derivative of the gradient")
    result = second.result
    if second_name == wrt:
        symmetric = in_symmetric_form(result, target)
        if symmetric != result:
            steps = (*steps, Step("so that it is seen to be symmetric", target, result, symmetric))
            result = symmetric
    what = wrt if wrt2 is None else f"{wrt} and {wrt2}"
    title = f"Hessian of {operation.name} with respect to {what}{_off_kinks(operation, wrt, second_name)}"
    return replace(second, title=title, target=target, steps=(*gradient.steps, *steps), result=result)


def hvp(loss: Op, wrt: str, given: Given = ()) -> Derivation:
    r"""Derive the Hessian-vector product :math:`\sum_j \partial^2 L / \partial x_i \partial x_j \, v_j` of a loss.

    The direction :math:`v` has the shape of the input; it has another name where there is a ``v`` already.

    Args, raises: as ``hessian``.

    Example:
        >>> print(hvp("softmax-cce-sparse", "z").text(steps=False))
        sum_m sum_j v[m,j] ∂²L/∂z[n,k]∂z[m,j] = p[n,k] (v[n,k] - sum_j p[n,j] v[n,j]) / N
    """
    operation = find_loss(loss, f"derive.vjp(derive.vjp(..., {wrt!r}), {wrt!r}) or derive.jvp(..., {wrt!r})", wrt)
    gradient = jacobian(operation, wrt)
    again = gradient_of(gradient)
    second = vjp(again, wrt, given)
    tensor = operation.input(wrt)
    here = second.target.indices
    where = disjoint(here, here)
    direction = again.gradient_of(again.output.tensor)(*where)
    entry = Partial(Partial(operation.output.target, tensor(*here)), tensor(*where))
    target = IndexSum(direction * entry, *where) if where else direction * entry
    steps = _named(second, target, "the Hessian is symmetric")
    title = f"Hessian-vector product of {operation.name} with respect to {wrt}{_off_kinks(operation, wrt, wrt)}"
    return replace(second, title=title, target=target, steps=(*gradient.steps, *steps))


def jvp(op: Op, wrt: str, given: Given = ()) -> Derivation:
    r"""Derive the Jacobian-vector product :math:`\sum_i \partial y_o / \partial x_i \, v_i`, the change along v.

    Args, raises: as ``jacobian``.

    Example:
        >>> print(jvp("softmax", "x").text(steps=False))
        sum_m sum_j v[m,j] ∂y[n,k]/∂x[m,j] = y[n,k] (v[n,k] - sum_j v[n,j] y[n,j])
    """
    operation = find(op)
    whole = jacobian(operation, wrt, given)
    element = whole.target.element
    again = replace(operation, gradients={operation.output.tensor.name: wrt, **operation.gradients})
    direction = Tensor(again.gradient_of(operation.output.tensor).name, element.tensor.sizes)(*element.indices)
    where = element.indices
    target, inserted = direction * whole.target, direction * whole.result
    if where:
        target, inserted = IndexSum(target, *where), IndexSum(inserted, *where)
    short = simplify(inserted, operation.definitions, whole.target.body.indices).result
    names = frozenset(tensor.name for tensor in (*operation.inputs, *(each.tensor for each in operation.definitions)))
    letters = frozenset(index.name for index in free_indices(target))
    inserted, short = (readable(each, letters_by_size(operation), names | letters) for each in (inserted, short))
    steps = [Step("insert the derivatives", target, target, inserted)]
    steps += [Step(collecting(inserted), target, inserted, short)] if short != inserted else []
    title = f"Jacobian-vector product of {operation.name} with respect to {wrt}"
    with_direction = replace(operation, inputs=(direction.tensor, *operation.inputs))
    return replace(
        whole, title=title, operation=with_direction, target=target, steps=(*whole.steps, *steps), result=short
    )


def gradient_of(gradient: Derivation) -> Operation:
    """Return the operation that computes a derived gradient, with all definitions of the operation it is of."""
    operation = gradient.operation
    made = Definition(derived_element(operation, gradient.target), gradient.result)
    return gradient_operation(operation, [made], f"{operation.name}-gradient", gradient.title, keep=True)


def find_loss(op: Op, instead: str, *wrt: str) -> Operation:
    """Return the loss that has these inputs; ``instead`` is the call for what is none, with ... for the operation."""
    operation = find(op)
    for name in wrt:
        operation.input(name)
    if operation.is_loss:
        return operation
    out = operation.output.target
    kind = "as many numbers as come in" if not out.indices else f"{out}, as many numbers as there are places"
    raise InputError(
        f"{operation.name} is no loss, and only one number has a Hessian: it gives {kind}; "
        f"use {instead.replace('...', _as_typed(op, operation))}"
    )


def _as_typed(op: Op, operation: Operation) -> str:
    """What to type for an operation: as it was typed, its name in the catalogue, or its definition; ... for others."""
    if isinstance(op, str):
        return repr(op)
    if operation.name in catalogue():
        return repr(operation.name)
    return "..." if operation.gradients else repr(operation.record.definition)


def _places(gradient: Derivation, at: Element) -> Element:
    """The element by which the gradient was derived."""
    element: Element = gradient.target.element
    return element.tensor(*at.indices)


def _named(second: Derivation, target: Expr, why: str) -> tuple[Step, ...]:
    """The steps of a second derivative with its own left side in the last chain."""
    own, left = second.target, []
    for step in second.steps:
        if step.left != own:
            left.append(step)
            continue
        if (left and left[-1].left == target) or step.before != own:
            left.append(replace(step, left=target))
        else:
            left += [Step(why, target, target, own), replace(step, left=target)]
    return tuple(left) if left and left[-1].left == target else (*left, Step(why, target, target, second.result))


def _off_kinks(operation: Operation, *wrt: str) -> str:
    """What is said of a loss that has kinks where the inputs are."""
    moving = {operation.input(name) for name in wrt}
    for definition in operation.definitions:
        if tensors_in(definition.body) & moving:
            choices = nodes(definition.body, *KINKED) - nodes(definition.body, Where)  # Its condition is a bracket.
            if any(tensors_in(node) & moving for node in choices):
                return ", off its kinks"
            moving.add(definition.tensor)
    return ""


def in_symmetric_form(result: Expr, target: Expr) -> Expr:
    """Return a second derivative with each term as it stays when both elements are exchanged; itself where it has none.

    Factors that the exchange changes are multiplied into the sum beside them: ``p_k (δ_kj - p_j)`` becomes
    ``δ_kj p_k - p_k p_j``.

    Example:
        >>> from derive.indices import size
        >>> K = size("K"); k, j = Index("k", K), Index("j", K)
        >>> p, z, L = Tensor("p", (K,)), Tensor("z", (K,)), Tensor("L")
        >>> in_symmetric_form(p[k] * (Delta(k, j) - p[j]), Partial(Partial(L(), z[k]), z[j]))
        delta(k, j)*p[k] - p[j]*p[k]
    """
    pairs = dict(zip(target.body.element.indices, target.element.indices, strict=True))
    exchange: dict[Expr, Expr] = {**pairs, **{second: first for first, second in pairs.items()}}
    factors = Mul.make_args(result)
    additions = [factor for factor in factors if isinstance(factor, Add)]
    deltas = Mul(*(factor for factor in factors if isinstance(factor, Delta)))
    if len(additions) != 1:
        return result
    prefer = tuple(pairs)
    inside = [each for each in factors if each not in additions and not _is_symmetric(each, deltas, exchange, prefer)]
    if not inside:
        return result
    terms = [Mul(*inside, term) for term in additions[0].args]
    if not all(_is_symmetric(term, deltas, exchange, prefer) for term in terms):
        return result
    outside = [each for each in factors if each not in additions and each not in inside]
    return Mul(*outside, Add(*terms))


def _is_symmetric(factor: Expr, deltas: Expr, exchange: dict[Expr, Expr], prefer: tuple[Index, ...]) -> bool:
    """Whether a factor beside deltas stays the same when indices are exchanged."""
    if not free_indices(factor) & exchange.keys():
        return True
    normaliser = Normaliser(distribute=True, prefer=prefer)
    try:
        return bool(
            normaliser.polynomial(deltas * factor) == normaliser.polynomial(deltas * substitute(factor, exchange))
        )
    except (TooLargeError, ZeroDivisionError):
        return False
