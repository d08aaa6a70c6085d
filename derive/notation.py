r"""How the gradient of a name is written: three notations in three styles and as an identifier.

A notation is told the gradient's *name*; it answers with the text of one of its elements. ``BAR`` writes
:math:`\bar{x}_{n,k}`, ``LEIBNIZ`` :math:`\partial L / \partial x_{n,k}`, and ``NOTEBOOK`` the words of layers written
by hand: ``dvalues`` for what arrives, ``dinputs`` for what is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sympy import Expr

from derive.definitions import needed_definitions
from derive.errors import InputError
from derive.indices import INCOMING, Element, Tensor
from derive.names import LONG_BAR, barred, latex_name, subscripted, upright, written_name
from derive.operation import Operation

#: What is said of the part of an output's gradient that comes in through it, other outputs held.
OUT = "out"
#: Letters for the loss in a Leibniz quotient where an operation is none; the first that no tensor has taken.
LOSS_LETTERS = ("L", "J", "E", "loss")
#: The words of layers written by hand, for names that have one whatever the operation.
NOTEBOOK_WORDS = {"w": "dweights", "weights": "dweights", "b": "dbiases", "biases": "dbiases"}


@dataclass(frozen=True)
class Notation:
    """How the gradient of the loss with respect to a tensor is written.

    Attributes:
        name, title: as a user types it; what it is.
        kind: ``bar``, ``quotient`` or ``word``.
        loss: the loss's letter, where it is written.
        words: by tensor, the word for its gradient; a name without one gets a ``d`` before it.
        gradients: by name of a tensor that is a gradient, the name of what it is the gradient of.
        choice: what stands before the condition of a choice in a formula, and in place of it in the other case.
    """

    name: str
    title: str
    kind: str
    loss: str = "L"
    words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    gradients: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    choice: tuple[str, str] = ("if", "otherwise")

    def gradient_of(self, tensor: Tensor) -> str | None:
        """Return the name of what a tensor is the gradient of, or None if it is none.

        Example:
            >>> BAR.gradient_of(Tensor("x").gradient()), BAR.gradient_of(Tensor("dx"))
            ('x', None)
        """
        return tensor.name if tensor.role else self.gradients.get(tensor.name)

    def identifier(self, name: str, incoming: bool = False) -> str:
        """Return the gradient's name as a Python identifier; of what comes in through an output, with ``_out``.

        Example:
            >>> BAR.identifier("x"), LEIBNIZ.identifier("x"), NOTEBOOK.identifier("x")
            ('dx', 'dL_dx', 'dinputs')
        """
        word = f"d{self.loss}_d{name}" if self.kind == "quotient" else self.words.get(name, f"d{name}")
        return f"{word}_{OUT}" if incoming else word

    def word(self, tensor: Tensor) -> str:
        """Return a tensor's name in code, where gradients are words too.

        Example:
            >>> w = Tensor("w")
            >>> [notation.word(w.gradient()) for notation in (BAR, LEIBNIZ, NOTEBOOK)], NOTEBOOK.word(w)
            (['dw', 'dL_dw', 'dweights'], 'w')
        """
        of = self.gradient_of(tensor)
        return tensor.word if of is None else self.identifier(of, tensor.role == INCOMING)

    @property
    def is_quotient(self) -> bool:
        """Whether a gradient is written as a quotient, and so needs brackets where a quotient does."""
        return self.kind == "quotient"

    def names_factor(self, body: Expr, element: Expr) -> bool:
        """Whether this factor of a chain rule, standing between two scalars, is one word: ``dz_dx``."""
        ends = (body, element)
        plain = all(isinstance(end, Element) and end.tensor.rank == 0 for end in ends)
        return self.kind == "word" and plain and self.gradient_of(body.tensor) is None

    def factor(self, above: str, below: str) -> str:
        """Return the word for a factor of a chain rule.

        Example:
            >>> NOTEBOOK.factor("z", "x0")
            'dz_dx0'
        """
        return f"d{above}_d{below}"

    def plain_gradient(self, name: str, subscript: str = "", incoming: bool = False) -> str:
        """Return the gradient with its index text, for a terminal; of what comes in through an output, with ``out``.

        Example:
            >>> BAR.plain_gradient("y", "[n,k]"), LEIBNIZ.plain_gradient("y", "[n,k]")
            ('ȳ[n,k]', '∂L/∂y[n,k]')
            >>> BAR.plain_gradient("c", "[n]", incoming=True), LEIBNIZ.plain_gradient("c", "[n]", incoming=True)
            ('c̄_out[n]', '(∂L/∂c[n])_out')
        """
        if self.kind == "quotient":
            quotient = f"∂{self.loss}/∂{name}{subscript}"
            return f"({quotient})_{OUT}" if incoming else quotient
        if self.kind == "word":
            return self.identifier(name, incoming) + subscript
        return barred(name) + (f"_{OUT}" if incoming else "") + subscript

    def latex_gradient(self, name: str, subscripts: tuple[str, ...] = (), incoming: bool = False) -> str:
        r"""Return the gradient with its indices as LaTeX; of what comes in through an output, with a raised ``out``.

        Example:
            >>> print(BAR.latex_gradient("x0", ("n",)), NOTEBOOK.latex_gradient("z"))
            \bar{x}_{0,n} \mathrm{dz}
            >>> print(BAR.latex_gradient("c", ("n",), incoming=True))
            \bar{c}^{\mathrm{out}}_{n}
        """
        if self.kind == "word":
            return subscripted(upright(self.identifier(name, incoming)), subscripts)
        word, _ = written_name(name)
        base, own = latex_name(name)
        raised = rf"^{{\mathrm{{{OUT}}}}}" if incoming else ""
        if self.kind == "quotient":
            loss = subscripted(*latex_name(self.loss))
            quotient = rf"\frac{{\partial {loss}}}{{\partial {subscripted(base, (*own, *subscripts))}}}"
            return rf"\left({quotient}\right){raised}" if incoming else quotient
        accent = r"\bar" if word.is_single else LONG_BAR
        return subscripted(f"{accent}{{{base}}}{raised}", (*own, *subscripts))

    def bound_to(self, operation: Operation) -> Notation:
        """Return this notation with the operation's names: which is the output, which the first input."""
        if operation.gradients:
            return replace(
                self,
                gradients=MappingProxyType(dict(operation.gradients)),
                words=MappingProxyType({}),
                loss=_loss_letter(operation),
            )
        if self.kind == "quotient":
            return replace(self, loss=_loss_letter(operation))
        names = [tensor.name for tensor in operation.inputs]
        names += [definition.tensor.name for definition in operation.definitions]
        return replace(self, words=MappingProxyType(_words(operation, names))) if self.kind == "word" else self


def _loss_letter(operation: Operation) -> str:
    """What the loss is called: a loss's own name; of any other operation, and of its gradients, a letter that is free.

    The gradients of a loss come from one number, though the operation has arrays.
    """
    of = operation.gradients
    if operation.is_loss and not of:
        return operation.output.tensor.name
    coming = [tensor for tensor in operation.inputs if tensor.name in of]
    if len(coming) == 1 and coming[0].rank == 0 and not operation.is_elementwise:
        return of[coming[0].name]
    used = needed_definitions(operation.definitions, [operation.output.tensor]) if of else operation.definitions
    names = {tensor.name for tensor in (*operation.inputs, *(each.tensor for each in used))} | set(of.values())
    return next(letter for letter in (*LOSS_LETTERS, "loss_") if letter not in names)


def _words(operation: Operation, names: list[str]) -> dict[str, str]:
    """Return a word for every tensor of an operation; two tensors never share one."""
    outputs = [definition.tensor.name for definition in operation.outputs]
    words = {outputs[0]: "dvalues"} if len(outputs) == 1 else {name: f"d{name}" for name in outputs}
    for definition in operation.intermediates:
        words.setdefault(definition.tensor.name, f"dL_d{definition.tensor.name}")
    # In a + b, b is no bias: there are biases where there are weights.
    known = NOTEBOOK_WORDS if any(name.startswith("w") for name in names) else {}
    for place, tensor in enumerate(operation.inputs):
        preferred = known.get(tensor.name, "dinputs" if place == 0 else f"d{tensor.name}")
        words.setdefault(tensor.name, preferred)
    used: set[str] = set(names)
    for name, word in words.items():
        for candidate in (word, f"d{name}", f"dL_d{name}"):
            if candidate not in used:
                words[name] = candidate
                break
        used.add(words[name])
    return words


BAR = Notation("bar", "a bar over the name: x̄ is the gradient of the loss with respect to x", "bar")
LEIBNIZ = Notation("leibniz", "the quotient of Leibniz: ∂L/∂x", "quotient")
NOTEBOOK = Notation(
    "notebook",
    "the words of layers written by hand: dvalues, dinputs, dweights, dL_dz",
    "word",
    words=MappingProxyType({**NOTEBOOK_WORDS, "y": "dvalues", "x": "dinputs"}),
)
_KNOWN: Mapping[str, Notation] = MappingProxyType({notation.name: notation for notation in (BAR, LEIBNIZ, NOTEBOOK)})


def known_notations() -> tuple[str, ...]:
    """Return the names of the notations.

    Example:
        >>> known_notations()
        ('bar', 'leibniz', 'notebook')
    """
    return tuple(_KNOWN)


def find_notation(name: str, operation: Operation | None = None) -> Notation:
    """Return the notation of that name, bound to the operation's names where one is given.

    Raises:
        InputError: there is no notation of that name.

    Example:
        >>> find_notation("leibniz").plain_gradient("z")
        '∂L/∂z'
    """
    if name not in _KNOWN:
        raise InputError(f"unknown notation {name!r}; expected one of {', '.join(_KNOWN)}")
    notation = _KNOWN[name]
    return notation if operation is None else notation.bound_to(operation)
