"""A second reader of claims, independent of the engine: Python's own ``ast``, a loop for every index, mpmath numbers.

It knows the text form (docs/index_notation.md) and nothing of the prover: a derivative is a difference quotient, taken
from both sides, so that a kink is seen. Of the catalogue it takes the texts of the definitions. The prover's verdicts
and counterexamples are held against it.
"""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import mpmath

from derive.catalogue import find

context = mpmath.MPContext()
context.dps = 80
#: The step of a difference quotient; 80 digits leave 30 good ones to a second derivative.
STEP = context.mpf(10) ** -25
#: Two numbers that differ by less are the same.
TOLERANCE = context.mpf(10) ** -12
Place = tuple[int, ...]


class UndefinedError(Exception):
    """There is no number here: a logarithm of a negative number, a division by zero."""


class KinkError(UndefinedError):
    """There is no derivative here."""


def sides(text: str) -> tuple[str, ...]:
    """Split a text at the signs ``=``, ``>``, ``<``, ``>=``, ``<=`` outside brackets; a sign is a part of its own.

    Within brackets the text form's ``=`` becomes Python's ``==``.
    """
    parts, depth, place = [""], 0, 0
    while place < len(text):
        letter, two = text[place], text[place : place + 2]
        depth += (letter in "([") - (letter in ")]")
        sign = two if two in ("<=", ">=", "!=", "==") else letter if letter in "<>=" else ""
        if sign and depth == 0:
            parts += [sign, ""]
        else:
            parts[-1] += "==" if sign == "=" else sign or letter
        place += len(sign) or 1
    return tuple(part.strip() for part in parts)


class Definition:
    """``name[letters] = body``; without letters and with an operation's name, that operation on whole tensors."""

    def __init__(self, name: str, letters: tuple[str, ...], body: ast.expr, elementwise: str = "") -> None:
        self.name, self.letters, self.body, self.elementwise = name, letters, body, elementwise


def read(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


class Names(ast.NodeTransformer):
    """Gives names of a called operation's own to its letters and intermediates, and the caller's to its inputs."""

    def __init__(self, mapping: Mapping[str, str], prefix: str) -> None:
        self.mapping, self.prefix = mapping, prefix

    def visit_Call(self, node: ast.Call) -> ast.Call:
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.named(node.id))

    def named(self, name: str) -> str:
        if name == "pi":
            return name
        # a size is the capital of its letter, and stays so
        if name.isupper() and name not in self.mapping:
            return self.prefix.upper() + name
        return self.mapping.get(name, self.prefix + name)


def definitions(texts: Iterable[str], prefix: str = "") -> list[Definition]:
    """Read definitions; what they call of the catalogue is written out."""
    found: list[Definition] = []
    statements = [part for text in texts for part in text.replace(";", "\n").splitlines() if part.strip()]
    for statement in statements:
        left_text, _, right_text = sides(statement)
        left, right = read(left_text), read(right_text)
        if isinstance(left, ast.Subscript):
            found.append(Definition(name_of(left), tuple(map(name_of, slots(left))), right))
            continue
        name = name_of(left)
        operation = whole_call(right)
        if operation is None:
            found.append(Definition(name, (), right))
            continue
        assert isinstance(right, ast.Call)
        if operation.is_elementwise:
            found.append(Definition(name, (), right, operation.name))
            continue
        own = f"{prefix}{name}_"
        mapping = {tensor.name: name_of(given) for tensor, given in zip(operation.inputs, right.args, strict=True)}
        mapping[operation.output.tensor.name] = name
        change = Names(mapping, own)
        # claims speak of the index over all leading axes as of any other
        for inner in definitions([operation.record.definition.replace("...", "n")], own):
            letters = tuple(map(change.named, inner.letters))
            found.append(Definition(change.named(inner.name), letters, change.visit(inner.body), inner.elementwise))
    return found


def whole_call(node: ast.expr) -> Any:
    """The operation of the catalogue that is called on whole tensors, or None."""
    if not isinstance(node, ast.Call) or not all(isinstance(argument, ast.Name) for argument in node.args):
        return None
    return called(name_of(node.func))


def called(name: str) -> Any:
    if name in FUNCTIONS or name in FORMS:
        return None
    return find(name.replace("_", "-"))


def slots(node: ast.Subscript) -> list[ast.expr]:
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]


def name_of(node: ast.expr) -> str:
    plain = node.value if isinstance(node, ast.Subscript) else node
    assert isinstance(plain, ast.Name)
    return plain.id


def arguments_of(node: ast.expr) -> list[ast.expr]:
    assert isinstance(node, ast.Call)
    return node.args


def positive(number: Any, least: bool) -> Any:
    if number < 0 or (number == 0 and not least):
        raise UndefinedError
    return number


FUNCTIONS: dict[str, Any] = {
    "exp": context.exp,
    "log": lambda x: context.log(positive(x, least=False)),
    "sqrt": lambda x: context.sqrt(positive(x, least=True)),
    "tanh": context.tanh,
    "erf": context.erf,
    "abs": abs,
    "sign": lambda x: context.mpf((x > 0) - (x < 0)),
}
FORMS = ("sum", "mean", "max", "min", "argmax", "where", "delta", "diff")
BINDERS = ("sum", "mean", "max", "argmax")
RELATIONS = {
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}


class Claim:
    """A claim with its definitions and facts: its letters, tensors and which axes have one size.

    Attributes:
        left, right: the sides.
        inputs: by name, the rank.
        labels: inputs that hold positions.
    """

    def __init__(self, claim: str, where: Iterable[str] = (), given: Iterable[str] = ()) -> None:
        left, sign, right = sides(claim)
        assert sign == "="
        self.left, self.right = read(left), read(right)
        self.definitions = {definition.name: definition for definition in definitions(where)}
        self.facts = [(read(one), sign, read(other)) for one, sign, other in map(sides, given)]
        fact_sides = [side for one, _, other in self.facts for side in (one, other)]
        bodies = [definition.body for definition in self.definitions.values()]
        everything = [self.left, self.right, *fact_sides, *bodies]
        self.ranks: dict[str, int] = {d.name: len(d.letters) for d in self.definitions.values() if not d.elementwise}
        nodes = [node for tree in everything for node in ast.walk(tree)]
        for node in nodes:
            if isinstance(node, ast.Subscript):
                self.ranks[name_of(node)] = len(slots(node))
        self._spread_ranks()
        self.letters = set(self._letters(nodes))
        self.parents: dict[Any, Any] = {}
        self.labels: set[str] = set()
        for node in nodes:
            self._join_axes(node)
        for definition in self.definitions.values():
            for axis, letter in enumerate(definition.letters):
                self.join(letter, (definition.name, axis))
            if definition.elementwise:
                for argument in arguments_of(definition.body):
                    for axis in range(self.ranks.get(definition.name, 0)):
                        self.join((definition.name, axis), (name_of(argument), axis))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        heads = {name_of(node.func) for node in nodes if isinstance(node, ast.Call)}
        scalars = {n for n in names - heads - self.letters - {"pi"} - set(self.ranks) if not self._is_size(n)}
        self.ranks |= dict.fromkeys(scalars, 0)
        self.inputs = {name: rank for name, rank in self.ranks.items() if name not in self.definitions}

    def _spread_ranks(self) -> None:
        """An operation on single numbers takes the shape of its arguments, and gives them its own."""
        for _ in self.definitions:
            for definition in self.definitions.values():
                if definition.elementwise:
                    names = [definition.name, *map(name_of, arguments_of(definition.body))]
                    known = [self.ranks[name] for name in names if name in self.ranks]
                    self.ranks |= dict.fromkeys(names, known[0]) if known else {}

    def _letters(self, nodes: Sequence[ast.AST]) -> Iterator[str]:
        for definition in self.definitions.values():
            yield from definition.letters
        for node in nodes:
            if isinstance(node, ast.Subscript):
                yield from (slot.id for slot in slots(node) if isinstance(slot, ast.Name) and slot.id not in self.ranks)

    def _is_size(self, name: str) -> bool:
        return name.isupper() and name.lower() in {letter.lower() for letter in self.letters}

    def find(self, node: Any) -> Any:
        while self.parents.get(node, node) != node:
            node = self.parents[node]
        return node

    def join(self, one: Any, other: Any) -> None:
        self.parents.setdefault(one, one)
        self.parents.setdefault(other, other)
        self.parents[self.find(one)] = self.find(other)

    def _join_axes(self, node: ast.AST) -> None:
        if isinstance(node, ast.Subscript):
            for axis, slot in enumerate(slots(node)):
                self._join_index(slot, (name_of(node), axis))
        both = None
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            both = node.left, node.comparators[0]
        if isinstance(node, ast.Call) and name_of(node.func) == "delta":
            both = node.args[0], node.args[1]
        if both is not None:
            for one, other in (both, both[::-1]):
                if isinstance(one, ast.Name) and one.id in self.letters:
                    self._join_index(other, one.id)

    def _join_index(self, slot: ast.expr, axis: Any) -> None:
        if isinstance(slot, ast.Name) and slot.id in self.letters:
            self.join(slot.id, axis)
        elif isinstance(slot, ast.Name | ast.Subscript):
            self.labels.add(name_of(slot))
            self.join(("value", name_of(slot)), axis)

    def sizes(self) -> list[Any]:
        """One node for every size."""
        return sorted({self.find(node) for node in self.parents}, key=str)

    def free(self) -> list[str]:
        """The claim's free letters."""
        return sorted(set(self._free(self.left)) | set(self._free(self.right)))

    def _free(self, node: ast.AST) -> Iterator[str]:
        bound: set[str] = set()
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call):
            children = list(node.args)
            if name_of(node.func) in BINDERS and self.binds(node):
                bound = {argument.id for argument in node.args[1:] if isinstance(argument, ast.Name)}
                children = list(node.args[:1])
        if isinstance(node, ast.Name) and node.id in self.letters:
            yield node.id
        for child in children:
            yield from (letter for letter in self._free(child) if letter not in bound)

    def binds(self, call: ast.Call) -> bool:
        """Whether ``max(e, i)`` runs over an index."""
        return all(isinstance(argument, ast.Name) and argument.id in self.letters for argument in call.args[1:])

    def draw(self, extents: Mapping[Any, int], generator: random.Random, line: tuple[float, float]) -> dict[str, Any]:
        """Random values for the inputs, as nested dictionaries from positions to numbers."""
        values: dict[str, Any] = {}
        for name, rank in sorted(self.inputs.items()):
            shape = [extents.get(self.find((name, axis)), 2) for axis in range(rank)]
            upto = extents.get(self.find(("value", name)), 2)
            values[name] = {
                place: generator.randrange(upto) if name in self.labels else context.mpf(generator.uniform(*line))
                for place in itertools.product(*map(range, shape))
            }
        return values


class World:
    """A claim with numbers: sizes, values of inputs, and elements that are held at other values."""

    def __init__(
        self, claim: Claim, values: Mapping[str, dict[Place, Any]], extents: Mapping[Any, int] | None = None
    ) -> None:
        self.claim, self.values = claim, values
        self.extents: dict[Any, int] = dict(extents or {})
        for name in claim.inputs:
            for axis in range(claim.ranks[name]):
                known = 1 + max(place[axis] for place in values[name])
                assert self.extents.setdefault(claim.find((name, axis)), known) == known, f"axis {axis} of {name}"
        self.held: dict[tuple[str, Place], Any] = {}
        self.memo: dict[tuple[str, Place], Any] = {}

    def extent(self, letter: str) -> int:
        return self.extents[self.claim.find(letter)]

    def size(self, name: str) -> int:
        """A size: the capital of a letter that runs over it."""
        for letter in sorted(self.claim.letters, key=lambda letter: (letter.lower() != letter, letter)):
            if letter.upper() == name.upper() and self.claim.find(letter) in self.extents:
                return self.extent(letter)
        raise KeyError(name)

    def places(self, letters: Sequence[str]) -> Iterator[dict[str, int]]:
        for place in itertools.product(*(range(self.extent(letter)) for letter in letters)):
            yield dict(zip(letters, place, strict=True))

    def both(self, places: Mapping[str, int]) -> tuple[Any, Any]:
        """Both sides at a place."""
        return self.value(self.claim.left, places), self.value(self.claim.right, places)

    def facts_hold(self) -> bool:
        """Whether every fact holds at every place."""
        for one, sign, other in self.claim.facts:
            letters = sorted(set(self.claim._free(one)) | set(self.claim._free(other)))
            for places in self.places(letters):
                first, second = self.value(one, places), self.value(other, places)
                near = abs(first - second) <= context.mpf(10) ** -9 * (1 + abs(first))
                if not {"=": near, ">": first > second, ">=": first >= second, "<": first < second}.get(
                    sign, first <= second
                ):
                    return False
        return True

    def value(self, node: ast.expr, places: Mapping[str, int]) -> Any:
        """A number.

        Raises:
            UndefinedError: there is none.
        """
        try:
            return self._value(node, places)
        except ZeroDivisionError as error:
            raise UndefinedError from error

    def _value(self, node: ast.expr, places: Mapping[str, int]) -> Any:
        if isinstance(node, ast.Constant):
            return context.mpf(str(node.value))
        if isinstance(node, ast.Name):
            return self._name(node.id, places)
        if isinstance(node, ast.Subscript):
            return self.element(name_of(node), self._place(slots(node), places))
        if isinstance(node, ast.UnaryOp):
            inner = self._value(node.operand, places)
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.BinOp):
            return arithmetic(node.op, self._value(node.left, places), self._value(node.right, places))
        if isinstance(node, ast.List):
            return context.mpf(int(self._holds(node, places)))
        assert isinstance(node, ast.Call), ast.dump(node)
        return self._call(name_of(node.func), node, places)

    def _name(self, name: str, places: Mapping[str, int]) -> Any:
        if name in places:
            return places[name]
        if name in self.claim.ranks:
            return self.element(name, ())
        return context.pi if name == "pi" else context.mpf(self.size(name))

    def _place(self, indices: Sequence[ast.expr], places: Mapping[str, int]) -> Place:
        return tuple(int(self._value(index, places)) for index in indices)

    def element(self, name: str, place: Place) -> Any:
        if (name, place) in self.held:
            return self.held[name, place]
        if name not in self.claim.definitions:
            return self.values[name][place]
        if (name, place) not in self.memo:
            definition = self.claim.definitions[name]
            if definition.elementwise:
                arguments = [self.element(name_of(given), place) for given in arguments_of(definition.body)]
                self.memo[name, place] = apply(definition.elementwise, arguments)
            else:
                self.memo[name, place] = self._value(definition.body, dict(zip(definition.letters, place, strict=True)))
        return self.memo[name, place]

    def _holds(self, node: ast.expr, places: Mapping[str, int]) -> bool:
        compare = node.elts[0] if isinstance(node, ast.List) else node
        assert isinstance(compare, ast.Compare)
        both = self._value(compare.left, places), self._value(compare.comparators[0], places)
        relation: Callable[[Any, Any], bool] = RELATIONS[type(compare.ops[0])]
        return relation(*both)

    def _call(self, head: str, node: ast.Call, places: Mapping[str, int]) -> Any:
        arguments = node.args
        if head in BINDERS and self.claim.binds(node):
            letters = [name_of(argument) for argument in arguments[1:]]
            values = [self._value(arguments[0], {**places, **bound}) for bound in self.places(letters)]
            if head == "argmax":
                return values.index(max(values))
            if head == "max":
                return max(values)
            total = context.fsum(values)
            return total / len(values) if head == "mean" else total
        if head == "where":
            return self._value(arguments[1 if self._holds(arguments[0], places) else 2], places)
        if head == "diff":
            return self._difference(arguments[0], arguments[1], places)
        values = [self._value(argument, places) for argument in arguments]
        if head == "delta":
            return context.mpf(int(values[0] == values[1]))
        if head in ("max", "min"):
            return (max if head == "max" else min)(values)
        return FUNCTIONS[head](*values) if head in FUNCTIONS else apply(head, values)

    def _difference(self, above: ast.expr, below: ast.expr, places: Mapping[str, int]) -> Any:
        """The derivative of an expression by an element, everything that is defined by it moving along."""
        indices = slots(below) if isinstance(below, ast.Subscript) else []
        key = name_of(below), self._place(indices, places)
        middle = self.element(*key)
        values = []
        for step in (-STEP, 0, STEP):
            moved = World.__new__(World)
            moved.claim, moved.values, moved.extents = self.claim, self.values, self.extents
            moved.held, moved.memo = {**self.held, key: middle + step}, {}
            values.append(moved._value(above, places))
        before, after = (values[1] - values[0]) / STEP, (values[2] - values[1]) / STEP
        if abs(before - after) > TOLERANCE * (1 + abs(before)):
            raise KinkError
        return (before + after) / 2


def arithmetic(sign: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(sign, ast.Add):
        return left + right
    if isinstance(sign, ast.Sub):
        return left - right
    if isinstance(sign, ast.Mult):
        return left * right
    if isinstance(sign, ast.Div):
        return context.mpf(left) / right
    assert isinstance(sign, ast.Pow)
    if right != int(right):
        positive(left, least=right > 0)
    return context.mpf(left) ** right


def apply(name: str, values: Sequence[Any]) -> Any:
    """An operation of the catalogue on numbers."""
    operation = called(name)
    claim = Claim(f"{operation.output.tensor.name} = 0", [operation.record.definition])
    given: dict[str, dict[Place, Any]] = {
        tensor.name: {(): value} for tensor, value in zip(operation.inputs, values, strict=True)
    }
    return World(claim, given).element(operation.output.tensor.name, ())


class Comparison(NamedTuple):
    """What came of comparing both sides: at how many places, and whether they differ at the last one."""

    places: int
    differ: bool


def compare_sides(
    claim: Claim, seed: int = 0, lines: Sequence[tuple[float, float]] = ((0.1, 0.9), (-1.5, 1.5))
) -> Comparison:
    """Compare both sides at random numbers until they differ.

    Facts of the forms ``sum(x[..], k) = 1``, ``x > 0`` and ``x = ...`` are imposed; a claim with others is not
    compared.
    """
    generator = random.Random(seed)
    compared = 0
    for numbers in ((2, 3, 4, 2), (3, 2, 3, 4), (1, 2, 1, 3)):
        for line in lines:
            extents = dict(zip(claim.sizes(), itertools.cycle(numbers), strict=False))
            world = World(claim, claim.draw(extents, generator, line), extents)
            if not impose(world):
                continue
            for places in world.places(claim.free()):
                try:
                    left, right = world.both(places)
                except UndefinedError:
                    continue
                compared += 1
                if abs(left - right) > TOLERANCE * (1 + abs(left) + abs(right)):
                    return Comparison(compared, differ=True)
    return Comparison(compared, differ=False)


def impose(world: World) -> bool:
    """Change a world's values so that the facts hold; False where this is not known how."""
    claim = world.claim
    for one, sign, other in claim.facts:
        for places in world.places(sorted(set(claim._free(one)))):
            world.memo.clear()
            if isinstance(one, ast.Call) and name_of(one.func) in ("sum", "mean"):
                target, *bound_here = one.args
                if not isinstance(target, ast.Subscript):
                    continue
                letters = [name_of(argument) for argument in bound_here]
                keys = [world._place(slots(target), {**places, **bound}) for bound in world.places(letters)]
                missing = world.value(other, places) - world.value(one, places)
                scale = len(keys) if name_of(one.func) == "sum" else 1
                for key in keys:
                    world.values[name_of(target)][key] += missing / scale
            elif isinstance(one, ast.Name | ast.Subscript):
                key = world._place(slots(one), places) if isinstance(one, ast.Subscript) else ()
                bound = world.value(other, places)
                old = world.values[name_of(one)][key]
                moved = {"=": bound, ">": bound + abs(old - bound), "<": bound - abs(old - bound)}
                moved |= {">=": moved[">"], "<=": moved["<"]}
                world.values[name_of(one)][key] = moved[sign]
    world.memo.clear()
    return world.facts_hold()
