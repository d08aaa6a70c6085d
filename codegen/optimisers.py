r"""Steps of training: how parameters change by their gradients, in place.

The rate of step s, counted from 0, is :math:`\eta_s = \eta / (1 + \delta s)` with the decay :math:`\delta`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError

Array = NDArray[Any]


class Optimiser(Protocol):
    """What changes parameters by gradients."""

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None: ...


class SGD:
    r"""Gradient descent: :math:`w \leftarrow w - \eta_s g`.

    Args:
        rate: :math:`\eta`.
        decay: :math:`\delta`.

    Attributes:
        steps: how many there have been.
        state: by name, what is remembered of a parameter: arrays by what they are called.

    Raises:
        InputError: a number that is out of its range.

    Example:
        >>> w = np.array([1.0, 2.0])
        >>> SGD(rate=0.1).step({"w": w}, {"w": np.array([10.0, 0.0])})
        >>> w
        array([0., 2.])
    """

    def __init__(self, rate: float = 1.0, decay: float = 0.0) -> None:
        self.rate = _checked("rate", rate, 0, math.inf)
        self.decay = _checked("decay", decay, 0, math.inf)
        self.steps = 0
        self.state: dict[str, dict[str, Array]] = {}

    def __repr__(self) -> str:
        own = ", ".join(f"{name}={value:g}" for name, value in vars(self).items() if isinstance(value, float))
        return f"{type(self).__name__}({own})"

    @property
    def current_rate(self) -> float:
        """The rate of the next step."""
        return self.rate / (1 + self.decay * self.steps)

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Change each parameter that there is a gradient of, in place.

        Raises:
            InputError: there is a gradient of no parameter, or one of another shape, or a parameter is no array of
                real numbers that can be written.
        """
        for name, gradient in gradients.items():
            self._check(name, parameters, gradient)
        for name, gradient in gradients.items():
            parameter = parameters[name]
            parameter -= self._change(self.state.setdefault(name, {}), np.asarray(gradient))
        self.steps += 1

    def _change(self, state: dict[str, Array], gradient: Array) -> Array:
        """Return what is subtracted from a parameter."""
        return self.current_rate * gradient

    def _check(self, name: str, parameters: Mapping[str, Array], gradient: Array) -> None:
        if name not in parameters:
            raise InputError(f"there is a gradient of {name}, but the parameters are {', '.join(parameters) or 'none'}")
        parameter = parameters[name]
        if not isinstance(parameter, np.ndarray) or parameter.dtype.kind != "f" or not parameter.flags.writeable:
            raise InputError(f"{name} is changed in place, so it must be an array of real numbers that can be written")
        if parameter.shape != np.shape(gradient):
            raise InputError(f"{name} has shape {parameter.shape} and its gradient {np.shape(gradient)}")


class Momentum(SGD):
    r"""Gradient descent with momentum: :math:`v \leftarrow \mu v + g,\; w \leftarrow w - \eta_s v`.

    Args:
        rate, decay: as for ``SGD``.
        momentum: :math:`\mu`, the part of the velocity that is kept.

    Raises:
        InputError: a number that is out of its range.

    Example:
        >>> w, optimiser = np.array([0.0]), Momentum(rate=0.1, momentum=0.5)
        >>> for _ in range(2):
        ...     optimiser.step({"w": w}, {"w": np.array([1.0])})
        >>> w, optimiser.state["w"]["velocity"]
        (array([-0.25]), array([1.5]))
    """

    def __init__(self, rate: float = 1.0, decay: float = 0.0, momentum: float = 0.9) -> None:
        super().__init__(rate, decay)
        self.momentum = _checked("momentum", momentum, 0, 1)

    def _change(self, state: dict[str, Array], gradient: Array) -> Array:
        velocity = state.setdefault("velocity", np.zeros_like(gradient))
        velocity *= self.momentum
        velocity += gradient
        return self.current_rate * velocity


class Adam(SGD):
    r"""Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) g,\quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2,\quad
        w \leftarrow w - \eta_s \frac{m / (1 - \beta_1^{s+1})}{\sqrt{v / (1 - \beta_2^{s+1})} + \epsilon}

    Args:
        rate, decay: as for ``SGD``.
        beta1, beta2: the parts of the moments that are kept.
        eps: what keeps the quotient finite.

    Raises:
        InputError: a number that is out of its range.

    Example:
        >>> w = np.array([1.0])
        >>> Adam(rate=0.5).step({"w": w}, {"w": np.array([123.0])})
        >>> print(w.round(6))
        [0.5]
    """

    def __init__(
        self, rate: float = 0.001, decay: float = 0.0, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(rate, decay)
        self.beta1, self.beta2 = _checked("beta1", beta1, 0, 1), _checked("beta2", beta2, 0, 1)
        self.eps = _checked("eps", eps, 0, math.inf)

    def _change(self, state: dict[str, Array], gradient: Array) -> Array:
        first = state.setdefault("first", np.zeros_like(gradient))
        second = state.setdefault("second", np.zeros_like(gradient))
        first += (1 - self.beta1) * (gradient - first)
        second += (1 - self.beta2) * (np.square(gradient) - second)
        count = self.steps + 1
        root = np.sqrt(second / (1 - self.beta2**count))
        root += self.eps
        return self.current_rate / (1 - self.beta1**count) * first / root


def _checked(name: str, value: float, least: float, most: float) -> float:
    """Return a number as a float; ``most`` itself is out of range."""
    if not isinstance(value, Real) or not least <= value < most:
        end = f" and below {most}" if most < math.inf else ""
        raise InputError(f"{name} is a number of at least {least}{end}, not {value!r}")
    return float(value)
