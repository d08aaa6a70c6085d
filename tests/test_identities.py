"""The prover on the field's identities: each is proved, each false twin refuted, whatever the spelling.

Everything is held against ``claim_reference``, which reads the same texts by itself and computes with loops.
"""

from __future__ import annotations

import ast
import random
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from claim_reference import Claim, KinkError, World, compare_sides, context, impose, name_of, sides
from expressions import Drawn, Source
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from identities import CASES, Case, Twin
from thorough import sweep

from derive import prove
from derive.errors import DefinitionError
from derive.proof import PROVED, REFUTED, Proof

ROOT = Path(__file__).parent.parent
#: Cases whose facts the reference has no way to impose on random numbers.
NOT_DRAWN = ("least squares: the normal equations make the gradient 0",)
#: A counterexample's numbers are printed with 12 digits; what is computed from them has fewer.
DIGITS = context.mpf(10) ** -5
#: Two sides that differ by less in these digits would not be told apart by a user.
LEAST_DIFFERENCE = context.mpf(10) ** -9


ONES = [pytest.param(case, id=case.name) for case in CASES]
DRAWN = [pytest.param(case, id=case.name) for case in CASES if case.name not in NOT_DRAWN]
TWINS = sweep(
    [pytest.param(case, twin, id=f"{case.name}: {twin.mistake}") for case in CASES for twin in case.twins],
    lambda given: given.values[1] is given.values[0].twins[0],
)


def facts_of(case: Case, twin: Twin) -> tuple[str, ...]:
    return case.given if twin.given is None else twin.given


@cache
def proof_of(claim: str, where: tuple[str, ...], facts: tuple[str, ...]) -> Proof:
    """The proof of a claim, which several tests look at."""
    return prove(claim, where=where, given=facts)


# -- the cases themselves ---------------------------------------------------------------------------------------------


def test_names_are_different_and_every_case_has_twins() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.twins and set(case.idle) <= set(case.given) for case in CASES)
    assert all(len({twin.mistake for twin in case.twins}) == len(case.twins) for case in CASES)


@pytest.mark.parametrize("case", DRAWN)
def test_a_case_is_true_by_loops_and_numbers(case: Case) -> None:
    compared = compare_sides(Claim(case.claim, case.where, case.given))
    assert not compared.differ
    assert compared.places >= 3


@pytest.mark.parametrize("case", DRAWN)
def test_its_twins_are_false_by_loops_and_numbers(case: Case) -> None:
    for twin in case.twins:
        assert compare_sides(Claim(twin.claim, case.where, facts_of(case, twin))).differ, twin.mistake


def test_the_page_of_proofs_has_every_case_and_twin() -> None:
    page = (ROOT / "docs" / "proofs.md").read_text("utf-8")
    missing = [case.name for case in CASES if case.claim not in page or f"| {case.name} | proved |" not in page]
    assert not missing, "write it again: python tests/benchmarks/proofs.py --write docs/proofs.md"
    assert not [twin.claim for case in CASES for twin in case.twins if f"`{twin.claim}` ({twin.mistake})" not in page]


# -- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ONES)
def test_a_case_is_proved_with_its_assumptions_and_no_other(case: Case) -> None:
    proof = proof_of(case.claim, case.where, case.given)
    assert proof.verdict == PROVED, proof.tried
    assert set(proof.assumptions) == set(case.assumptions)
    assert proof.counterexample is None
    proof.check()


@pytest.mark.parametrize(("case", "twin"), TWINS)
def test_a_twin_is_refuted_with_numbers_that_a_user_can_check(case: Case, twin: Twin) -> None:
    facts = facts_of(case, twin)
    proof = proof_of(twin.claim, case.where, facts)
    assert proof.verdict == REFUTED, proof.tried
    world = world_of(proof, Claim(twin.claim, case.where, facts))
    assert world.facts_hold()
    assert proof.counterexample is not None
    try:
        left, right = world.both(proof.counterexample.place)
    except KinkError:  # the reference takes no side there
        assert re.search("max|abs|relu", " ".join((twin.claim, *case.where)))
        return
    for computed, printed in ((left, proof.counterexample.left), (right, proof.counterexample.right)):
        assert abs(computed - context.mpf(printed)) < DIGITS * (1 + abs(computed))
    assert abs(left - right) > LEAST_DIFFERENCE * (1 + abs(left) + abs(right))


def world_of(proof: Proof, claim: Claim) -> World:
    """A counterexample's numbers, read from its text, with any others for what drops out of both sides."""
    found = proof.counterexample
    assert found is not None
    extents: dict[Any, int] = {}
    for letter in claim.letters:
        for size in (letter.upper(), letter):
            if size in found.sizes:
                extents.setdefault(claim.find(letter), found.sizes[size])
    values = {name: read_numbers(text, name in claim.labels) for name, text in found.values.items()}
    for name, numbers in values.items():
        for axis in range(claim.ranks[name]):
            extents[claim.find((name, axis))] = 1 + max(place[axis] for place in numbers)
    extents = {size: extents.get(size, 2) for size in claim.sizes()}
    everything = claim.draw(extents, random.Random(0), (0.2, 0.8)) | values
    world = World(claim, everything, extents)
    if set(everything) != set(values):
        assert impose(world)
        again = {name: read_numbers(text, name in claim.labels) for name, text in found.values.items()}
        for name, numbers in again.items():
            for place, number in numbers.items():
                assert abs(everything[name][place] - number) < LEAST_DIFFERENCE, f"the facts do not hold for {name}"
    return world


def read_numbers(text: str, are_labels: bool) -> dict[tuple[int, ...], Any]:
    """The numbers of a nested list by their positions, digit for digit."""
    numbers: dict[tuple[int, ...], Any] = {}

    def fill(nested: Any, place: tuple[int, ...]) -> None:
        if isinstance(nested, list):
            for position, inner in enumerate(nested):
                fill(inner, (*place, position))
        else:
            numbers[place] = int(float(nested)) if are_labels else context.mpf(nested)

    fill(ast.literal_eval(re.sub(r"[^][, ]+", lambda number: repr(number[0]), text)), ())
    return numbers


@pytest.mark.parametrize(
    ("case", "fact"),
    [pytest.param(case, fact, id=f"{case.name}: {fact}") for case in CASES for fact in case.assumptions],
)
def test_without_a_fact_that_it_needs_a_case_is_not_proved(case: Case, fact: str) -> None:
    others = tuple(other for other in case.given if other != fact)
    assert proof_of(case.claim, case.where, others).verdict != PROVED


@pytest.mark.parametrize(
    ("where", "claim", "false"),
    [
        ((), "diff(log(x), x) = 1/abs(x)", "diff(log(x), x) = -1/abs(x)"),
        (("L = log(x)",), "diff(L, x) = 1/abs(x)", "diff(L, x) = -1/abs(x)"),
    ],
)
def test_nothing_is_refuted_where_it_is_not_defined(where: tuple[str, ...], claim: str, false: str) -> None:
    assert prove(claim, where=where).verdict != REFUTED
    assert prove(false, where=where).verdict == REFUTED


def test_what_fails_at_a_jump_only_is_said_to_and_can_be_mended() -> None:
    proof = prove("sign(x[n])**2 = 1")
    assert (proof.verdict, proof.kinks) == (REFUTED, ("x[n] = 0",))
    assert prove("sign(x[n])**2 = [x[n] != 0]").verdict == PROVED


# -- the same in other words ------------------------------------------------------------------------------------------


class Wording(NamedTuple):
    """A claim's texts, and the verdict that they have."""

    claim: str
    where: tuple[str, ...]
    given: tuple[str, ...]
    verdict: str
    assumptions: int


WORDINGS = [
    wording
    for case in CASES
    for wording in (
        Wording(case.claim, case.where, case.given, PROVED, len(case.assumptions)),
        *(Wording(twin.claim, case.where, facts_of(case, twin), REFUTED, 0) for twin in case.twins),
    )
]
LETTERS = "abcdefhijklmnopqrsuvw"
TENSORS = ("x", "y", "q", "data", "x1", "w_out", "theta", "u", "r", "scores")
#: Each way of saying the same is tried with so many wordings; the other tests prove them all.
EXAMPLES = settings(max_examples=15, derandomize=True, deadline=None, database=None)


@st.composite
def wordings(draw: Callable[..., Any], among: Sequence[Wording] = WORDINGS) -> tuple[Wording, Source]:
    """A claim and a source of choices."""
    source = Drawn(draw)
    return source.pick(among), source


def verdict_of(wording: Wording) -> tuple[str, int]:
    try:
        proof = proof_of(wording.claim, wording.where, wording.given)
    except DefinitionError as error:
        if "is not a size here" in str(error):  # a size is called after the letter that is met first
            reject()
        raise
    return proof.verdict, len(proof.assumptions)


def spelt(wording: Wording, change: Callable[[str], str]) -> Wording:
    """The wording with every text changed."""
    return wording._replace(
        claim=change(wording.claim),
        where=tuple(map(change, wording.where)),
        given=tuple(map(change, wording.given)),
    )


def with_names(text: str, names: Mapping[str, str]) -> str:
    """The text with other names; those of functions, which stand before a bracket, are kept."""
    return re.sub(r"[A-Za-z_]\w*(?!\w|\()", lambda found: names.get(found[0], found[0]), text)


def fresh_names(source: Source, old: list[str], new: list[str]) -> dict[str, str]:
    """Another name for each, all different."""
    names: dict[str, str] = {}
    for name in old:
        names[name] = source.pick([each for each in new if each not in names.values()])
    return names


@EXAMPLES
@given(wordings())
def test_the_names_of_indices_do_not_matter(drawn: tuple[Wording, Source]) -> None:
    wording, source = drawn
    claim = Claim(wording.claim, wording.where, wording.given)
    used = {word for text in (wording.claim, *wording.where, *wording.given) for word in re.findall(r"\w+", text)}
    kept = set(claim.ranks) | {name for name in used if name.islower() and name not in claim.letters}
    letters = sorted(letter for letter in claim.letters if letter in used and letter not in kept)
    names = fresh_names(source, letters, [each for each in LETTERS if each not in kept and each.upper() not in kept])
    names |= {old.upper(): new.upper() for old, new in names.items() if old.upper() not in claim.ranks}
    assert verdict_of(spelt(wording, lambda text: with_names(text, names))) == wording[3:]


@EXAMPLES
@given(wordings())
def test_the_names_of_tensors_do_not_matter(drawn: tuple[Wording, Source]) -> None:
    wording, source = drawn
    claim = Claim(wording.claim, wording.where, wording.given)
    own = sorted(name for name in claim.ranks if "_" not in name and name not in claim.letters)
    taken = claim.letters | set(claim.ranks) - set(own)
    new = [each for each in (*TENSORS, *(f"a{number}" for number in range(len(own)))) if each not in taken]
    names = fresh_names(source, own, new)
    assert verdict_of(spelt(wording, lambda text: with_names(text, names))) == wording[3:]


class Reordered(ast.NodeTransformer):
    """Exchanges the two terms of sums and the two factors of products, and the indices of a sum, as it is told."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Add | ast.Mult) and self.source.pick([True, False]):
            left, right = right, left
        if isinstance(node.op, ast.Sub) and self.source.pick([True, False]):
            return ast.BinOp(ast.UnaryOp(ast.USub(), right), ast.Add(), left)
        return ast.BinOp(left, node.op, right)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        arguments = [self.visit(argument) for argument in node.args]
        if name_of(node.func) in ("sum", "mean") and self.source.pick([True, False]):
            arguments[1:] = arguments[:0:-1]
        return ast.Call(node.func, arguments, [])


def reordered(text: str, source: Source) -> str:
    parts = sides(text)
    change = Reordered(source)
    new = [
        part if place % 2 else ast.unparse(change.visit(ast.parse(part, mode="eval").body))
        for place, part in enumerate(parts)
    ]
    return " ".join(new).replace("==", "=")


@EXAMPLES
@given(wordings())
def test_the_order_of_terms_and_factors_does_not_matter(drawn: tuple[Wording, Source]) -> None:
    wording, source = drawn
    assert verdict_of(spelt(wording, lambda text: reordered(text, source))) == wording[3:]


@EXAMPLES
@given(wordings())
def test_the_order_of_the_sides_does_not_matter(drawn: tuple[Wording, Source]) -> None:
    wording, _ = drawn
    left, _, right = sides(wording.claim)
    claim = f"{right} = {left}".replace("==", "=")
    assert verdict_of(wording._replace(claim=claim)) == wording[3:]


def ready(where: Sequence[str]) -> list[str]:
    """The definitions that use none of the others."""
    names = [sides(text)[0].partition("[")[0] for text in where]
    return [text for text in where if not set(re.findall(r"\w+", sides(text)[2])) & set(names)]


#: What can be said in another order: two definitions that do not use each other, or two facts.
IN_ANY_ORDER = [
    wording
    for wording in WORDINGS
    if len(wording.given) > 1 or any(len(ready(wording.where[place:])) > 1 for place in range(len(wording.where)))
]


@EXAMPLES
@given(wordings(among=IN_ANY_ORDER))
def test_the_order_of_definitions_and_facts_does_not_matter(drawn: tuple[Wording, Source]) -> None:
    wording, source = drawn
    left, where = list(wording.where), []
    while left:
        where.append(source.pick(ready(left)))
        left.remove(where[-1])
    facts = sorted(wording.given, key=lambda _: source.pick(range(9)))
    assert verdict_of(wording._replace(where=tuple(where), given=tuple(facts))) == wording[3:]


# -- two runs ---------------------------------------------------------------------------------------------------------

#: Every thirty-second case and its first twin; nothing else is imported, for a process of its own does it anew.
SAY = """
import sys
sys.path.insert(0, "tests")
from identities import CASES
from derive import prove
for case in CASES[::32]:
    twin = case.twins[0]
    for claim, given in ((case.claim, case.given), (twin.claim, case.given if twin.given is None else twin.given)):
        proof = prove(claim, where=case.where, given=given)
        print(repr(proof))
        print(proof.text())
"""


def test_two_processes_say_the_same() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", SAY],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0].count("verdict=") == 2 * len(CASES[::32])
    assert said[0] == said[1]
