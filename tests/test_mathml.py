"""Formulas as MathML: well-formed, and the numbers read back from what a person sees of them."""

from __future__ import annotations

import random
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import sympy
from hypothesis import assume, given, settings
from mathml_reader import SeenWorld, read_mathml, seen_name
from sympy import Expr
from test_printing import TENSORS, TEXTS, expressions, readings
from thorough import sweep

import derive
from derive.evaluation import Assignment
from derive.indices import Index, Tensor, size
from derive.markup import is_element
from derive.mathml import mathml_lines, mathml_text
from derive.notation import BAR, LEIBNIZ, NOTEBOOK, Notation
from derive.operation import Operation
from derive.precision import UndefinedError, context
from derive.pullback import by_parts
from derive.sums import Partial, all_indices, free_indices, has
from derive.writing import with_distinct_letters

#: What MathML Core has, and nothing else.
ELEMENTS = set(
    "math mi mn mo mtext mspace mrow mfrac msqrt msub msup msubsup munder munderover mover mtable mtr mtd".split()
)
#: How many children an element has, where it matters.
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
#: Blocks made of others that are in the catalogue too.
LARGE = ("transformer-block", "gru-cell", "multi-head-attention", "residual-layer-norm", "group-norm", "instance-norm")
RANKS = {"dy": 2, **{name: tensor.rank for name, tensor in TENSORS.items()}}


def parsed(text: str) -> ElementTree.Element:
    """Return MathML as a tree that has the elements of MathML Core alone, each with the children that it must have."""
    tree = ElementTree.fromstring(f"<math>{text}</math>")
    for element in tree.iter():
        assert element.tag in ELEMENTS
        assert len(element) == CHILDREN.get(element.tag, len(element)), ElementTree.tostring(element)
        assert element.tag not in ("mi", "mn") or element.text
    return tree


@pytest.mark.parametrize("notation", [BAR, LEIBNIZ, NOTEBOOK], ids=lambda notation: notation.name)
@pytest.mark.parametrize("expr", [row[0] for row in TEXTS], ids=[row[1] for row in TEXTS])
def test_it_is_well_formed(expr: Expr, notation: Notation) -> None:
    parsed(mathml_text(expr, notation))
    for room in (10.0, 40.0):
        for line in mathml_lines(expr, notation, 1, room):
            parsed(line)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(expressions)
def test_it_reads_back(expr: Expr) -> None:
    text = mathml_text(expr)
    parsed(text)
    assume(
        not re.search(r"<mi>[a-z]</mi><mn>1</mn></msub>", text)
    )  # the letters ran out, which the reader does not follow
    for value, world in readings(expr):
        got = read_mathml(text, world, RANKS)
        assert abs(got - value) <= 1e-20 * (1 + abs(value)), f"{text} reads as {got}, not {value}"


def test_the_reader_sees_a_lost_bracket() -> None:
    u, v, n = Tensor("u")(), Tensor("v")(), size("N")
    ((value, world), *_) = readings(u * (v - 2) / n)
    right = mathml_text(u * (v - 2) / n)
    wrong = right.replace('<mo stretchy="true" form="prefix">(</mo>', "").replace(
        '<mo stretchy="true" form="postfix">)</mo>', ""
    )
    assert wrong != right
    assert abs(read_mathml(right, world, RANKS) - value) < 1e-20
    assert abs(read_mathml(wrong, world, RANKS) - value) > 1e-6


@pytest.mark.parametrize(
    ("name", "gradient", "mathml"),
    [
        ("x0", False, "<msub><mi>x</mi><mn>0</mn></msub>"),
        ("w_out", False, "<msub><mi>w</mi><mi>out</mi></msub>"),
        ("gamma", False, "<mi>γ</mi>"),
        ("logits", False, "<mi>logits</mi>"),
        ("é", False, '<mi mathvariant="normal">é</mi>'),
        ("xhat", False, '<mover accent="true"><mi>x</mi><mo stretchy="false">^</mo></mover>'),
        ("xbar", False, '<mover><mi>x</mi><mo stretchy="true" scriptlevel="0">¯</mo></mover>'),
        ("x", True, '<mover><mi>x</mi><mo stretchy="false" scriptlevel="0">¯</mo></mover>'),
        ("logits", True, '<mover><mi>logits</mi><mo stretchy="true" scriptlevel="0">¯</mo></mover>'),
    ],
)
def test_how_a_name_is_written(name: str, gradient: bool, mathml: str) -> None:
    tensor = Tensor(name)
    assert mathml_text((tensor.gradient() if gradient else tensor)()) == mathml


def test_a_sum_has_its_limits_and_a_choice_its_words() -> None:
    n, x = Index("n", size("N")), Tensor("x", (size("N"),))
    assert mathml_text(derive.IndexSum(x[n], n)) == (
        "<munderover><mo>∑</mo><mrow><mi>n</mi><mo>=</mo><mn>1</mn></mrow><mi>N</mi></munderover>"
        "<msub><mi>x</mi><mi>n</mi></msub>"
    )
    german = Notation("bar", "", "bar", choice=("falls", "sonst"))
    text = mathml_text(derive.Where(derive.Bracket(">", x[n], 0), x[n], 0), german)
    assert "<mtext>falls\u00a0</mtext>" in text and "<mtext>sonst</mtext>" in text and "if" not in text


def test_a_wide_formula_is_broken_between_its_terms() -> None:
    a, b, c = (Tensor(name)() for name in "abc")
    assert len(mathml_lines(a + b + c, room=100)) == 1
    lines = mathml_lines(a + b + c, room=4)
    assert len(lines) == 3
    assert "".join(lines) == mathml_text(a + b + c)
    inside = mathml_lines(sympy.exp(a) * (a + b + c) * 2, room=6)
    assert "mtable" in inside[0] and "mtable" not in mathml_text(sympy.exp(a) * (a + b + c) * 2)


def test_what_is_one_element() -> None:
    assert is_element("<mrow><mi>x</mi><mspace/></mrow>")
    assert not is_element("<mi>x</mi><mi>y</mi>")


# ---- the catalogue ----


class Entries:
    """The numbers of a tensor, computed when they are looked up."""

    def __init__(self, tensor: Tensor, assignment: Assignment) -> None:
        self.tensor, self.assignment = tensor, assignment
        self.shape = [int(extent.xreplace(assignment.sizes)) for extent in tensor.sizes]
        self.indices = [Index(f"i{axis}", extent) for axis, extent in enumerate(tensor.sizes)]

    def get(self, where: tuple[int, ...], outside: Any) -> Any:
        if not all(0 <= place < extent for place, extent in zip(where, self.shape, strict=True)):
            return outside
        return self.assignment.value(self.tensor(*self.indices), dict(zip(self.indices, where, strict=True)))


def world_of(operation: Operation, assignment: Assignment, expr: Expr) -> tuple[SeenWorld, dict[str, int]]:
    """Numbers for every name of an expression, as it is seen, and how many axes each has."""
    values: dict[str, Any] = {}
    for tensor in {element.tensor for element in expr.atoms(derive.Element)}:
        name = seen_name(BAR.word(tensor))
        assert name not in values
        values[name] = Entries(tensor, assignment)
    letters = {index.name: int(index.size.xreplace(assignment.sizes)) for index in all_indices(expr)}
    sizes = {str(symbol): int(value) for symbol, value in assignment.sizes.items()}
    return SeenWorld(values, letters, sizes), {name: entries.tensor.rank for name, entries in values.items()}


@pytest.mark.parametrize("name", sweep(derive.catalogue(), lambda name: name not in LARGE))
def test_every_operation_reads_back(name: str) -> None:
    operation = derive.find(name)
    parts = by_parts(operation)
    generator = random.Random(0)
    assignment = parts[-1].assignment(generator)
    seen = 0
    for expr in (*(each.body for each in operation.definitions), *(part.result for part in parts)):
        if has(expr, Partial):
            continue
        written = with_distinct_letters(expr)
        text = mathml_text(expr)
        parsed(text)
        world, ranks = world_of(operation, assignment, written)
        indices = sorted(free_indices(expr), key=str)
        for places in assignment.some_places(indices, 3, generator):
            try:
                value = assignment.value(expr, places)
            except UndefinedError:
                continue
            here = world.at({index.name: place for index, place in places.items()})
            got = read_mathml(text, here, ranks)
            assert abs(got - value) <= context.mpf(10) ** -20 * (1 + abs(value)), f"{text} reads as {got}, not {value}"
            seen += 1
    assert seen
