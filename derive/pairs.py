r"""The canonical pairs: activations and losses whose composite gradient is (prediction - target) / N up to a factor.

The catalogue is searched; no pair is listed anywhere. Each activation is composed with each loss, the gradient of the
composite is compared with prediction - target in numbers, and where it is a multiple of that, the identity is proved
for every size, with the assumption that it needs.

The *target* is what the label says of an element: the label itself, or 1 for the class that it names and 0 for others.
A *prediction* is what some activation of the search makes of the pre-activation. Mostly that is the pair's own output.
Where the loss has an activation of its own inside, it is that one's: binary cross-entropy of logits predicts their
sigmoid, and the likelihood of log-probabilities predicts the probabilities.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

from sympy import Expr, S

from derive.assumptions import Letters, needed_facts
from derive.catalogue import catalogue, find, parse_fact
from derive.composition import compose
from derive.definitions import inline
from derive.errors import InputError
from derive.evaluation import Assignment
from derive.facts import Fact, unify
from derive.indicators import Delta
from derive.indices import Element, Index
from derive.instantiation import instantiate
from derive.letters import natural_element
from derive.operation import Operation
from derive.precision import Number, UndefinedError, agree
from derive.printing import plain_text
from derive.proof import PROVED, Proof, is_zero, prove_equal
from derive.pullback import jacobian
from derive.sampling import impose, sample
from derive.sums import Partial, nodes
from derive.trials import Trials

#: What a prediction is called while it is put together.
CANDIDATE = "prediction"
#: Sizes at which a gradient is looked at first, and intervals from which the pre-activation is drawn in turn.
FIRST_SIZES = (2, 3, 4, 5)
LINES = ((-2.0, 2.0), (0.05, 0.95))
#: The digits to which numbers that are told by a central difference and are the same agree.
DIFFERENCE_DIGITS = 15


@dataclass(frozen=True)
class Pair:
    """An activation and a loss whose gradient by the pre-activation is ``factor * (prediction - target) / N``.

    Attributes:
        activation, loss: their names.
        operation: the loss after the activation.
        element: the element of the pre-activation by which the loss is differentiated.
        predictor: the name of the activation that gives the prediction; mostly the pair's own.
        gradient: the derivative, as it is derived under the assumption.
        prediction, target: what it is made of.
        factor: a number, perhaps with sizes.
        assumption: the fact that the identity needs, as text; empty where it needs none.
        proof: that the derived gradient is ``factor * (prediction - target) / N``.
    """

    activation: str
    loss: str
    operation: Operation
    element: Element
    predictor: str
    gradient: Expr
    prediction: Expr
    target: Expr
    factor: Expr
    assumption: str
    proof: Proof

    @property
    def conditions(self) -> tuple[str, ...]:
        """Where the identity is defined, as texts; none where it always is."""
        return self.proof.conditions


def pairs(*operations: str | Operation) -> tuple[Pair, ...]:
    """Return the canonical pairs among operations, in their order; those of the catalogue where none are given.

    Every operation with one input and an output of the same axes is taken as an activation, and every number made of
    predictions and one label for each of them, or for each row of them, as a loss.

    Raises:
        InputError: no such operation.
        DefinitionError: a mistake in a definition.

    Example:
        >>> (pair,) = pairs("softmax", "tanh", "cce")
        >>> pair.activation, pair.gradient, pair.factor, pair.assumption
        ('softmax', (p[n,k] - t[n,k])/N, 1, 'sum(t[n,k], k) = 1')
    """
    return _found(map(find, operations)) if operations else _of_catalogue()


@cache
def _of_catalogue() -> tuple[Pair, ...]:
    return _found(catalogue().values())


def _found(operations: Iterable[Operation]) -> tuple[Pair, ...]:
    every = tuple(operations)
    search = _Search([operation for operation in every if _is_activation(operation)])
    losses = [operation for operation in every if _is_loss_of_predictions(operation)]
    found = (search.pair(activation, loss) for activation, loss in product(search.activations, losses))
    return tuple(pair for pair in found if pair is not None)


def _is_activation(operation: Operation) -> bool:
    """Whether an operation makes real numbers into as many, each at its place, whatever the sizes of their axes."""
    if len(operation.inputs) != 1 or len(operation.outputs) != 1 or operation.labels:
        return False
    elements = [element for definition in operation.definitions for element in nodes(definition.body, Element)]
    if not all(isinstance(where, Index) for element in elements for where in element.indices):
        return False
    sizes = operation.inputs[0].sizes
    return operation.is_elementwise or (sizes == operation.output.tensor.sizes and len(set(sizes)) == len(sizes))


def _is_loss_of_predictions(operation: Operation) -> bool:
    """Whether an operation makes one number of predictions and a label for each of them, or for each row."""
    if not operation.is_loss or len(operation.inputs) != 2:
        return False
    predictions, label = operation.inputs
    classes = () if label.values is None else (label.values,)
    return operation.labels == (label,) and predictions.rank > 0 and (*label.sizes, *classes) == predictions.sizes


class _Composite:
    """A loss after an activation, the element by which it is differentiated, and its target."""

    def __init__(self, activation: Operation, loss: Operation) -> None:
        self.activation, self.loss = activation, loss
        self.operation = compose(activation, loss)
        inputs, label = self.operation.inputs
        self.element = natural_element(self.operation, inputs)
        at = label(*self.element.indices[: label.rank])
        self.target: Expr = at if label.values is None else Delta(self.element.indices[-1], at)
        self.facts = tuple(parse_fact(text, self.operation) for text in self.operation.record.facts)

    def assumptions(self) -> Iterator[tuple[Fact, ...]]:
        """The facts of the record; where it has none, nothing, and then that sums of the label are 1."""
        yield self.facts
        label = self.operation.inputs[1]
        if not self.facts and label.values is None:
            for count in range(1, label.rank + 1):
                for axes in combinations(range(label.rank), count):
                    yield (Letters((self.target,)).sum_is(label, axes, S.One),)

    def prediction(self, predictor: Operation) -> Expr:
        """What an activation makes of the pre-activation."""
        tensors = (*self.operation.inputs, *(definition.tensor for definition in self.operation.definitions))
        written = {self.element.tensor.name: self.element.indices}
        given = {predictor.inputs[0].name: self.element.tensor}
        made = instantiate(predictor, given, [CANDIDATE], {tensor.name for tensor in tensors}, written=written)
        return inline(made.definitions[-1].body, made.definitions[:-1])

    def named(self, prediction: Expr) -> Expr:
        """The prediction by the name that the composite has for it, if there is one."""
        before = self.operation.intermediates
        for definition in before:
            if definition.tensor.sizes == self.element.tensor.sizes:
                name = definition.tensor(*self.element.indices)
                if is_zero(inline(name, before) - prediction):
                    return name
        return prediction


class _Search:
    """Looks for pairs; what each activation makes of the numbers that all composites are given is computed once."""

    def __init__(self, activations: Sequence[Operation]) -> None:
        self.activations = activations
        self._known: dict[tuple[object, ...], list[Number] | None] = {}

    def pair(self, activation: Operation, loss: Operation) -> Pair | None:
        """Return what an activation and a loss are where they are a pair."""
        try:
            composite = _Composite(activation, loss)
        except InputError:  # The output has other axes than the loss takes.
            return None
        for facts in composite.assumptions():
            for predictor in self._agreeing(composite, facts):
                pair = _proved(composite, predictor, facts)
                if pair is not None:
                    return pair
        return None

    def _agreeing(self, composite: _Composite, facts: tuple[Fact, ...]) -> Iterator[Operation]:
        """The activations, the own one first, whose error is a multiple of the gradient at a few places.

        Nothing is derived for that: the gradient is a central difference of the composite.
        """
        operation, element = composite.operation, composite.element
        sizes = dict(zip(operation.sizes, FIRST_SIZES, strict=False))
        for line in LINES:
            values = sample(operation.inputs, sizes, random.Random(0), operation.record.domain)
            values |= sample([element.tensor], sizes, random.Random(1), {element.tensor.name: line})
            here = Assignment(sizes, values, {definition.tensor: definition for definition in operation.definitions})
            places = _few_places(here, element)
            slope = Partial(operation.output.target, element)
            try:
                if impose(facts, here):
                    slopes = [here.value(slope, place) for place in places]
                    targets = [here.value(composite.target, place) for place in places]
                    break
            except (UndefinedError, ZeroDivisionError):
                continue
        else:
            return
        own_first = sorted(enumerate(self.activations), key=lambda each: each[1] is not composite.activation)
        for number, predictor in own_first:
            key = (number, line, tuple(sizes[extent] for extent in element.tensor.sizes))
            if key not in self._known:
                self._known[key] = _values(composite.prediction(predictor), Assignment(sizes, values), places)
            predicted = self._known[key]
            if predicted is not None and _is_multiple(slopes, predicted, targets):
                yield predictor


def _few_places(here: Assignment, element: Element) -> list[dict[Index, int]]:
    """Two places in the first row and one in the last: what differs by column, or by row, is no multiple."""
    every = list(here.places(element.indices))
    return [every[0], every[1], every[-1]]


def _values(expr: Expr, assignment: Assignment, places: Iterable[Mapping[Index, int]]) -> list[Number] | None:
    try:
        return [assignment.value(expr, place) for place in places]
    except (UndefinedError, ZeroDivisionError):
        return None


def _is_multiple(slopes: Sequence[Number], predicted: Sequence[Number], targets: Sequence[Number]) -> bool:
    """Whether the slopes are one multiple, not 0, of the errors."""
    errors = [value - target for value, target in zip(predicted, targets, strict=True)]
    crossed = [(slopes[0] * error, slope * errors[0]) for slope, error in zip(slopes, errors, strict=True)]
    return bool(slopes[0]) and all(agree(one, other, DIFFERENCE_DIGITS) for one, other in crossed)


# -- proved -----------------------------------------------------------------------------------------------------------


def _proved(composite: _Composite, predictor: Operation, facts: tuple[Fact, ...]) -> Pair | None:
    """The pair, with its factor, its assumption and the proof; None where it is not proved."""
    operation, tensor = composite.operation, composite.element.tensor
    prediction = composite.named(composite.prediction(predictor))
    error = prediction - composite.target
    derived = jacobian(operation, tensor.name).result
    factor = Trials(derived, [error], operation.intermediates, facts).constant(error)
    if factor is None:
        return None
    needed = _needed(derived, factor * error, composite, facts)
    proof = prove_equal(derived, factor * error, operation.intermediates, needed)
    if proof.verdict != PROVED:
        return None
    return Pair(
        activation=composite.activation.name,
        loss=composite.loss.name,
        operation=operation,
        element=composite.element,
        predictor=predictor.name,
        gradient=jacobian(operation, tensor.name, needed).result if needed else derived,
        prediction=prediction,
        target=composite.target,
        factor=factor * tensor.sizes[0],
        assumption=", ".join(fact.text for fact in needed),
        proof=proof,
    )


def _needed(derived: Expr, claim: Expr, composite: _Composite, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The fact that a claim needs, in the words of those given where they have it; none where it needs none."""
    found = needed_facts(derived, claim, composite.operation.intermediates)
    known = (own for own in facts if any(_says(fact, own) for fact in found))
    return tuple(known)[:1] or found[:1]


def _says(one: Fact, other: Fact) -> bool:
    """Whether two facts are the same but for their letters."""
    there, back = unify(one.left, other.left, {}), unify(other.left, one.left, {})
    return there is not None and back is not None and one.right == other.right and one.right.is_number


# -- the table --------------------------------------------------------------------------------------------------------


def pairs_lines(bold: Callable[[str], str] = str, found: Sequence[Pair] | None = None) -> Iterator[str]:
    """Yield the table of pairs, those of the catalogue where none are given: a heading, then a line each.

    Example:
        >>> for line in pairs_lines(found=pairs("identity", "exp", "poisson-nll")):
        ...     print(line)
        activation  loss         prediction  gradient                   factor  needs
        exp         poisson-nll  exp         (r[n,k] - t[n,k]) / (N K)  1/K     nothing
    """
    heading = ("activation", "loss", "prediction", "gradient", "factor", "needs")
    rows = [_cells(pair) for pair in (pairs() if found is None else found)]
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    yield bold(_line(heading, widths))
    yield from (_line(row, widths) for row in rows)


def _cells(pair: Pair) -> tuple[str, ...]:
    needs = ", ".join(filter(None, (pair.assumption, *pair.conditions))) or "nothing"
    gradient, factor = plain_text(pair.gradient), plain_text(pair.factor)
    return pair.activation, pair.loss, pair.predictor, gradient, factor, needs


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
