"""Generated values and gradients against automatic differentiation: torch and JAX, both in float64."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import codegen
import derive

pytestmark = pytest.mark.oracle

Array = np.ndarray
#: Sizes by the letter of the operation's axis: distinct primes; elementwise operations get arrays of two axes.
SIZES = {"N": 5, "K": 3, "D": 7, "I": 2}
ELEMENTWISE_SHAPE = (5, 3)


@dataclass(frozen=True)
class Oracle:
    """Another library's forward passes, and how it differentiates them."""

    forward: dict[str, Callable[..., Any]]
    vjp: Callable[[Callable[..., Any], Sequence[Array], Sequence[bool], Array], tuple[Array, list[Array]]]
    hvp: Callable[[Callable[..., Any], Sequence[Array], Sequence[bool], Sequence[Array]], list[Array]]


def torch_oracle() -> Oracle:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[oracles]'")
    functional = torch.nn.functional

    def vjp(
        forward: Callable[..., Any], inputs: Sequence[Array], wanted: Sequence[bool], upstream: Array
    ) -> tuple[Array, list[Array]]:
        tensors = [torch.tensor(value) for value in inputs]
        leaves = [tensor.requires_grad_() for tensor, want in zip(tensors, wanted, strict=True) if want]
        output = forward(*tensors)
        gradients = torch.autograd.grad(output, leaves, torch.tensor(upstream))
        return output.detach().numpy(), [gradient.numpy() for gradient in gradients]

    def hvp(
        forward: Callable[..., Any], inputs: Sequence[Array], wanted: Sequence[bool], along: Sequence[Array]
    ) -> list[Array]:
        places = [place for place, want in enumerate(wanted) if want]
        at = tuple(torch.tensor(inputs[place]) for place in places)
        of_wanted = of_places(forward, [torch.tensor(value) for value in inputs], places)
        _, products = torch.autograd.functional.hvp(of_wanted, at, tuple(map(torch.tensor, along)))
        return [each.numpy() for each in products]

    return Oracle(
        {
            "add": lambda a, b: a + b,
            "mul": lambda a, b: a * b,
            "sum": lambda a: a.sum(-1),
            "mean": lambda a: a.mean(-1),
            "logsumexp": lambda a: torch.logsumexp(a, -1),
            "identity": lambda x: x * 1.0,
            "relu": torch.relu,
            "leaky-relu": lambda x, slope: functional.leaky_relu(x, float(slope)),
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "exp": torch.exp,
            "softplus": functional.softplus,
            "silu": functional.silu,
            "gelu": functional.gelu,
            "softmax": lambda x: torch.softmax(x, -1),
            "log-softmax": lambda x: torch.log_softmax(x, -1),
            "dense": lambda x, w, b: functional.linear(x, w.T, b),
            "mse": functional.mse_loss,
            "least-squares": lambda y, t: functional.mse_loss(y, t, reduction="sum"),
            "mae": functional.l1_loss,
            "nll": lambda y, t: -(t * y).sum(-1).mean(),
            "nll-sparse": functional.nll_loss,
            "kl": lambda p, t: functional.kl_div(torch.log(p), t, reduction="batchmean"),
            "bce": functional.binary_cross_entropy,
            "bce-logits": functional.binary_cross_entropy_with_logits,
            "poisson-nll": lambda r, t: functional.poisson_nll_loss(r, t, log_input=False, eps=0.0),
            "gaussian-nll": lambda mu, var, t: functional.gaussian_nll_loss(mu, t, var),
            "cce": lambda p, t: -(t * torch.log(p)).sum(-1).mean(),
            "cce-sparse": lambda p, t: functional.nll_loss(torch.log(p), t),
            "softmax-cce": functional.cross_entropy,
            "softmax-cce-sparse": functional.cross_entropy,
        },
        vjp,
        hvp,
    )


def jax_oracle() -> Oracle:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jax = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[oracles]'")
        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy
        jnp.zeros(1)  # starts the backend, with whatever it warns of

    def at_labels(values: Any, labels: Any) -> Any:
        return values[jnp.arange(len(labels)), labels]

    def vjp(
        forward: Callable[..., Any], inputs: Sequence[Array], wanted: Sequence[bool], upstream: Array
    ) -> tuple[Array, list[Array]]:
        places = [place for place, want in enumerate(wanted) if want]
        of_wanted = of_places(forward, [jnp.asarray(value) for value in inputs], places)

        def both(moving: Any, upstream: Any) -> Any:
            output, pullback = jax.vjp(of_wanted, *moving)
            return output, pullback(upstream)

        at = tuple(jnp.asarray(inputs[place]) for place in places)
        output, gradients = jax.jit(both)(at, jnp.asarray(upstream))  # In steps it takes twice as long.
        return np.asarray(output), [np.asarray(gradient) for gradient in gradients]

    def hvp(
        forward: Callable[..., Any], inputs: Sequence[Array], wanted: Sequence[bool], along: Sequence[Array]
    ) -> list[Array]:
        places = [place for place, want in enumerate(wanted) if want]
        at = tuple(jnp.asarray(inputs[place]) for place in places)
        of_wanted = of_places(forward, [jnp.asarray(value) for value in inputs], places)
        hessian = jax.jit(jax.hessian(of_wanted, tuple(range(len(places)))))(*at)
        return [
            np.asarray(sum(jnp.tensordot(block, v, np.ndim(v)) for block, v in zip(row, along, strict=True)))
            for row in hessian
        ]

    return Oracle(
        {
            "add": jnp.add,
            "mul": jnp.multiply,
            "sum": lambda a: jnp.sum(a, -1),
            "mean": lambda a: jnp.mean(a, -1),
            "logsumexp": lambda a: jax.nn.logsumexp(a, -1),
            "identity": lambda x: x * 1.0,
            "relu": jax.nn.relu,
            "leaky-relu": jax.nn.leaky_relu,
            "sigmoid": jax.nn.sigmoid,
            "tanh": jnp.tanh,
            "exp": jnp.exp,
            "softplus": jax.nn.softplus,
            "silu": jax.nn.silu,
            "gelu": lambda x: jax.nn.gelu(x, approximate=False),
            "softmax": jax.nn.softmax,
            "log-softmax": jax.nn.log_softmax,
            "dense": lambda x, w, b: jnp.dot(x, w) + b,
            "mse": lambda y, t: jnp.mean((y - t) ** 2),
            "least-squares": lambda y, t: jnp.sum((y - t) ** 2),
            "mae": lambda y, t: jnp.mean(jnp.abs(y - t)),
            "nll": lambda y, t: -jnp.sum(t * y, -1).mean(),
            "nll-sparse": lambda y, t: -at_labels(y, t).mean(),
            "kl": lambda p, t: jnp.sum(jax.scipy.special.rel_entr(t, p), -1).mean(),
            "bce": lambda p, t: -jnp.mean(t * jnp.log(p) + (1 - t) * jnp.log1p(-p)),
            "bce-logits": lambda z, t: -jnp.mean(t * jax.nn.log_sigmoid(z) + (1 - t) * jax.nn.log_sigmoid(-z)),
            "poisson-nll": lambda r, t: jnp.mean(r - t * jnp.log(r)),
            "gaussian-nll": lambda mu, var, t: jnp.mean(jnp.log(var) + (mu - t) ** 2 / var) / 2,
            "cce": lambda p, t: -jnp.sum(t * jnp.log(p), -1).mean(),
            "cce-sparse": lambda p, t: -at_labels(jnp.log(p), t).mean(),
            "softmax-cce": lambda z, t: -jnp.sum(t * jax.nn.log_softmax(z), -1).mean(),
            "softmax-cce-sparse": lambda z, t: -at_labels(jax.nn.log_softmax(z), t).mean(),
        },
        vjp,
        hvp,
    )


def of_places(forward: Callable[..., Any], inputs: Sequence[Any], places: Sequence[int]) -> Callable[..., Any]:
    """Return a function of some of its inputs, the others held."""

    def run(*values: Any) -> Any:
        arguments = list(inputs)
        for place, value in zip(places, values, strict=True):
            arguments[place] = value
        return forward(*arguments)

    return run


@pytest.fixture(scope="module", params=[torch_oracle, jax_oracle], ids=["torch", "jax"])
def oracle(request: pytest.FixtureRequest) -> Oracle:
    made: Oracle = request.param()
    return made


def draw(operation: Any, rng: np.random.Generator) -> list[Array]:
    """Return inputs of the operation: labels within their size, reals from the record's interval."""
    inputs: list[Array] = []
    for tensor in operation.inputs:
        if tensor in operation.settings:
            inputs.append(np.array(float(operation.record.defaults[tensor.name])))
            continue
        shape = ELEMENTWISE_SHAPE if operation.is_elementwise else tuple(SIZES[str(size)] for size in tensor.sizes)
        if tensor.values is not None:
            inputs.append(rng.integers(0, SIZES[str(tensor.values)], shape))
        else:
            low, high = operation.record.domain.get(tensor.name, (-3.0, 3.0))
            inputs.append(rng.uniform(low, high, shape))
    return inputs


def hold_against(oracle: Oracle, name: str, inputs: Sequence[Array], *, slip: float = 1.0, atol: float = 1e-13) -> None:
    """Compare the generated output and gradients, the gradients times ``slip``, with the oracle's."""
    operation = derive.catalogue()[name]
    output, pullback = codegen.vjp(name, *inputs)
    upstream = np.random.default_rng(11).uniform(0.5, 2.0, np.shape(output))
    wanted = [tensor in operation.differentiable for tensor in operation.inputs]
    expected_output, expected = oracle.vjp(oracle.forward[name], inputs, wanted, upstream)
    assert_allclose(output, expected_output, rtol=1e-12, atol=atol)
    gradients = pullback(upstream)
    assert len(gradients) == len(expected)
    for gradient, other in zip(gradients, expected, strict=True):
        assert gradient.shape == other.shape
        assert_allclose(gradient * slip, other, rtol=1e-12, atol=atol)


#: The operations that both oracles have a row for; the others of the catalogue are held against differences.
ROWS = """
    add mul sum mean logsumexp identity relu leaky-relu sigmoid tanh exp softplus silu gelu softmax log-softmax
    dense mse least-squares mae nll nll-sparse kl bce bce-logits poisson-nll gaussian-nll cce cce-sparse
    softmax-cce softmax-cce-sparse
""".split()


def test_the_oracles_know_the_same_operations() -> None:
    assert torch_oracle().forward.keys() == jax_oracle().forward.keys() == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_gradients(oracle: Oracle, name: str, rng: np.random.Generator) -> None:
    inputs = draw(derive.catalogue()[name], rng)
    hold_against(oracle, name, inputs)
    with pytest.raises(AssertionError):
        hold_against(oracle, name, inputs, slip=1.0005)


@pytest.mark.parametrize("name", [name for name in ROWS if derive.catalogue()[name].is_loss])
def test_hessians_times_a_direction(oracle: Oracle, name: str, rng: np.random.Generator) -> None:
    """Against JAX's whole Hessian, and torch's product with it."""
    operation = derive.catalogue()[name]
    inputs = draw(operation, rng)
    wanted = [tensor in operation.differentiable for tensor in operation.inputs]
    along = [rng.standard_normal(value.shape) for value, want in zip(inputs, wanted, strict=True) if want]
    found = codegen.hvp(operation)(*along, *inputs)
    expected = oracle.hvp(oracle.forward[name], inputs, wanted, along)
    for product, other in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
        assert_allclose(product, other, rtol=1e-9, atol=1e-13)  # torch adds 1e-12 to denominators of a bce.
        if np.any(other):
            with pytest.raises(AssertionError):
                assert_allclose(product * 1.0005, other, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", ["softmax-cce", "softmax-cce-sparse"])
def test_extreme_logits(oracle: Oracle, name: str) -> None:
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4], [0.0, 1e4, 1e4], [-1e4, 0.0, 1e4]])
    labels = np.array([1, 0, 0, 2, 2])
    hold_against(oracle, name, [logits, labels if name.endswith("sparse") else np.eye(3)[labels]], atol=1e-15)


def test_softmax_of_extreme_logits(oracle: Oracle) -> None:
    hold_against(oracle, "softmax", [np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]])], atol=1e-15)


@pytest.mark.parametrize("name", ["softmax-cce", "cce"])
def test_labels_whose_rows_do_not_sum_to_one(oracle: Oracle, name: str, rng: np.random.Generator) -> None:
    inputs = draw(derive.catalogue()[name], rng)
    assert not np.allclose(inputs[1].sum(axis=1), 1.0)
    hold_against(oracle, name, inputs)
