"""The elementwise functions, rectifiers and losses that came later, against torch and JAX as in test_oracles."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from test_oracles import Oracle, draw, hold_against, jax_oracle, torch_oracle

import codegen
import derive
from derive.library.elementwise import RECORDS as ELEMENTWISE
from derive.library.metric_losses import RECORDS as LOSSES
from derive.library.rectifiers import RECORDS as RECTIFIERS

pytestmark = pytest.mark.oracle


def torch_rows() -> Oracle:
    made = torch_oracle()
    import torch

    functional = torch.nn.functional

    def at(values: Any, labels: Any) -> Any:
        return values.gather(1, labels[:, None])[:, 0]

    def focal(z: Any, t: Any, g: Any) -> Any:
        logs = at(torch.log_softmax(z, -1), t)
        return -((1 - logs.exp()) ** g * logs).mean()

    def smoothed(z: Any, t: Any, e: Any) -> Any:
        return functional.cross_entropy(z, t, label_smoothing=float(e))

    def crammer_singer(z: Any, t: Any) -> Any:
        wrong = 1 - functional.one_hot(t, z.shape[1])
        return ((z + wrong).max(1).values - at(z, t)).mean()

    def info_nce(q: Any, k: Any, tau: Any) -> Any:
        return functional.cross_entropy(q @ k.T / tau, torch.arange(len(q)))

    def triplet(a: Any, p: Any, q: Any, m: Any) -> Any:
        return torch.relu(((a - p) ** 2).sum(1) - ((a - q) ** 2).sum(1) + m).mean()

    made.forward.clear()
    made.forward.update(
        {
            "neg": torch.neg,
            "sub": torch.sub,
            "div": torch.div,
            "pow": torch.pow,
            "square": torch.square,
            "sqrt": torch.sqrt,
            "log": torch.log,
            "abs": torch.abs,
            "erf": torch.erf,
            "select": lambda c, a, b: torch.where(c > 0, a, b),
            "dropout": lambda x, m, p: m * x / (1 - p),
            "max": lambda a: a.max(-1).values,
            "norm": lambda a: torch.linalg.vector_norm(a, dim=-1),
            "prelu": functional.prelu,
            "relu6": functional.relu6,
            "hard-tanh": functional.hardtanh,
            "hard-sigmoid": lambda x: functional.relu6(x + 3) / 6,  # its own has 1/6 in single precision
            "hardswish": functional.hardswish,
            "squared-relu": lambda x: torch.relu(x) ** 2,
            "elu": lambda x, a: functional.elu(x),
            "selu": functional.selu,
            "softsign": functional.softsign,
            "swish": lambda x, beta: x * torch.sigmoid(beta * x),
            "mish": functional.mish,
            "gelu-tanh": lambda x: functional.gelu(x, approximate="tanh"),
            "quick-gelu": lambda x: x * torch.sigmoid(1.702 * x),
            "huber": lambda y, t, d: functional.huber_loss(y, t, delta=float(d)),
            "log-cosh": lambda y, t: torch.log(torch.cosh(y - t)).mean(),
            "multiclass-hinge": lambda z, t: functional.multi_margin_loss(z, t) * z.shape[1],
            "crammer-singer": crammer_singer,
            "hinge": lambda z, t: torch.relu(1 - t * z).mean(),
            "focal": focal,
            "cce-smoothed": smoothed,
            "cce-weighted": lambda z, t, w: functional.cross_entropy(z, t, weight=w),
            "cce-temperature": lambda z, t, tau: functional.cross_entropy(z / tau, t),
            "bce-weighted": lambda z, t, w: functional.binary_cross_entropy_with_logits(z, t, pos_weight=w),
            "cosine-similarity": lambda a, b: 1 - functional.cosine_similarity(a, b, eps=0.0).mean(),
            "triplet": triplet,
            "info-nce": info_nce,
        }
    )
    return made


def jax_rows() -> Oracle:
    made = jax_oracle()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jax
    jnp, nn = jax.numpy, jax.nn

    def at(values: Any, labels: Any) -> Any:
        return values[jnp.arange(len(labels)), labels]

    def focal(z: Any, t: Any, g: Any) -> Any:
        logs = at(nn.log_softmax(z), t)
        return -((1 - jnp.exp(logs)) ** g * logs).mean()

    def smoothed(z: Any, t: Any, e: Any) -> Any:
        logs = nn.log_softmax(z)
        return -((1 - e) * at(logs, t) + e * logs.mean(-1)).mean()

    def weighted(z: Any, t: Any, w: Any) -> Any:
        return -(w[t] * at(nn.log_softmax(z), t)).sum() / w[t].sum()

    def bce_weighted(z: Any, t: Any, w: Any) -> Any:
        return -jnp.mean(w * t * nn.log_sigmoid(z) + (1 - t) * nn.log_sigmoid(-z))

    def huber(y: Any, t: Any, d: Any) -> Any:
        size = jnp.abs(y - t)
        return jnp.where(size <= d, (y - t) ** 2 / 2, d * (size - d / 2)).mean()

    def cosine(a: Any, b: Any) -> Any:
        return 1 - ((a * b).sum(1) / jnp.linalg.norm(a, axis=1) / jnp.linalg.norm(b, axis=1)).mean()

    def triplet(a: Any, p: Any, q: Any, m: Any) -> Any:
        return nn.relu(((a - p) ** 2).sum(1) - ((a - q) ** 2).sum(1) + m).mean()

    made.forward.clear()
    made.forward.update(
        {
            "neg": jnp.negative,
            "sub": jnp.subtract,
            "div": jnp.divide,
            "pow": jnp.power,
            "square": jnp.square,
            "sqrt": jnp.sqrt,
            "log": jnp.log,
            "abs": jnp.abs,
            "erf": jax.scipy.special.erf,
            "select": lambda c, a, b: jnp.where(c > 0, a, b),
            "dropout": lambda x, m, p: m * x / (1 - p),
            "max": lambda a: jnp.max(a, -1),
            "norm": lambda a: jnp.linalg.norm(a, axis=-1),
            "prelu": lambda x, a: jnp.where(x > 0, x, a * x),
            "relu6": nn.relu6,
            "hard-tanh": nn.hard_tanh,
            "hard-sigmoid": nn.hard_sigmoid,
            "hardswish": nn.hard_swish,
            "squared-relu": lambda x: nn.relu(x) ** 2,
            "elu": lambda x, a: nn.elu(x, a),
            "selu": nn.selu,
            "softsign": nn.soft_sign,
            "swish": lambda x, beta: x * nn.sigmoid(beta * x),
            "mish": lambda x: x * jnp.tanh(nn.softplus(x)),
            "gelu-tanh": lambda x: nn.gelu(x, approximate=True),
            "quick-gelu": lambda x: x * nn.sigmoid(1.702 * x),
            "huber": huber,
            "log-cosh": lambda y, t: jnp.log(jnp.cosh(y - t)).mean(),
            "multiclass-hinge": lambda z, t: (nn.relu(1 + z - at(z, t)[:, None]).sum(1) - 1).mean(),
            "crammer-singer": lambda z, t: ((z + 1 - nn.one_hot(t, z.shape[1])).max(1) - at(z, t)).mean(),
            "hinge": lambda z, t: nn.relu(1 - t * z).mean(),
            "focal": focal,
            "cce-smoothed": smoothed,
            "cce-weighted": weighted,
            "cce-temperature": lambda z, t, tau: -(t * nn.log_softmax(z / tau)).sum(1).mean(),
            "bce-weighted": bce_weighted,
            "cosine-similarity": cosine,
            "triplet": triplet,
            "info-nce": lambda q, k, tau: -jnp.diag(nn.log_softmax(q @ k.T / tau)).mean(),
        }
    )
    return made


@pytest.fixture(scope="module", params=[torch_rows, jax_rows], ids=["torch", "jax"])
def oracle(request: pytest.FixtureRequest) -> Oracle:
    made: Oracle = request.param()
    return made


def test_the_oracles_know_the_same_operations() -> None:
    assert torch_rows().forward.keys() == jax_rows().forward.keys()


NAMES = [record.name for record in (*ELEMENTWISE, *RECTIFIERS, *LOSSES)]


@pytest.mark.parametrize("name", NAMES)
def test_gradients(oracle: Oracle, name: str, rng: np.random.Generator) -> None:
    operation = derive.find(name)
    inputs = draw(operation, rng)
    for place, tensor in enumerate(operation.inputs):
        if tensor in operation.settings:
            inputs[place] = np.array(float(operation.record.defaults[tensor.name]))
    hold_against(oracle, name, inputs)
    with pytest.raises(AssertionError):
        hold_against(oracle, name, inputs, slip=1.0005)


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"])
def test_typed_functions_of_angles(name: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x, upstream = rng.uniform(-0.9, 0.9, (3, 5)), rng.standard_normal((3, 5))
    y, pullback = codegen.vjp(f"y[n,k] = {name}(x[n,k])*x[n,k]", x)
    leaf = torch.tensor(x, requires_grad=True)
    expected = getattr(torch, name)(leaf) * leaf
    (gradient,) = torch.autograd.grad(expected, leaf, torch.tensor(upstream))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(pullback(upstream)[0], gradient.numpy(), rtol=1e-12, atol=1e-14)
