"""Operations put together: for given tensors, and one after another."""

from __future__ import annotations

from itertools import product

import pytest
import sympy
from sympy import exp

from derive.composition import compose
from derive.definitions import Definition
from derive.errors import InputError
from derive.indices import Element, Index, Tensor, size
from derive.instantiation import free_name, instantiate
from derive.operation import Operation
from derive.parsing import parse_equation, parse_operation
from derive.printing import definition_text, operation_text
from derive.record import Record
from derive.sums import IndexSum, free_indices

CCE = "L = -1/N * sum(t[n,k] * log(p[n,k]), n, k)"
OPERATIONS = {
    record.name: parse_operation(record.definition, record=record)
    for record in (
        Record("relu", "y = max(x, 0)", title="rectified linear unit"),
        Record("sigmoid", "y = 1 / (1 + exp(-x))"),
        Record("leaky", "y = where(x > 0, x, a*x)"),
        Record("add", "y = a + b"),
        Record("sum", "y[n] = sum(a[n,i], i)"),
        Record("total", "z = sum(u[n,i], n, i)"),
        Record("pair", "y[n] = x[n,0] - x[n,1]"),
        Record("dense", "y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]", title="dense layer", source="a paper"),
        Record("softmax", "y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)", source="a paper"),
        Record("log-softmax", "y[n,k] = x[n,k] - log(sum(exp(x[n,j]), j))"),
        Record("norm", "m[n] = mean(x[n,j], j); y[n,k] = g[k]*(x[n,k] - m[n])"),
        Record("lookup", "y[n,d] = w[t[n],d]"),
        Record("gather", "y[n] = x[n,t[n]]"),
        Record("spread", "L = sum(x[n,k]*(x[n,k] - mean(x[n,j], j))/K, n, k)"),
        Record("mse", "L = mean((y[n,k] - t[n,k])**2, n, k)", labels=("t",)),
        Record(
            "cce",
            CCE,
            inputs=("p", "t"),
            labels=("t",),
            facts=("sum(t[n,k], k) = 1", "sum(t[n,k], n, k) = N", "sum(p[n,k], k) = 1"),
            domain={"p": (0.1, 1.0), "t": (0.0, 1.0)},
            absent={"p": "t"},
        ),
    )
}
N, K, D, M = map(size, "NKDM")
n, k, d, i = Index("n", N), Index("k", K), Index("d", D), Index("i", M)


def chain(*names: str) -> Operation:
    return compose(*(OPERATIONS[name] for name in names))


# ---- compose ----


@pytest.mark.parametrize(
    ("names", "definition", "inputs"),
    [
        ("dense relu", "z[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; y[n,k] = max(z[n,k], 0)", "x w b"),
        ("softmax cce", "p[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j); L = -sum(t[n,k]*log(p[n,k]), n, k)/N", "x t"),
        (
            "dense dense",
            "z[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; y[n,j] = sum(z[n,k]*w2[k,j], k) + b2[j]",
            "x w b w2 b2",
        ),
        (
            "dense relu dense softmax cce",
            "z[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; h[n,k] = max(z[n,k], 0); "
            "a[n,j] = sum(h[n,k]*w2[k,j], k) + b2[j]; p[n,j] = exp(a[n,j])/sum(exp(a[n,i]), i); "
            "L = -sum(t[n,j]*log(p[n,j]), n, j)/N",
            "x w b w2 b2 t",
        ),
        ("sigmoid relu", "z = 1/(1 + exp(-x)); y = max(z, 0)", "x"),
        ("relu softmax", "z[n,k] = max(x[n,k], 0); y[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)", "x"),
        (
            "softmax leaky",
            "z[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j); y[n,k] = where(z[n,k] > 0, z[n,k], a*z[n,k])",
            "x a",
        ),
        ("add softmax", "x[n,k] = a[n,k] + b; y[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j)", "a b"),
        ("sum relu", "x[n] = sum(a[n,i], i); y[n] = max(x[n], 0)", "a"),
        ("dense sum", "a[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; y[n] = sum(a[n,k], k)", "x w b"),
        ("dense total", "u[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; z = sum(u[n,k], n, k)", "x w b"),
        ("dense mse", "y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; L = sum((y[n,k] - t[n,k])**2, n, k)/(N*K)", "x w b t"),
        ("mse relu", "x = sum((y[n,k] - t[n,k])**2, n, k)/(N*K); y2 = max(x, 0)", "y t"),
        (
            "norm norm",
            "m[n] = sum(x[n,j], j)/K; z[n,k] = g[k]*(x[n,k] - m[n]); "
            "m2[n] = sum(z[n,j], j)/K; y[n,k] = g2[k]*(z[n,k] - m2[n])",
            "x g g2",
        ),
        ("lookup dense", "x[n,d] = w[t[n],d]; y[n,k] = sum(x[n,d]*w2[d,k], d) + b[k]", "w t w2 b"),
        ("softmax gather", "z[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j); y[n] = z[n,t[n]]", "x t"),
        ("dense pair", "K = 2; z[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; y[n] = z[n,0] - z[n,1]", "x w b"),
        ("pair relu", "z[n] = x[n,0] - x[n,1]; y[n] = max(z[n], 0)", "x"),
    ],
)  # fmt: skip
def test_a_chain_s_text(names: str, definition: str, inputs: str) -> None:
    operation = chain(*names.split())
    assert operation.record.definition == definition
    assert [tensor.name for tensor in operation.inputs] == inputs.split()
    assert operation.name == names.replace(" ", "-")


CHAINS = [
    pair
    for pair in product(OPERATIONS, repeat=2)
    if pair[1] != "lookup" and pair[0] not in ("total", "mse", "cce", "spread", "sum", "gather", "pair")
] + [("dense", "relu", "dense", "softmax", "cce"), ("dense",) * 8, ("norm", "relu", "norm", "gather", "relu")]


@pytest.mark.parametrize("names", CHAINS, ids="-".join)
def test_a_chain_is_its_parts_one_after_another(names: tuple[str, ...]) -> None:
    """Nothing is lost, no name or letter means two things, and the text says it all."""
    operation = chain(*names)
    again = parse_operation(operation.record.definition, record=operation.record)
    assert again == operation
    assert operation_text(operation) == operation.record.definition
    assert len(operation.definitions) == sum(len(OPERATIONS[name].definitions) for name in names)
    assert len(operation.inputs) == sum(len(OPERATIONS[name].inputs) for name in names) - len(names) + 1
    everything = [*operation.inputs, *(definition.tensor for definition in operation.definitions)]
    assert len({tensor.name for tensor in everything}) == len(everything)
    letters: dict[str, sympy.Expr] = {}
    for definition in operation.definitions:
        assert free_indices(definition.body) <= set(definition.indices)
        for part in sympy.preorder_traversal(definition.body):
            if isinstance(part, Index):
                assert letters.setdefault(part.name, part.size) == part.size


def test_a_chain_s_record() -> None:
    operation = chain("dense", "softmax", "cce")
    assert operation.record.title == "dense layer, then softmax, then cce"
    assert operation.record.source == "a paper"
    assert operation.record.inputs == ("x", "w", "b", "t")
    assert operation.record.labels == ("t",)
    assert operation.record.facts == ("sum(t[n,k], k) = 1", "sum(t[n,k], n, k) = N")
    assert operation.record.domain == {"t": (0.0, 1.0)}
    assert operation.record.absent == {"p": "t"}


def test_a_chain_that_comes_again_is_the_one_there_is() -> None:
    """A chain is read once; with another name, other names in it or another first operation it is another."""
    dense = parse_operation("y[n,k] = sum(x[n,d]*w[d,k], d)", "dense")
    relu, told = parse_operation("y = max(x, 0)", "relu"), [{"w": "w1"}, {"y": "h"}]
    kept = compose(dense, relu, names=told)
    again = parse_operation("y[n,k] = sum(x[n,d]*w[d,k], d)", "dense")
    assert compose(again, relu, names=[dict(each) for each in told]) is kept
    assert compose(dense, relu, name="other", names=told).name == "other"
    assert compose(dense, relu, names=[{"w": "w2"}, {"y": "h"}]).inputs[1].name == "w2"
    assert compose(dense, relu) == compose(dense, relu, names=[{}, {}]) != kept
    assert compose(again.renamed("linear"), relu, names=told).name == "linear-relu"


def test_a_chain_s_facts_follow_its_names_and_letters() -> None:
    losses = compose(OPERATIONS["lookup"], OPERATIONS["dense"], OPERATIONS["cce"], name="lm")
    assert [tensor.name for tensor in losses.inputs] == ["w", "t", "w2", "b", "t2"]
    assert losses.record.facts == ("sum(t2[n,k], k) = 1", "sum(t2[n,k], n, k) = N")
    assert losses.record.labels == ("t2",)
    assert [tensor.name for tensor in losses.labels] == ["t", "t2"]
    assert losses.record.absent == {"p": "t2"}
    two = chain("dense", "dense", "cce")
    assert two.record.facts == ("sum(t[n,j], j) = 1", "sum(t[n,j], n, j) = N")
    tensors = {tensor.name: tensor for tensor in two.inputs}
    left, right = parse_equation(two.record.facts[1], tensors)
    assert right == size("N")
    assert free_indices(left) == frozenset()


def test_sizes_in_a_chain_s_text_are_named_by_the_printed_order() -> None:
    operation = chain("relu", "spread")
    assert parse_operation(operation.record.definition, record=operation.record) == operation


def test_one_operation_is_a_chain() -> None:
    assert compose(OPERATIONS["relu"], name="again") == OPERATIONS["relu"].renamed("again")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("", "there is nothing to compose; give the operations in the order in which they are computed"),
        (
            "sum dense",
            "sum can not feed dense: the output y[n] of sum has 1 axis, the input x[n,d] of dense has 2 axes",
        ),
        (
            "cce relu softmax",
            "relu can not feed softmax: the output L (a scalar) of cce has no axes, "
            "the input x[n,k] of softmax has 2 axes",
        ),
    ],
)
def test_what_does_not_fit_is_refused(names: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        chain(*names.split())
    assert str(caught.value) == problem


def test_labels_are_not_fed() -> None:
    ids = parse_operation("y[n,d] = w[t[n],d]", record=Record("ids", "", inputs=("t", "w")))
    with pytest.raises(InputError) as caught:
        compose(OPERATIONS["sum"], ids)
    assert str(caught.value) == "sum can not feed ids: the first input t[n] of ids holds labels"


def test_an_axis_with_whole_numbers_only_keeps_its_size_in_a_chain() -> None:
    assert OPERATIONS["pair"].inputs[0].sizes == (N, 2)
    joined = chain("dense", "pair")
    assert joined.definitions[0].tensor.sizes == (N, 2)
    assert joined.record.definition.startswith("K = 2; z[n,k] = ")
    assert joined.record.definition.endswith("; y[n] = z[n,0] - z[n,1]")


# ---- instantiate ----


def test_instantiate_replaces_sizes_names_and_letters() -> None:
    softmax = OPERATIONS["softmax"]
    scores = Tensor("scores", (M, D))
    (definition,) = instantiate(softmax, {"x": scores}, "p", letters={"k": K}).definitions
    row, column = definition.indices
    assert (row.size, column.size) == (M, D)
    assert "k" not in {row.name, column.name}
    (other,) = {index for index in definition.body.atoms(sympy.Expr) if isinstance(index, Index)} - {row, column}
    assert definition == Definition(
        Tensor("p", (M, D))[row, column],
        exp(scores[row, column]) / IndexSum(exp(scores[row, other]), other),
    )


def test_instantiate_uses_the_letters_that_an_argument_is_written_with() -> None:
    z = Tensor("z", (M, D))
    instance = instantiate(OPERATIONS["norm"], {"x": z, "g": Tensor("g", (D,))}, "y", {"m"}, written={"z": (i, d)})
    texts = [f"{definition.target} = {definition_text(definition.body)}" for definition in instance.definitions]
    assert texts == ["m2[i] = sum(z[i,j], j)/D", "y[i,d] = g[d]*(z[i,d] - m2[i])"]
    x = OPERATIONS["norm"].input("x")
    assert instance.tensors[x] == z
    assert instance.translate(x[n, k]) == z[i, d]


def test_instantiate_lifts_an_elementwise_operation() -> None:
    z, slope = Tensor("z", (N, K)), Tensor("s")
    (definition,) = instantiate(OPERATIONS["leaky"], {"x": z, "a": slope}, "y", written={"z": (n, k)}).definitions
    assert definition.target == Element(Tensor("y", (N, K)), n, k)
    assert definition.body == OPERATIONS["leaky"].body().xreplace(
        {Tensor("x")(): z[n, k], Tensor("a")(): slope()}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("softmax", {}, "softmax needs a tensor for its input x"),
        (
            "softmax",
            {"x": Tensor("x", (N,))},
            "softmax takes x[N,K] and was given x[N]; they do not fit",
        ),
        (
            "gather",
            {"x": Tensor("x", (N, K)), "t": Tensor("t", (N,))},
            "gather takes t[N] (labels below K) and was given t[N]; they do not fit",
        ),
        (
            "dense",
            {"x": Tensor("x", (N, D)), "w": Tensor("w", (K, M)), "b": Tensor("b", (M,))},
            "dense takes w[D,K], where D is D already, and was given w[K,M]; the sizes D and K do not fit",
        ),
        (
            "pair",
            {"x": Tensor("x", (N, K))},
            "pair takes x[N,2], where 2 is 2 already, and was given x[N,K]; the sizes 2 and K do not fit",
        ),
        (
            "add",
            {"a": Tensor("a", (N,)), "b": Tensor("b", (K,))},
            "add takes tensors of one shape, and scalars, and was given a[N], b[K]",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(name: str, arguments: dict[str, Tensor], problem: str) -> None:
    with pytest.raises(InputError) as caught:
        instantiate(OPERATIONS[name], arguments, "y")
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [("w", set(), "w"), ("w", {"w"}, "w2"), ("w", {"w", "w2"}, "w3"), ("w2", {"w2"}, "w22")],
)
def test_free_names(name: str, taken: set[str], expected: str) -> None:
    assert free_name(name, taken) == expected


# ---- names that are told ----


def test_tensors_are_called_what_is_told() -> None:
    dense, relu, cce = (OPERATIONS[name] for name in ("dense", "relu", "mse"))
    told = [{"x": "u", "w": "w1", "b": "b1", "y": "z1"}, {"y": "h1"}, {"L": "loss"}]
    found = compose(dense, relu, cce, names=told)
    assert [tensor.name for tensor in found.inputs] == ["u", "w1", "b1", "t"]
    assert [definition.tensor.name for definition in found.definitions] == ["z1", "h1", "loss"]
    assert found.record.labels == ("t",)


def test_a_name_that_is_told_is_taken_from_what_is_called_by_itself() -> None:
    dense = OPERATIONS["dense"]
    found = compose(dense, dense, names=[{"w": "w2", "y": "b"}, {}])
    assert [tensor.name for tensor in found.inputs] == ["x", "w2", "b2", "w", "b3"]
    assert [definition.tensor.name for definition in found.definitions] == ["b", "y"]


def test_names_of_one_operation() -> None:
    found = compose(OPERATIONS["dense"], names=[{"w": "w1"}], name="layer")
    assert found.name == "layer"
    assert [tensor.name for tensor in found.inputs] == ["x", "w1", "b"]
