r"""The chain rule over an operation's definitions, written down step by step.

Going back from the output, each tensor's *sensitivity* is put together from those of the definitions that use it:

.. math:: \bar{v}_i = \sum_c \sum_j \bar{c}_j \, \frac{\partial c_j}{\partial v_i}

For a vector-Jacobian product the sensitivity of v is the gradient :math:`\bar v`; for a Jacobian it is
:math:`\partial y_o / \partial v_i`. A sensitivity is put into its users where the whole gets shorter: that softmax
followed by cross-entropy collapses is found here, not programmed.

The gradient of an output comes in. Where other outputs are computed from it, what comes in is one more term of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, S

from derive.affine import guarded
from derive.budget import tick
from derive.canonical import canonical, readable
from derive.costs import cost
from derive.definitions import Definition
from derive.derivation import Step
from derive.differentiation import CONSTANTS_RULE, advance, differentiate
from derive.errors import ImpossibleError
from derive.facts import Fact
from derive.indicators import Delta
from derive.indices import Element, Index, Tensor
from derive.letters import disjoint, letters_by_size, natural_element, reserved_letters
from derive.operation import Operation
from derive.printing import definition_text
from derive.rewriting import simplify
from derive.sums import IndexSum, Partial, free_indices, has, nodes, rewrite, substitute, tensors_in

#: What it costs to have one more name.
NAME_COST = 1.0
NameCost = Callable[[Expr], float]


#: What it is worth to keep a name.
NAME_WORTH = 2.0


def any_name(value: Expr) -> float:
    """What a name costs, whatever it stands for."""
    return NAME_COST


def keep_names(value: Expr) -> float:
    """Names are worth keeping, but where putting in what they stand for makes it collapse: what is derived again."""
    return -NAME_WORTH


def keep_products(value: Expr) -> float:
    """Names of products of matrices are worth keeping: what is derived of a gradient, and what is computed."""
    return -NAME_WORTH if any(len(tensors_in(total)) > 1 for total in nodes(value, IndexSum)) else NAME_COST


@dataclass
class Sensitivity:
    """What a tensor's sensitivity is, and the steps that say why.

    Attributes:
        tensor: whose sensitivity it is.
        left: how it is written.
        value: the shortest form; may contain the sensitivities of later tensors by name.
        steps: the local derivatives first, then the chain rule.
        facts: given equations that were used.
    """

    tensor: Tensor
    element: Element
    left: Expr
    value: Expr
    steps: list[Step]
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Insertion:
    """A sensitivity that was put into its users: whose, into whose, and what the two ways cost.

    Attributes:
        tensor: whose it is.
        users: by whose sensitivities it was used, and into which it was put.
        separate: what all of them cost with a name for it.
        together: what they cost without.
    """

    tensor: Tensor
    users: tuple[Tensor, ...]
    separate: float
    together: float


class Chain:
    """Derives the sensitivities of some tensors of an operation.

    Args:
        operation: the operation.
        wrt: the inputs whose sensitivities are wanted.
        facts: given equations that may be used.
        jacobian: derive partial derivatives of an element of this output instead of gradients.
        fuse: put sensitivities into their users where the whole gets shorter.
        explicit: put them in wherever they stand, so that no name is left that is not the operation's own.
        name_cost: what it costs to have one more name, by what it stands for.

    Attributes:
        sensitivities: in the order derived, from the output back; those put into their users are gone.
        insertions: what was put into its users because the whole gets cheaper, in the order of doing.
    """

    def __init__(
        self,
        operation: Operation,
        wrt: Sequence[Tensor],
        facts: Iterable[Fact] = (),
        jacobian: Definition | None = None,
        fuse: bool = True,
        explicit: bool = False,
        name_cost: NameCost = any_name,
    ) -> None:
        for tensor in wrt:
            if tensor.values is not None:
                raise ImpossibleError(
                    f"{operation.name}: {tensor.name} holds integers, so nothing can be differentiated by it"
                )
        self.operation = operation
        self.wrt = tuple(wrt)
        self.facts = tuple(facts)
        self.jacobian = jacobian
        self.name_cost = name_cost
        self.explicit = explicit or jacobian is not None
        self.letters = letters_by_size(operation)
        self.names = {t.name for t in (*operation.inputs, *(d.tensor for d in operation.definitions))}
        self._reserved = reserved_letters(operation)
        self.outputs = operation.outputs if jacobian is None else (jacobian,)
        self._path = _on_path(operation, wrt, self.outputs)
        self.sensitivities: dict[Tensor, Sensitivity] = {}
        self.insertions: list[Insertion] = []
        ends = {each.tensor for each in self.outputs if jacobian is not None or not operation.feeds_output(each.tensor)}
        inner = [d.tensor for d in reversed(operation.definitions) if d.tensor in self._path - ends]
        for tensor in (*inner, *wrt):
            self.sensitivities[tensor] = self._derive(tensor)
        while fuse or self.explicit:
            if not any([self._put_into_users(tensor) for tensor in inner if tensor in self.sensitivities]):
                break  # A gradient put into another may leave a third one with one user.
        if self.facts:
            for own in self.sensitivities.values():
                self._use_facts(own)

    # -- names --------------------------------------------------------------------------------------------------------

    def _symbol(self, tensor: Tensor, where: Sequence[Expr]) -> Expr:
        """How the sensitivity of a tensor's element is written."""
        if self.jacobian is not None:
            return Partial(self.jacobian.target, tensor(*where))
        return self.operation.gradient_of(tensor)(*where)

    @property
    def _out(self) -> tuple[Index, ...]:
        """The indices of the element whose Jacobian is derived."""
        return () if self.jacobian is None else self.jacobian.indices

    def _incoming(self, tensor: Tensor, element: Element) -> Expr:
        """What comes in from outside of the gradient of a tensor that is put together here."""
        is_output = self.jacobian is None and any(each.tensor == tensor for each in self.outputs)
        return tensor.incoming()(*element.indices) if is_output else S.Zero

    def _element(self, tensor: Tensor) -> Element:
        """The element a sensitivity is derived for; beside a Jacobian's output it needs other letters."""
        element = natural_element(self.operation, tensor)
        return tensor(*disjoint(element.indices, self._out, self._reserved)) if self._out else element

    # -- one tensor ---------------------------------------------------------------------------------------------------

    def _derive(self, tensor: Tensor) -> Sensitivity:
        tick()
        element = self._element(tensor)
        left = self._symbol(tensor, element.indices)
        users = [d for d in self.operation.definitions if d.tensor in self._path and tensor in tensors_in(d.body)]
        steps: list[Step] = []
        if self.jacobian is not None and users == [self.jacobian]:
            value = self._local(self.jacobian, self._out, element, steps)
            return Sensitivity(tensor, element, left, value, steps)
        named, valued = [self._incoming(tensor, element)], [self._incoming(tensor, element)]
        for user in users:
            terms = self._term(user, element, steps)
            named.append(terms[0])
            valued.append(terms[1])
        alone = self.jacobian is None and len(self._path) == 1
        name = "vector-Jacobian product" if alone else "chain rule"
        current = self._add(steps, name, left, left, Add(*named))
        current = self._add(steps, "insert the derivatives", left, current, Add(*valued))
        prefer = (*self._out, *element.indices)
        value = self._shorten(steps, left, current, prefer, self._definitions() if self.jacobian is None else ())
        return Sensitivity(tensor, element, left, value, steps)

    def _term(self, user: Definition, element: Element, steps: list[Step]) -> tuple[Expr, Expr]:
        """One user's part of the chain rule: by the names of the derivatives, and by their values."""
        if user == self.jacobian:
            value = self._local(user, user.indices, element, steps)
            return self._direct(user, user.indices, element), value
        where = disjoint(user.indices, (*element.indices, *self._out), self._reserved)
        local = self._local(user, where, element, steps)
        symbol = self._symbol(user.tensor, where)
        named, valued = symbol * self._direct(user, where, element), symbol * local
        return (IndexSum(named, *where), IndexSum(valued, *where)) if where else (named, valued)

    def _direct(self, user: Definition, where: tuple[Index, ...], element: Element) -> Expr:
        """The derivative with the other names held; by the name of the user where that says the same."""
        between = tensors_in(user.body) & self._path - {element.tensor}
        if any(element.tensor in self.operation.feeding(tensor) for tensor in between):
            return Partial(user.at(*where), element)
        return Partial(user.tensor(*where), element)

    def _local(self, user: Definition, where: tuple[Index, ...], element: Element, steps: list[Step]) -> Expr:
        """Derive the derivative of one definition by a tensor it uses, the other names held."""
        left = self._direct(user, where, element)
        current = self._add(steps, "definition", left, left, Partial(user.at(*where), element))
        while has(current, Partial):
            advanced, rules = advance(current)
            current = self._add(steps, ", ".join(rules) or CONSTANTS_RULE, left, current, advanced)
        # The quotient rule is for the reader; without it the parts that cancel have not been multiplied out.
        plain = differentiate(user.at(*where), element, quotients=False)
        folding = (definition for definition in self._definitions() if definition == user)
        return self._shorten(steps, left, current, prefer=where, definitions=folding, same=plain)

    # -- putting together ---------------------------------------------------------------------------------------------

    def _put_into_users(self, tensor: Tensor) -> bool:
        """Replace a sensitivity by its value in its users if the whole gets shorter or it must be; say if it was."""
        own = self.sensitivities[tensor]
        users = [s for s in self.sensitivities.values() if s is not own and self._mentions(s.value, tensor)]
        if len(users) > 1 and not self.explicit:
            return False  # What is used more than once is computed once.
        put = [self._inserted(user.value, own) for user in users]
        short = [simplify(e, self._definitions(), self._kept(u)).result for e, u in zip(put, users, strict=True)]
        named_cost = cost(own.value) + self.name_cost(own.value) + sum(cost(user.value) for user in users)
        together = sum(map(cost, short))
        if not self.explicit and named_cost <= together:
            return False
        if users and together < named_cost:
            self.insertions.append(Insertion(tensor, tuple(user.tensor for user in users), named_cost, together))
        del self.sensitivities[tensor]
        for place, (user, inserted) in enumerate(zip(users, put, strict=True)):
            if place == 0:
                user.steps[:0] = own.steps
            note = f"the {'gradient of' if self.jacobian is None else 'derivative by'} {own.tensor.name}"
            current = self._add(user.steps, "insert", user.left, user.value, inserted, note)
            user.value = self._shorten(user.steps, user.left, current, self._kept(user), self._definitions())
        return True

    def _mentions(self, expr: Expr, tensor: Tensor) -> bool:
        if self.jacobian is not None:
            return any(partial.element.tensor == tensor for partial in nodes(expr, Partial))
        return self.operation.gradient_of(tensor) in tensors_in(expr)

    def _inserted(self, expr: Expr, own: Sensitivity) -> Expr:
        gradient = self.operation.gradient_of(own.tensor)

        def change(node: Expr) -> Expr | None:
            where: Sequence[Expr] | None = None
            if self.jacobian is not None and isinstance(node, Partial) and node.element.tensor == own.tensor:
                where = node.element.indices
            elif self.jacobian is None and isinstance(node, Element) and node.tensor == gradient:
                where = node.indices
            if where is None:
                return None
            places: dict[Index, Expr] = dict(zip(own.element.indices, where, strict=True))
            return guarded(own.value, places, substitute(own.value, places))

        result: Expr = rewrite(expr, change)
        return result

    def _use_facts(self, own: Sensitivity) -> None:
        simplified = simplify(own.value, self._definitions(), self._kept(own), self.facts)
        if simplified.facts:
            given = " and ".join(fact.text for fact in simplified.facts)
            own.value = self._add(own.steps, "given", own.left, own.value, simplified.result, given)
            own.facts = simplified.facts

    def _definitions(self) -> tuple[Definition, ...]:
        """The names that a result may be folded back into.

        What is derived of gradients is written by them only where this saves a sum: ``ȳ y (1 - y) (1 - 2 y)``
        says more than ``x̄ (1 - 2 y)``. A loss's second derivatives are written without its first ones.
        """
        gradients = self.operation.gradients
        comes_in = any(tensor.name in gradients for tensor in self.operation.inputs)
        return tuple(
            d
            for d in self.operation.definitions
            if d.tensor in self._path and (d.tensor.name not in gradients or (comes_in and has(d.body, IndexSum)))
        )

    def _kept(self, own: Sensitivity) -> tuple[Index, ...]:
        return (*self._out, *own.element.indices)

    # -- steps --------------------------------------------------------------------------------------------------------

    def _add(self, steps: list[Step], rule: str, left: Expr, before: Expr, after: Expr, note: str = "") -> Expr:
        """Add a step unless it changes nothing but the letters of what is bound; return its right side."""
        if canonical(before) == canonical(after):
            return before
        free = {index.name for index in free_indices(left) | free_indices(after)}
        after = readable(after, self.letters, frozenset(self.names | free))
        if before != after:
            steps.append(Step(rule, left, before, after, note))
        return after

    def _shorten(
        self,
        steps: list[Step],
        left: Expr,
        current: Expr,
        prefer: Iterable[Index],
        definitions: Iterable[Definition] = (),
        same: Expr | None = None,
    ) -> Expr:
        """Bring the right side to its shortest form, saying how; ``same`` is another way to write it."""
        simplified = simplify(current if same is None else same, definitions, prefer)
        contracted = self._add(steps, collecting(current), left, current, simplified.contracted)
        if simplified.folded is None:
            return contracted
        note = f"{definition_text(simplified.folded.target)} as defined"
        return self._add(steps, "fold back", left, contracted, simplified.result, note)


def collecting(expr: Expr) -> str:
    """What bringing an expression to its shortest form is called."""
    return "the delta collapses the sum" if _sums_a_delta(expr) else "collect"


def _sums_a_delta(expr: Expr) -> bool:
    for node in nodes(expr, IndexSum):
        bound = set(node.bound)
        if any(delta.left in bound or delta.right in bound for delta in nodes(node, Delta)):
            return True
    return False


def _on_path(operation: Operation, wrt: Iterable[Tensor], outputs: Iterable[Definition]) -> frozenset[Tensor]:
    """The defined tensors that depend on one of the inputs and that one of the outputs depends on."""
    reached: set[Tensor] = set(wrt)
    for definition in operation.definitions:
        if tensors_in(definition.body) & reached:
            reached.add(definition.tensor)
    used = operation.feeding(*(output.tensor for output in outputs))
    return frozenset(d.tensor for d in operation.definitions if d.tensor in reached & used)
