"""The traps of index calculus, each seen, each with a test named after it.

Those of code generation and of printing have their tests beside the generators and the printers.
"""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path

import pytest
import sympy
from expressions import LABELS, A, B, K, N, S, W, X, assignment, differs, i, j, k, l, m, n
from sympy import Expr, Integer, exp, log

from derive.canonical import canonical
from derive.catalogue import find
from derive.chain import Chain
from derive.definitions import Definition
from derive.differentiation import differentiate
from derive.errors import InputError
from derive.evaluation import Assignment
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Index, Tensor
from derive.normal_form import Normaliser
from derive.precision import context
from derive.proof import PROVED, REFUTED, prove_equal
from derive.pullback import vjp
from derive.rewriting import simplify
from derive.sampling import sample
from derive.stability import stable_definitions
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, free_indices, substitute

SOURCES = Path(__file__).parent.parent / "derive"
u, v = Tensor("u")(), Tensor("v")()
ROW = IndexSum(W[i, k], k)


# -- capture of bound indices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e.subs(i, k),
        lambda e: e.subs({i: k}),
        lambda e: e.subs([(i, k)]),
        lambda e: e.xreplace({i: k}),
        lambda e: substitute(e, {i: k}),
    ],
    ids=["subs", "subs of a mapping", "subs of a list", "xreplace", "substitute"],
)
@pytest.mark.parametrize("around", [lambda e: e, lambda e: 2 * e + 1, exp, lambda e: IndexMax(e * A[j], j)])
def test_capture_by_replacing_an_index(change: Callable[[Expr], Expr], around: Callable[[Expr], Expr]) -> None:
    result = change(around(ROW))
    assert canonical(result) == canonical(around(IndexSum(W[k, j], j)))
    assert free_indices(result) == {k}


@pytest.mark.parametrize("arriving", [A[k], W[k, k], X[0, k], IndexSum(W[j, k], j), A[LABELS[n]] * A[k]])
def test_capture_by_replacing_a_scalar(arriving: Expr) -> None:
    total = IndexSum(A[k] * S(), k)
    expected = IndexSum(A[l] * arriving, l)
    for result in (total.subs(S(), arriving), total.xreplace({S(): arriving}), (2 * total).subs(S(), arriving) / 2):
        assert canonical(result) == canonical(expected)


def test_capture_by_replacing_what_is_bound() -> None:
    """The k of A[k] outside is not the k bound in the sum."""
    expr = A[k] + IndexSum(A[k], k)
    assert expr.subs(A[k], S()) == S() + IndexSum(A[k], k)
    assert expr.xreplace({A[k]: S()}) == S() + IndexSum(A[k], k)
    assert expr.subs(k, j) == A[j] + IndexSum(A[k], k)


def test_capture_by_replacing_several_at_once() -> None:
    total = IndexSum(A[k] * (X[n, k] - X[m, k]), k)
    assert canonical(total.xreplace({n: m, m: n})) == canonical(IndexSum(A[j] * (X[m, j] - X[n, j]), j))


def test_capture_by_doit() -> None:
    assert (ROW + exp(ROW)).doit() == ROW + exp(ROW)


def test_capture_by_as_dummy() -> None:
    result = (ROW * A[k]).as_dummy()
    assert differs(result, ROW * A[k]) == ""


@pytest.mark.parametrize("other", [IndexSum(W[k, k], k), IndexSum(W[j, k], k), IndexSum(W[k, i], k), 2 * ROW])
def test_capture_by_dummy_eq(other: Expr) -> None:
    assert not ROW.dummy_eq(other)


@pytest.mark.parametrize("method", ["simplify", "expand", "factor", "together", "cancel", "nsimplify", "powsimp"])
def test_capture_by_simplify_and_its_kin(method: str) -> None:
    expr = A[k] * ROW + IndexSum(A[k] * W[i, k], k) * IndexMax(A[i] * A[k], i)
    assert differs(getattr(sympy, method)(expr), expr) == ""


@pytest.mark.parametrize("expr", [IndexSum(W[i, k] ** 2, k), A[k] * ROW, Delta(i, k), Bracket(">", A[k], 0), exp(A[k])])
@pytest.mark.parametrize("by", [W[i, k], A[k], S()])
def test_capture_by_diff_is_refused(expr: Expr, by: Expr) -> None:
    """SymPy's Sum(z[i,k]**2, k).diff(z[i,k]) is 2 K z[i,k]; here nothing is differentiated by SymPy."""
    with pytest.raises((InputError, ValueError)):
        sympy.diff(expr, by)


def test_a_derivative_by_an_element_with_the_bound_index_s_letter() -> None:
    derivative = differentiate(IndexSum(W[i, k] ** 2, k), W[i, k])
    assert prove_equal(derivative, 2 * W[i, k]).verdict == PROVED
    assert prove_equal(derivative, 2 * K * W[i, k]).verdict == REFUTED


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.name)
def test_the_engine_never_calls_the_methods_that_capture(path: Path) -> None:
    """``replace`` can not be made safe from inside: it rebuilds a sum around whatever it put into its body."""
    forbidden = {"doit", "as_dummy", "dummy_eq", "diff", "lambdify", "sympify_text", "parse_expr"}
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    named = {node.func.attr: node.lineno for node in calls if isinstance(node.func, ast.Attribute)}
    assert not forbidden & named.keys()


# -- one bound index in two factors -----------------------------------------------------------------------------------


def test_a_bound_index_in_two_factors_gives_the_square_and_not_k_times_it() -> None:
    softmax = exp(A[k]) / IndexSum(exp(A[j]), j)
    again = substitute(softmax, {k: j})
    picked = softmax * IndexSum(Delta(j, k) * again, j)
    assert prove_equal(picked, softmax**2).verdict == PROVED
    assert prove_equal(picked, K * softmax**2).verdict == REFUTED


def test_the_product_of_two_sums_over_one_letter() -> None:
    total = IndexSum(A[k], k)
    squared = Normaliser(generators=True).expression(IndexSum(B[n] * total * total, n))
    assert differs(squared, IndexSum(B[n], n) * total**2) == ""
    opened = IndexSum(A[i] * IndexSum(W[i, k], k) ** 2, i)
    assert prove_equal(opened, IndexSum(A[i] * W[i, j] * W[i, k], i, j, k)).verdict == PROVED
    assert prove_equal(opened, IndexSum(A[i] * W[i, k] ** 2, i, k)).verdict == REFUTED


def test_the_derivative_of_a_product_of_sums_over_one_letter() -> None:
    derivative = differentiate(IndexSum(A[k], k) * IndexSum(A[k] ** 2, k), A[j])
    assert prove_equal(derivative, IndexSum(A[k] ** 2, k) + 2 * A[j] * IndexSum(A[k], k)).verdict == PROVED


# -- distributing ------------------------------------------------------------------------------------------------------


def test_distributing_does_not_destroy_layer_norm() -> None:
    """x̄ = (ȳ - mean(ȳ) - y mean(ȳ y)) / s, from the definition in one line."""
    operation = find("y[n,k] = (x[n,k] - mean(x[n,j], j)) / sqrt(mean((x[n,j] - mean(x[n,i], i))**2, j) + e)")
    tensor = operation.input("x")
    own = Chain(operation, (tensor,)).sensitivities[tensor]
    y = operation.output.tensor
    result = own.value
    above = [factor for factor in sympy.Mul.make_args(result) if isinstance(factor, sympy.Add)]
    assert len(above) == 1
    assert len(above[0].args) == 2
    terms = {part for part in sympy.preorder_traversal(result) if isinstance(part, IndexSum)}
    sums_of_gradients = {total for total in terms if y.gradient() in {e.tensor for e in total.atoms(type(u))}}
    assert len(sums_of_gradients) == 2
    assert y in {element.tensor for element in result.atoms(type(u))}
    assert vjp(operation, "x").result == result


def test_deltas_alone_are_reason_to_distribute() -> None:
    square = IndexSum((A[j] - S()) ** 2 * (A[j] + B[n]), j)
    assert canonical(simplify(square).result) == canonical(square)
    with_delta = IndexSum((Delta(j, k) - S()) * A[j], j)
    assert not simplify(with_delta).result.atoms(Delta)


# -- canonical names --------------------------------------------------------------------------------------------------


def edges(names: dict[str, Index], pairs: list[str]) -> list[Expr]:
    inner = Index("z", K)
    return [exp(IndexSum(W[names[a], inner] * W[inner, names[b]], inner)) for a, b in pairs]


@pytest.mark.parametrize(
    "pairs", [["ab", "bc", "ca"], ["ab", "ba", "cc"], ["ab", "bc", "cb"], ["aa", "ab", "bc"], ["ab", "ab", "bc"]]
)
def test_canonical_names_do_not_depend_on_the_order_of_the_outer_indices(pairs: list[str]) -> None:
    """Named inner-first, the inner sums sort by names that are not chosen yet."""
    forms = set()
    for letters in permutations("ijk"):
        names = {role: Index(letter, K) for role, letter in zip("abc", letters, strict=True)}
        for order in permutations(edges(names, pairs)):
            forms.add(canonical(IndexSum(sympy.Add(*order) * sympy.Mul(*order[:2]) ** 0, *names.values())))
    assert len(forms) == 1


def test_canonical_names_tell_all_graphs_of_three_edges_apart() -> None:
    """Two graphs on three points have one form exactly when one is the other with its points renamed."""
    names = {role: Index(letter, K) for role, letter in zip("abc", "ijk", strict=True)}
    arrows = [a + b for a, b in product("abc", repeat=2)]
    generator = random.Random(7)
    graphs = [tuple(sorted(generator.choices(arrows, k=4))) for _ in range(60)]

    def classes(graph: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
        return frozenset(
            tuple(sorted("".join(renaming[point] for point in arrow) for arrow in graph))
            for letters in permutations("abc")
            for renaming in [dict(zip("abc", letters, strict=True))]
        )

    sums = {graph: IndexSum(exp(sympy.Add(*edges(names, list(graph)))), *names.values()) for graph in graphs}
    forms = {graph: canonical(total) for graph, total in sums.items()}
    for first, second in product(graphs, repeat=2):
        assert (forms[first] == forms[second]) == (classes(first) == classes(second))


# -- exponentials -----------------------------------------------------------------------------------------------------


def test_exponentials_are_split_before_folding() -> None:
    """SymPy makes exp(a) * exp(a) one exponential, in which exp(a) is not seen any more."""
    body = exp(X[n, k]) / IndexSum(exp(X[n, j]), j)
    assert (exp(X[n, k]) * exp(X[n, k])).args[0] == 2 * X[n, k]
    target = Tensor("f", (N, K))[n, k]
    short = simplify(exp(2 * X[n, k]) / IndexSum(exp(X[n, j]), j) ** 2, (Definition(target, body),)).result
    assert short == target**2
    mixed = exp(X[n, k] + X[n, i]) / IndexSum(exp(X[n, j]), j) ** 2
    folded = simplify(mixed, (Definition(target, body),)).result
    assert folded == target * target.tensor[n, i]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = 1 / (1 + exp(-x))", "x̄ = ȳ y (1 - y)"),
        ("y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)", "x̄[n,k] = y[n,k] (ȳ[n,k] - sum_j ȳ[n,j] y[n,j])"),
        ("y[n] = log(sum(exp(x[n,k]), k))", "x̄[n,k] = ȳ[n] exp(x[n,k] - y[n])"),
    ],
)
def test_gradients_are_folded_back_into_the_output(text: str, expected: str) -> None:
    assert vjp(text, "x").text(steps=False).replace("\n", " ") == expected


# -- kinks ------------------------------------------------------------------------------------------------------------


def at(value: object, expr: Expr, other: object = 0) -> object:
    numbers = {Tensor("u"): {(): context.mpf(value)}, Tensor("v"): {(): context.mpf(other)}}
    return Assignment({}, numbers).value(expr)


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (Maximum(u, 0), 0),
        (Maximum(0, u), 0),
        (Minimum(0, u), 0),
        (sympy.Abs(u), 0),
        (Where(Bracket(">", u, 0), u, 0), 0),
        (Maximum(u, u / 100), sympy.Rational(1, 100)),
        (Maximum(2 * u, 3 * u), 3),
        (Minimum(2 * u, 3 * u), 3),
        (Maximum(u, 0) ** 2, 0),
    ],
)
def test_a_kink_s_side_is_the_second_argument_s_and_the_flat_one(expr: Expr, value: Expr) -> None:
    """SymPy's Heaviside(0) is 1/2; the derivative of relu at 0 is 0 here, and sign(0) is 0."""
    derivative = differentiate(expr, u)
    expected = sympy.sympify(value)
    assert at(0, derivative) == context.mpf(expected.p) / expected.q
    assert not derivative.atoms(sympy.Heaviside, sympy.DiracDelta, sympy.Max, sympy.Min)


def test_a_kink_s_side_survives_simplification() -> None:
    for expr in (Maximum(u, 0), Maximum(0, u), sympy.Abs(u), Maximum(Minimum(u, 6), 0)):
        short = simplify(differentiate(expr, u)).result
        assert at(0, short) == 0
    assert at(6, simplify(differentiate(Minimum(u, 6), u)).result) == 0


def test_ties_go_to_the_second_argument_and_to_the_first_position() -> None:
    assert at(1, differentiate(Maximum(u, v), u), other=1) == 0
    assert at(1, differentiate(Maximum(u, v), v), other=1) == 1
    here = assignment(0)
    here.values[A] = {(0,): 0, (1,): 5, (2,): 5}
    gradient = differentiate(IndexMax(A[k], k), A[j])
    assert [here.value(gradient, {j: place}) for place in range(3)] == [0, 1, 0]
    assert here.value(IndexArgmax(A[k], k)) == 1


def test_sign_of_zero_is_zero_for_the_prover_too() -> None:
    assert prove_equal(sympy.sign(u) * Bracket("=", u, 0), Integer(0)).verdict == PROVED
    assert prove_equal(sympy.sign(u) ** 2, Integer(1)).verdict == REFUTED


# -- overflow ---------------------------------------------------------------------------------------------------------


def test_softplus_has_a_form_without_overflow_and_it_is_proved() -> None:
    stable = Maximum(u, 0) + log(1 + exp(-sympy.Abs(u)))
    assert prove_equal(log(1 + exp(u)), stable).verdict == PROVED
    assert prove_equal(log(1 + exp(u)), Maximum(u, 0) + log(1 + exp(sympy.Abs(u)))).verdict == REFUTED


def test_a_softmax_is_not_moved_by_a_shift_and_its_stable_form_follows() -> None:
    shifted = exp(X[n, k] - B[n]) / IndexSum(exp(X[n, j] - B[n]), j)
    assert prove_equal(shifted, exp(X[n, k]) / IndexSum(exp(X[n, j]), j)).verdict == PROVED
    definitions = stable_definitions(find("softmax"))
    exponents = [part.args[0] for each in definitions for part in each.body.atoms(exp)]
    (exponent,) = exponents
    largest = [each for each in definitions if each.body.atoms(IndexMax)]
    assert len(largest) == 1
    assert largest[0].tensor in {element.tensor for element in exponent.atoms(type(u))}


def test_a_form_that_can_not_be_proved_stable_is_not_used() -> None:
    """log(v) for v = e^x a b is x + log(a b), and not x + log(a) + log(b): a and b may be negative."""
    for text in (
        "p[n,k] = exp(x[n,k]) * a * b; y[n,k] = log(p[n,k])",
        "p[n,k] = exp(x[n,k]) * a; q[n,k] = p[n,k]**2; y[n,k] = log(q[n,k])",
        "q[n,k] = exp(x[n,k]) * a**2; y[n,k] = log(q[n,k])",
    ):
        operation = find(text)
        sizes = {size: 2 for size in operation.sizes}
        values = sample(operation.inputs, sizes, random.Random(1))
        for tensor in operation.inputs:
            if tensor.rank == 0:
                values[tensor] = {(): context.mpf(-1)}
        stable = stable_definitions(operation)
        here = [
            Assignment(sizes, dict(values), {each.tensor: each for each in definitions})
            for definitions in (operation.definitions, stable)
        ]
        places = {index: 0 for index in operation.output.indices}
        first, second = (each.value(operation.output.target, places) for each in here)
        assert abs(first - second) < 1e-30


# -- cost of printing -------------------------------------------------------------------------------------------------


def test_nothing_is_printed_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """str() of a large expression can cost more than deriving it; the engine never needs one."""

    def refuse(*args: object, **kwargs: object) -> str:
        raise AssertionError("an expression was printed")

    for name in ("definition_text", "plain_text", "latex_text"):
        monkeypatch.setattr(f"derive.printing.{name}", refuse)
    body = exp(X[n, k] * S()) / IndexSum(exp(X[n, j] * S()), j)
    gradient = IndexSum(differentiate(body, X[m, i]) * W[k, i], n, k)
    simplify(gradient, (Definition(Tensor("f", (N, K))[n, k], body),))
    assert prove_equal(IndexSum(body, k), Integer(1)).verdict == PROVED
    assert Partial(gradient, X[0, 0]) == Partial(gradient, X[0, 0])


def calls_in(work: Callable[[], object]) -> int:
    """How many Python functions are called by some work: what it costs, on any machine."""
    count = 0

    def noted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(noted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("show", [str, repr])
def test_the_text_of_a_large_expression_is_not_expensive(show: Callable[[object], str]) -> None:
    def made(terms: int) -> sympy.Expr:
        return sympy.Add(*(W[i, j] ** place * exp(place * A[k]) for place in range(2, 2 + terms)))

    small, large = made(60), made(240)
    assert len(show(large)) > 2000
    assert calls_in(lambda: show(large)) < 8 * calls_in(lambda: show(small))  # Four times as much text.
