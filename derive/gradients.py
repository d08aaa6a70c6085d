"""A gradient that somebody claims, as a text, and the derived one that it is to be held against.

The claim is an expression, or an equation with the left side spelt out: ``dz[i,j] = ...`` or ``diff(y[n,k], x[n,j]) =
...``. Its letters need not be those of the derivation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sympy import Expr, S

from derive.catalogue import catalogue, find
from derive.definitions import Definition
from derive.derivation import Derivation
from derive.differentiation import close
from derive.errors import DefinitionError, InputError
from derive.indices import Element, Index, Tensor
from derive.notation import LOSS_LETTERS
from derive.operation import Operation
from derive.parsing import parse_equation, parse_expression
from derive.printing import definition_text
from derive.pullback import jacobian, pull_back, vjp
from derive.sums import Partial, free_indices, has, substitute, tensors_in

#: An equation's sign, which is no part of a comparison; and brackets, inside of which one is a comparison's.
EQUALS = re.compile(r"(?<![<>=!])=(?!=)")
BRACKETS = re.compile(r"[\[(][^\[\]()]*[\])]")
#: An element, and its letters.
SUBSCRIPT = re.compile(r"([^\W\d]\w*)\[([^\[\]<>=]*)\]")
#: A name or a letter.
WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class ClaimedGradient:
    """What is claimed and what is derived, with the same letters.

    Attributes:
        derivation: of the gradient in its own letters.
        target: the left side: an element of the gradient, or a derivative.
        claimed, derived: the right sides.
        definitions: of the names in both, gradients of intermediates among them.
        is_renamed: whether the claim's letters are other ones.
    """

    derivation: Derivation
    target: Expr
    claimed: Expr
    derived: Expr
    definitions: tuple[Definition, ...]
    is_renamed: bool = False

    @property
    def name(self) -> str:
        """The left side as it is typed."""
        if self.derivation.operation.is_loss and isinstance(self.target, Partial):
            element = self.target.element
            return definition_text(element.tensor.gradient()(*element.indices))
        return definition_text(self.target)


def read_gradient(op: str | Operation, wrt: str | None, text: str, output: str | None = None) -> ClaimedGradient:
    """Read a claim about the gradient of an operation with respect to an input, and derive the gradient.

    An expression is the derivative of a loss; of another operation, the product with the upstream gradient if it
    mentions that, and otherwise the Jacobian.

    Args:
        wrt: the input's name; may be left out where the claim's left side says it, or there is one input alone.
        output: the output's name, where there are several and the claim is about a Jacobian and does not say of which.

    Raises:
        DefinitionError: a mistake in the text, shown with a caret.
        InputError: the claim is about something else.

    Example:
        >>> read = read_gradient("dense", "w", "sum(x[s,i]*dy[s,j], s)")
        >>> read.name, read.claimed
        ('dw[d,k]', sum(dy[s,k]*x[s,d], s))
    """
    operation = find(op)
    if not isinstance(text, str):
        raise InputError(f"a claim is a text such as 'y*(1 - y)', not {type(text).__name__}")
    tensors = names_of(operation)
    text = _without_shapes(text, operation, tensors)
    if is_equation(text):
        left, right = parse_equation(text, tensors, catalogue().get, catalogue(), parameters_of(operation))
        left = _quotient(left, operation)
    else:
        left, right = None, _expression(text, operation, wrt, tensors, output)
    tensor = _differentiated(operation, wrt, left)
    derivation = _derived(operation, tensor, left, right, output)
    own = _letters(derivation.target)
    renamed: dict[Expr, Expr] = {}
    if left is None:
        target, derived = derivation.target, derivation.result
        renamed = _matched(right, own, text)
        right = substitute(right, renamed)
    else:
        where = dict(zip(own, _places(left), strict=True))
        target, derived = substitute(derivation.target, where), substitute(derivation.result, where)
    named = tuple(_upstream(operation, tensor, right, derivation))
    definitions = (*operation.definitions, *named)
    if isinstance(target, Element):
        derived = _by_names(target, derived, named, right)
    if has(right, Partial):
        right = close(right, definitions)
    return ClaimedGradient(derivation, target, right, derived, definitions, bool(renamed))


def is_equation(text: str) -> bool:
    """Whether a text has an equals sign outside of all brackets.

    Example:
        >>> is_equation("dz[n] = x[n]"), is_equation("(p[n,k] - [k = t[n]])/N")
        (True, False)
    """
    inside = BRACKETS.sub("", text)
    while inside != text:
        text, inside = inside, BRACKETS.sub("", inside)
    return EQUALS.search(text) is not None


def names_of(operation: Operation) -> dict[str, Tensor]:
    """The names that a claim may use: the operation's own, and ``dx`` and ``dL_dx`` for gradients, where free.

    Example:
        >>> sorted(names_of(find("relu")))
        ['dL_dx', 'dL_dy', 'dx', 'dy', 'x', 'y']
    """
    tensors = [*operation.inputs, *(definition.tensor for definition in operation.definitions)]
    names = {tensor.name: tensor for tensor in tensors}
    loss = operation.output.tensor.name if operation.is_loss else LOSS_LETTERS[0]
    for tensor in tensors:
        for name in (f"d{tensor.name}", f"d{loss}_d{tensor.name}"):
            if name != f"d{loss}_d{loss}":
                names.setdefault(name, tensor.gradient())
    for tensor in operation.upstreams:
        names.setdefault(tensor.word, tensor)
    return names


def parameters_of(operation: Operation) -> list[str]:
    """The names of the whole numbers that an operation's index arithmetic is given, sizes of windows among them.

    Example:
        >>> parameters_of(find("avg-pool1d"))
        ['R', 's']
    """
    return [parameter.name for parameter in operation.parameters]


def _without_shapes(text: str, operation: Operation, tensors: Mapping[str, Tensor]) -> str:
    """A claim about an elementwise operation without indices, where all elements in it have the same letters."""
    subscripts = {tuple(map(str.strip, at[2].split(","))) for at in SUBSCRIPT.finditer(text) if at[1] in tensors}
    if not operation.is_elementwise or len(subscripts) != 1:
        return text
    (letters,) = subscripts
    if len(set(letters)) < len(letters) or not all(WORD.fullmatch(letter) for letter in letters):
        return text
    return SUBSCRIPT.sub(lambda access: access[1] if access[1] in tensors else access[0], text)


def _expression(
    text: str, operation: Operation, wrt: str | None, tensors: Mapping[str, Tensor], output: str | None
) -> Expr:
    """An expression; letters that stand in deltas alone run over what the derivation's letters run over."""
    surroundings = tensors, catalogue().get, catalogue(), parameters_of(operation)
    try:
        return parse_expression(text, *surroundings)
    except DefinitionError:
        if len(operation.outputs) > 1 and output is None:
            raise
        target = jacobian(operation, _differentiated(operation, wrt, None).name, output=output).target
        for standing in ((target.element,), (target.body, target.element)):
            letters = "*".join(definition_text(part) for part in standing if part.indices)
            with suppress(DefinitionError):
                return parse_equation(f"{text} = {letters}", *surroundings)[0]
        raise


def _quotient(left: Expr, operation: Operation) -> Expr:
    """A left side ``dy[n,k]/dx[m,j]`` as the derivative that it stands for."""
    above, below = left.as_numer_denom()
    if all(isinstance(part, Element) and part.tensor.role for part in (above, below)):
        tensors = {tensor.name: tensor for tensor in _everything(operation)}
        value, element = (tensors[part.tensor.name](*part.indices) for part in (above, below))
        return Partial(value, element)
    return left


# -- what is claimed --------------------------------------------------------------------------------------------------


def _differentiated(operation: Operation, wrt: str | None, left: Expr | None) -> Tensor:
    """The input that the claim is about."""
    said: Tensor | None = None
    if isinstance(left, Partial):
        said = left.element.tensor
    elif isinstance(left, Element) and left.tensor.role:
        said = next(t for t in _everything(operation) if t.name == left.tensor.name)
    elif left is not None:
        expected = "expected a gradient such as dx[n,k], or a derivative such as diff(y[n,k], x[n,j])"
        raise InputError(f"the claim's left side is {definition_text(left)}; {expected}")
    if wrt is None and said is None:
        if len(operation.differentiable) != 1:
            names = ", ".join(tensor.name for tensor in operation.differentiable)
            raise InputError(f"{operation.name} has several inputs; say by which to differentiate: {names}")
        said = operation.differentiable[0]
    name = said.name if wrt is None and said is not None else wrt
    tensor = operation.input(str(name))
    if said is not None and said != tensor:
        raise InputError(f"the claim is about the gradient of {said.name}, not of {tensor.name}")
    return tensor


def _derived(operation: Operation, tensor: Tensor, left: Expr | None, right: Expr, output: str | None) -> Derivation:
    """The derivation that a claim is to be held against."""
    upstream = set(operation.upstreams)
    gradients = {each for each in tensors_in(right) if each.role}
    if tensor.gradient() in gradients:
        raise InputError(f"the claim says what the gradient of {tensor.name} is by means of that gradient itself")
    if isinstance(left, Partial):
        body = left.body
        meant = next(
            (each for each in operation.outputs if isinstance(body, Element) and each.tensor == body.tensor), None
        )
        if meant is None or output not in (None, meant.tensor.name):
            what = " or ".join(definition_text(each.target) for each in operation.outputs)
            what = what if output is None else definition_text(operation.output_called(output).target)
            raise InputError(f"the claim is about the derivative of {definition_text(body)}, not of the output {what}")
        return jacobian(operation, tensor.name, output=meant.tensor.name)
    through = bool(upstream & gradients) or (bool(gradients) if left is None else output is None)
    if operation.is_loss:
        through = bool(upstream & gradients)
    return vjp(operation, tensor.name) if through else jacobian(operation, tensor.name, output=output)


def _upstream(operation: Operation, tensor: Tensor, right: Expr, derivation: Derivation) -> Iterator[Definition]:
    """The definitions of the gradients that a claim mentions beside the one that comes in."""
    upstreams = operation.upstreams
    mentioned = {each for each in tensors_in(right) if each.role} - set(upstreams)
    if not mentioned:
        return
    if isinstance(derivation.target, Partial):
        if len(upstreams) > 1 or upstreams[0].rank:
            names = ", ".join(sorted(each.word for each in mentioned))
            what = derivation.target.body.tensor.name
            raise InputError(f"a derivative of {what} has no gradient in it; the claim has {names}")
        yield Definition(upstreams[0](), S.One)
    inputs = {each.name for each in operation.inputs if each.gradient() in mentioned}
    gradients = pull_back(operation, sorted({tensor.name, *inputs}), fuse=False).gradients
    missing = mentioned - {definition.tensor for definition in gradients}
    if missing:
        names = ", ".join(sorted(each.word for each in missing))
        raise InputError(f"{names} is on no way from the output of {operation.name} to {tensor.name}")
    yield from gradients


def _by_names(target: Element, derived: Expr, named: Iterable[Definition], claimed: Expr) -> Expr:
    """The derived gradient by means of the gradients that the claim mentions, where they are all that it takes."""
    mentioned = {each for each in tensors_in(claimed) if each.role}
    for gradient in named:
        if gradient.tensor == target.tensor and {each for each in tensors_in(gradient.body) if each.role} <= mentioned:
            return gradient.at(*target.indices)
    return derived


def _everything(operation: Operation) -> tuple[Tensor, ...]:
    return (*operation.inputs, *(definition.tensor for definition in operation.definitions))


# -- letters ----------------------------------------------------------------------------------------------------------


def _letters(target: Expr) -> tuple[Index, ...]:
    """The letters of a left side, in the order in which they are written."""
    return tuple(_places(target))


def _places(left: Expr) -> tuple[Expr, ...]:
    if isinstance(left, Partial):
        return (*(left.body.indices if isinstance(left.body, Element) else ()), *left.element.indices)
    return tuple(left.indices)


def _matched(claimed: Expr, own: tuple[Index, ...], text: str) -> dict[Expr, Expr]:
    """The derivation's letters for a claim's: the same letter where it is the same, otherwise in order, by size."""
    order = WORD.findall(text)
    letters = sorted(free_indices(claimed), key=lambda index: order.index(index.name) if index.name in order else 0)
    left = [index for index in own if index not in letters]
    others = [index for index in letters if index not in own]
    sizes = {index.name: index.size for index in own}
    if {index.name for index in letters} == sizes.keys() and others:
        wrong = others[0]  # The derivation's own letters, exchanged: that is what people mean to write, and a mistake.
        problem = f"{wrong.name} runs over {wrong.size} here and over {sizes[wrong.name]} in what is derived"
        place = re.search(rf"\b{re.escape(wrong.name)}\b", text)
        expected = "exchange the letters, or write the left side with the letters that are meant"
        raise DefinitionError(problem, text, place.start() if place else 0, len(wrong.name), expected)
    matched: dict[Expr, Expr] = {}
    for index in others:
        alike = [other.name for other in others if other.size == index.size]
        if len(alike) > 1 and sum(other.size == index.size for other in left) > 1:
            problem = (
                f"{' and '.join(alike)} run over {index.size} both, so it is open which is which of the derivation's"
            )
            expected = "write the left side too, as in dw[i,j] = ..."
            raise DefinitionError(problem, text, 0, len(text), expected)
        fits = next((other for other in left if other.size == index.size), None)
        if fits is not None:
            left.remove(fits)
            matched[index] = fits
    return matched
