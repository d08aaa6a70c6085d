"""Definitions built by hand, forward and backward, that the code generator is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import sympy
from sympy import Expr, Rational, exp, log, sqrt, tanh

from codegen.lowering import lower
from codegen.numpy_source import FunctionSource, numpy_function
from codegen.program import Program
from derive.definitions import Definition
from derive.functions import Maximum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor, size
from derive.sums import IndexArgmax, IndexMax, IndexSum

N, K, D, V, T, S, B = map(size, "NKDVTSB")
n, m, k, j, d, v, t, s, u, b = (
    Index(*pair)
    for pair in (("n", N), ("m", N), ("k", K), ("j", K), ("d", D), ("v", V), ("t", T), ("s", S), ("u", S), ("b", B))
)
#: Distinct primes, and each size 1 in turn.
SIZES = {N: 3, K: 5, D: 2, V: 7, T: 11, S: 13, B: 4}


@dataclass(frozen=True)
class Case:
    """What is computed from what; ``positive`` names tensors whose numbers are drawn above zero."""

    name: str
    definitions: tuple[tuple[Element, Expr], ...]
    arguments: tuple[Tensor, ...]
    results: tuple[Tensor, ...]
    positive: tuple[str, ...] = ()
    like: dict[Tensor, Tensor] = field(default_factory=dict)

    @property
    def made(self) -> list[Definition]:
        return [Definition(target, body) for target, body in self.definitions]

    def program(self) -> Program:
        return lower(self.made, self.arguments, self.results, like=self.like)

    def source(self) -> FunctionSource:
        return numpy_function(self.program(), self.name, ["Do it."])

    def draw(self, sizes: dict[Expr, int], seed: int = 0) -> dict[Tensor, np.ndarray]:
        rng = np.random.default_rng(seed)
        arrays = {}
        for tensor in self.arguments:
            shape = [sizes[extent] for extent in tensor.sizes]
            if tensor.values is not None:
                arrays[tensor] = rng.integers(0, sizes[tensor.values], shape)
            else:
                low = 0.1 if tensor.name in self.positive else -1.0
                arrays[tensor] = np.asarray(rng.uniform(low, 1.0, shape))
        return arrays


def load(source: FunctionSource):
    namespace: dict[str, object] = {}
    exec(source.module, namespace)
    return namespace[source.name]


def body_of(case: Case) -> str:
    """Return the lines of a case's function after its docstring."""
    return "\n".join(line.removeprefix("    ") for line in case.source().text.splitlines()[2:])


x, y, e, p, z, xhat = (Tensor(name, (N, K)) for name in ("x", "y", "e", "p", "z", "xhat"))
w, bias, gamma, beta = Tensor("w", (D, K)), Tensor("b", (K,)), Tensor("gamma", (K,)), Tensor("beta", (K,))
inputs, hot, labels = Tensor("x", (N, D)), Tensor("t", (N, K)), Tensor("t", (N,), values=K)
mu, var, row_max, picked = (Tensor(name, (N,)) for name in ("mu", "var", "row_max", "picked"))
loss, scalar = Tensor("L"), Tensor("y")
table, ids, found = Tensor("w", (V, D)), Tensor("ids", (N, T), values=V), Tensor("y", (N, T, D))
square = Tensor("a", (N, N))
query, key, value, output = (Tensor(name, (B, extent, D)) for name, extent in (("q", T), ("k", S), ("v", S), ("y", T)))
scores, weights, peak = Tensor("s", (B, T, S)), Tensor("p", (B, T, S)), Tensor("peak", (B, T))
h = Index("h", D)
dy, dx, dz, dp, dL = y.gradient(), x.gradient(), z.gradient(), p.gradient(), loss.gradient()


def mean(body: Expr, *over: Index) -> Expr:
    return IndexSum(body, *over) / sympy.prod([index.size for index in over])


def case(name: str, definitions: Sequence[tuple[Element, Expr]], arguments, results, **options) -> Case:
    return Case(name, tuple(definitions), tuple(arguments), tuple(results), **options)


SOFTMAX = (
    (row_max[n], IndexMax(x[n, j], j)),
    (e[n, k], exp(x[n, k] - row_max[n])),
    (y[n, k], e[n, k] / IndexSum(e[n, j], j)),
)
LAYER_NORM = (
    (mu[n], mean(x[n, k], k)),
    (var[n], mean((x[n, k] - mu[n]) ** 2, k)),
    (xhat[n, k], (x[n, k] - mu[n]) / sqrt(var[n] + Rational(1, 10**5))),
    (y[n, k], gamma[k] * xhat[n, k] + beta[k]),
)
dxhat = xhat.gradient()
a0, b0, x0 = Tensor("a")(), Tensor("b")(), Tensor("x")()

CASES = [
    case("softmax", SOFTMAX, [x], [y]),
    case("softmax_naive", [(y[n, k], exp(x[n, k]) / IndexSum(exp(x[n, j]), j))], [x], [y]),
    case(
        "softmax_backward",
        [(dx[n, k], y[n, k] * (dy[n, k] - IndexSum(dy[n, j] * y[n, j], j)))],
        [dy, y],
        [dx],
    ),
    case(
        "softmax_backward_by_its_jacobian",
        [(dx[n, k], IndexSum(dy[n, j] * y[n, j] * (Delta(j, k) - y[n, k]), j))],
        [dy, y],
        [dx],
    ),
    case("dense", [(y[n, k], IndexSum(inputs[n, d] * w[d, k], d) + bias[k])], [inputs, w, bias], [y]),
    case(
        "dense_backward",
        [
            (inputs.gradient()[n, d], IndexSum(dy[n, k] * w[d, k], k)),
            (w.gradient()[d, k], IndexSum(dy[n, k] * inputs[n, d], n)),
            (bias.gradient()[k], IndexSum(dy[n, k], n)),
        ],
        [dy, inputs, w],
        [inputs.gradient(), w.gradient(), bias.gradient()],
    ),
    case("cce", [(loss(), -IndexSum(hot[n, k] * log(p[n, k]), n, k) / N)], [p, hot], [loss], positive=("p",)),
    case("cce_backward", [(dp[n, k], -dL() * hot[n, k] / (N * p[n, k]))], [dL, p, hot], [dp], positive=("p",)),
    case("cce_sparse", [(loss(), -IndexSum(log(p[n, labels[n]]), n) / N)], [p, labels], [loss], positive=("p",)),
    case(
        "cce_sparse_backward",
        [(dp[n, k], -dL() * Delta(k, labels[n]) / (N * p[n, k]))],
        [dL, p, labels],
        [dp],
        positive=("p",),
    ),
    case(
        "softmax_cce_backward",
        [(dz[n, k], dL() * (p[n, k] * IndexSum(hot[n, j], j) - hot[n, k]) / N)],
        [dL, p, hot],
        [dz],
    ),
    case(
        "softmax_cce_sparse_backward", [(dz[n, k], dL() * (p[n, k] - Delta(k, labels[n])) / N)], [dL, p, labels], [dz]
    ),
    case("layer_norm", LAYER_NORM, [x, gamma, beta], [y]),
    case("layer_norm_keeping", LAYER_NORM, [x, gamma, beta], [y, xhat, var]),
    case(
        "layer_norm_backward",
        [
            (dxhat[n, k], dy[n, k] * gamma[k]),
            (
                dx[n, k],
                (dxhat[n, k] - mean(dxhat[n, j], j) - xhat[n, k] * mean(dxhat[n, j] * xhat[n, j], j))
                / sqrt(var[n] + Rational(1, 10**5)),
            ),
            (gamma.gradient()[k], IndexSum(dy[n, k] * xhat[n, k], n)),
            (beta.gradient()[k], IndexSum(dy[n, k], n)),
        ],
        [dy, xhat, var, gamma],
        [dx, gamma.gradient(), beta.gradient()],
        positive=("var",),
    ),
    case(
        "attention",
        [
            (scores[b, t, s], IndexSum(query[b, t, h] * key[b, s, h], h) / sqrt(D)),
            (peak[b, t], IndexMax(scores[b, t, u], u)),
            (
                weights[b, t, s],
                exp(scores[b, t, s] - peak[b, t]) / IndexSum(exp(scores[b, t, u] - peak[b, t]), u),
            ),
            (output[b, t, h], IndexSum(weights[b, t, s] * value[b, s, h], s)),
        ],
        [query, key, value],
        [output, weights],
    ),
    case(
        "attention_backward",
        [
            (weights.gradient()[b, t, s], IndexSum(output.gradient()[b, t, h] * value[b, s, h], h)),
            (
                scores.gradient()[b, t, s],
                weights[b, t, s]
                * (weights.gradient()[b, t, s] - IndexSum(weights.gradient()[b, t, u] * weights[b, t, u], u))
                / sqrt(D),
            ),
            (query.gradient()[b, t, h], IndexSum(scores.gradient()[b, t, s] * key[b, s, h], s)),
            (key.gradient()[b, s, h], IndexSum(scores.gradient()[b, t, s] * query[b, t, h], t)),
            (value.gradient()[b, s, h], IndexSum(output.gradient()[b, t, h] * weights[b, t, s], t)),
        ],
        [output.gradient(), query, key, value, weights],
        [query.gradient(), key.gradient(), value.gradient()],
    ),
    case("outer", [(y[n, k], mu[n] * bias[k])], [mu, bias], [y]),
    case("trace", [(scalar(), IndexSum(square[n, n], n))], [square], [scalar]),
    case(
        "trace_backward",
        [(square.gradient()[n, m], scalar.gradient()() * Delta(n, m))],
        [scalar.gradient(), square],
        [square.gradient()],
    ),
    case("diagonal", [(mu[n], square[n, n])], [square], [mu]),
    case("transpose", [(Tensor("y", (K, N))[k, n], x[n, k])], [x], [Tensor("y", (K, N))]),
    case("symmetric", [(square.gradient()[n, m], square[n, m] + square[m, n])], [square], [square.gradient()]),
    case("embedding", [(found[n, t, d], table[ids[n, t], d])], [table, ids], [found]),
    case(
        "embedding_backward",
        [(table.gradient()[v, d], IndexSum(found.gradient()[n, t, d] * Delta(v, ids[n, t]), n, t))],
        [found.gradient(), table, ids],
        [table.gradient()],
    ),
    case("count", [(bias[k], IndexSum(Delta(k, labels[n]), n))], [labels, bias], [bias]),
    case("one_hot", [(y[n, k], Delta(k, labels[n]))], [labels, x], [y]),
    case("remnant", [(bias[k], IndexSum(Delta(j, k) * gamma[j], j))], [gamma], [bias]),
    case("relu", [(scalar(), Maximum(x0, 0))], [Tensor("x")], [scalar]),
    case(
        "relu_backward",
        [(Tensor("x").gradient()(), scalar.gradient()() * Bracket(">", x0, 0))],
        [scalar.gradient(), Tensor("x")],
        [Tensor("x").gradient()],
    ),
    case(
        "neuron",
        [(scalar(), Maximum(a0 * x0 + b0, 0))],
        [Tensor("a"), Tensor("x"), Tensor("b")],
        [scalar],
    ),
    case("sum_backward", [(dx[n, k], mu.gradient()[n])], [mu.gradient(), x], [dx]),
    case("column_sum_backward", [(dx[n, k], bias.gradient()[k])], [bias.gradient(), x], [dx]),
    case("mean_backward", [(dx[n, k], dL() / (N * K))], [dL, x], [dx]),
    case("zero_gradient", [(dx[n, k], sympy.Integer(0))], [dL, x], [dx]),
    case("constant", [(y[n, k], sympy.Rational(1, 3))], [x], [y]),
    case("passed_on", [(dx[n, k], dy[n, k]), (dz[n, k], dy[n, k])], [dy], [dx, dz]),
    case("shared", [(dx[n, k], 2 * dy[n, k]), (dz[n, k], 2 * dy[n, k])], [dy], [dx, dz]),
    case("maximum", [(mu[n], IndexMax(x[n, k], k))], [x], [mu]),
    case(
        "maximum_backward",
        [(dx[n, k], mu.gradient()[n] * Delta(k, IndexArgmax(x[n, j], j)))],
        [mu.gradient(), x],
        [dx],
    ),
    case("at_maximum", [(mu[n], z[n, IndexArgmax(x[n, j], j)])], [x, z], [mu]),
    case("at_maximum_3d", [(peak[b, t], weights[b, t, IndexArgmax(scores[b, t, u], u)])], [weights, scores], [peak]),
    case(
        "dense_over_time_backward",
        [
            (
                w.gradient()[d, k],
                IndexSum(Tensor("x", (N, T, D))[n, t, d] * Tensor("y", (N, T, K)).gradient()[n, t, k], n, t),
            )
        ],
        [Tensor("y", (N, T, K)).gradient(), Tensor("x", (N, T, D))],
        [w.gradient()],
    ),
    case("factors_pulled_out", [(mu[n], IndexSum(gamma[k] * picked[n] * 3, k))], [gamma, picked], [mu]),
    case("independent", [(mu[n], IndexSum(picked[n], k) + IndexSum(gamma[k], k))], [picked, gamma], [mu]),
    case("apart", [(scalar(), IndexSum(picked[n] * gamma[k], n, k))], [picked, gamma], [scalar]),
    case("chain", [(picked[n], IndexSum(x[n, k] * z[m, k] * mu[m], k, m))], [x, z, mu], [picked]),
    case("triple", [(w[d, k], IndexSum(inputs[n, d] * x[n, k] * mu[n], n))], [inputs, x, mu], [w]),
    case("growing", [(mu[n], IndexSum((picked[n] + gamma[k]) * beta[k], k))], [picked, gamma, beta], [mu]),
    case(
        "two_products",
        [(inputs[n, d], IndexSum(x[n, k] * w[d, k], k) - IndexSum(z[n, k] * w[d, k], k))],
        [x, z, w],
        [inputs],
    ),
    case(
        "causal",
        [(square.gradient()[n, m], Where(Bracket(">=", n, m), square[n, m], -sympy.oo))],
        [square],
        [square.gradient()],
    ),
    case("positions", [(x.gradient()[n, k], x[n, k] * (k + 1))], [x], [x.gradient()]),
    case(
        "several_labels",
        [(picked[n], IndexSum(Tensor("q", (N, T, K))[n, t, labels[n]], t))],
        [Tensor("q", (N, T, K)), labels],
        [picked],
    ),
    case("first_column", [(mu[n], x[n, 0] ** 2)], [x], [mu]),
    case(
        "gelu",
        [(scalar(), x0 * (1 + tanh(sqrt(2 / sympy.pi) * (x0 + Rational(44715, 10**6) * x0**3))) / 2)],
        [Tensor("x")],
        [scalar],
    ),
    case(
        "mul_backward",
        [(Tensor("a").gradient()(), scalar.gradient()() * b0), (Tensor("b").gradient()(), scalar.gradient()() * a0)],
        [scalar.gradient(), Tensor("a"), Tensor("b")],
        [Tensor("a").gradient(), Tensor("b").gradient()],
        like={Tensor("a").gradient(): Tensor("a"), Tensor("b").gradient(): Tensor("b")},
    ),
]
BY_NAME = {each.name: each for each in CASES}
