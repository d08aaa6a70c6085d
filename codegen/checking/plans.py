"""How a backward pass is called: what each of its arguments may be, and every way that fits, the likeliest first."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codegen.checking.cases import Case, as_passed
from codegen.checking.readings import is_one_line
from codegen.checking.roles import OUTPUTS, RATE, in_usual_order, is_label, is_mode, is_upstream
from codegen.checking.subjects import Argument, Outcome, TorchSubject, is_cache

UPSTREAM_FILL, CACHE_FILL, RATE_FILL, VALUE_FILL, OWN_FILL, OUTPUT_FILL, NAMED_FILL = (
    "upstream", "cache", "rate", "value", "own", "output", "named",
)  # fmt: skip
#: The learning rate that is passed: not 1, for which a step and what is made of it are the same.
STEP_RATE = 0.5
#: More ways than this are not tried.
MOST_PLANS = 8


@dataclass(frozen=True)
class Fill:
    """What an argument is given: the kind, and which one."""

    kind: str
    which: str = ""


@dataclass(frozen=True)
class Plan:
    """What every argument of a backward pass is given."""

    fills: tuple[tuple[str, Fill], ...]

    @property
    def takes_upstream(self) -> bool:
        return any(fill.kind == UPSTREAM_FILL for _, fill in self.fills)

    @property
    def takes_rate(self) -> bool:
        return any(fill.kind == RATE_FILL for _, fill in self.fills)

    def arguments(self, case: Case, outcome: Outcome, upstream: Sequence[Any]) -> dict[str, Any]:
        """Return the arguments to pass."""
        given = iter(upstream)
        return {name: self._value(fill, case, outcome, given) for name, fill in self.fills}

    def _value(self, fill: Fill, case: Case, outcome: Outcome, upstream: Any) -> Any:
        if fill.kind == UPSTREAM_FILL:
            return next(upstream, None)
        if fill.kind == CACHE_FILL:
            return outcome.cache
        if fill.kind == RATE_FILL:
            return STEP_RATE
        if fill.kind == NAMED_FILL:
            return as_passed(outcome.named[fill.which])
        if fill.kind == OUTPUT_FILL:
            return np.array(outcome.outputs[int(fill.which)])
        if fill.kind == OWN_FILL:
            return np.array(getattr(outcome.holder, fill.which))
        return as_passed(case.values[fill.which])


def step_rate(case: Case, plan: Plan) -> float:
    """Return the learning rate of a backward pass that may update parameters, passed or held; 0 where there is none."""
    if plan.takes_rate:
        return STEP_RATE
    held = case.subject.settings(case.thing)
    return next((number for name, number in held.items() if name.lower() in RATE and number), 0.0)


def plans(case: Case, outcome: Outcome) -> list[Plan]:
    """Return the ways to call a subject's backward pass, the likeliest first."""
    if isinstance(case.subject, TorchSubject):
        names = [f"upstream{place}" for place in range(len(outcome.outputs))]
        return [Plan(tuple((name, Fill(UPSTREAM_FILL)) for name in names))]
    reader = _Reader(case, outcome)
    choices = [
        [(each.name, fill) for fill in reader.fills(place, each)] for place, each in enumerate(case.subject.backward)
    ]
    choices = [choice for choice in choices if choice]
    ordered = sorted(itertools.product(*choices), key=lambda chosen: _rank(chosen, choices))
    found = [Plan(tuple(chosen)) for chosen in ordered]
    return [plan for plan in found if _is_sound(plan)][:MOST_PLANS]


def _rank(chosen: tuple[Any, ...], choices: list[list[Any]]) -> int:
    return sum(choice.index(each) for each, choice in zip(chosen, choices, strict=True))


def _is_sound(plan: Plan) -> bool:
    """Whether no value is passed twice."""
    fills = [fill for _, fill in plan.fills if fill.kind != UPSTREAM_FILL]
    return len(set(fills)) == len(fills)


class _Reader:
    """Reads from the name and place of an argument what it may be given."""

    def __init__(self, case: Case, outcome: Outcome) -> None:
        self.case, self.outcome, self.subject = case, outcome, case.subject
        self.known = {each.name: each.name for each in self.subject.forward if each.name in case.arguments}
        self.labels = case.layout.labels
        usual = in_usual_order(list(case.arguments))
        operands = set(case.layout.differentiable) if not self.labels and len(usual) > 1 else set()
        self.label_names = [n for n in case.arguments if (is_label(n) and n not in operands) or n in self.labels]
        self.is_loss = bool(self.labels) or any(is_label(name) and name not in operands for name in usual[1:])
        self.given_labels = any(
            (is_label(each.name) and each.name not in operands) or each.name in self.labels
            for each in self.subject.backward
        )
        self.first = next(iter(case.layout.differentiable), "")
        lower = [each.name.lower() for each in self.subject.backward]
        named = [name for name in lower if is_upstream(name)]
        self.explicit = bool(named)

    def fills(self, place: int, argument: Argument) -> list[Fill]:
        name = argument.name
        if name == self.subject.cache_name:
            return [Fill(CACHE_FILL)]
        if name in self.outcome.named:
            return [Fill(NAMED_FILL, name)]
        if name in self.known and not (place == 0 and is_upstream(name) and not self.subject.is_derivative):
            mine = place == 0 and self.is_loss and not self._same(name) and name not in self.labels
            own = self._own(name) if mine else []
            alone = self.subject.is_derivative and len(self.subject.backward) == 1 and name == self.first
            alone = alone and is_one_line(self.subject.source)
            return [*own, Fill(VALUE_FILL, name), *(self._outputs() if alone else ())]
        if is_cache(name):
            return [Fill(CACHE_FILL)]
        if name.lower() in RATE:
            return [Fill(RATE_FILL)]
        if is_mode(name):
            return []
        if is_label(name) and self.label_names and place:
            return [Fill(VALUE_FILL, self.label_names[0])]
        if place and not argument.required and argument.default is not None:
            return []
        if place == 0 or is_upstream(name):
            return self._first(argument) if place == 0 else [Fill(UPSTREAM_FILL)]
        if not argument.required:
            return []
        return self._rest(place, argument)

    def _first(self, argument: Argument) -> list[Fill]:
        """The first argument: the upstream gradient, what went in, or what came out."""
        name = argument.name.lower()
        upstream, value, output = (
            [Fill(UPSTREAM_FILL)],
            [Fill(VALUE_FILL, self.first)] if self.first else [],
            self._outputs(),
        )
        if self.is_loss and self.given_labels:
            return [*self._own(argument.name), *value, *upstream]
        if is_label(name) and self.label_names:
            return [Fill(VALUE_FILL, self.label_names[0])]
        if (
            self.subject.is_derivative
            and not is_upstream(name)
            and len(self.subject.backward) <= len(self.subject.forward)
        ):
            return [*output, *value] if name in OUTPUTS else [*value, *output]
        return upstream if self.explicit or not argument.required or name not in OUTPUTS else [*upstream, *output]

    def _rest(self, place: int, argument: Argument) -> list[Fill]:
        """Another argument whose name says nothing of the forward pass's."""
        name = argument.name.lower()
        inputs = [Fill(VALUE_FILL, each) for each in self.case.arguments]
        outputs = self._outputs()
        own = self._own(argument.name)
        cache = [Fill(CACHE_FILL)] if self.outcome.cache is not None else []
        if name in OUTPUTS:
            return [*own, *outputs, *inputs, *cache]
        turned = inputs[place - 1 :] + inputs[: place - 1] if self.explicit or not self.is_loss else inputs
        return [*turned, *own, *outputs, *cache]

    def _outputs(self) -> list[Fill]:
        return [Fill(OUTPUT_FILL, str(place)) for place in range(len(self.outcome.outputs))]

    def _own(self, name: str) -> list[Fill]:
        """Arrays that forward left, of the shape of what came in and not equal to it; that of the name first."""
        if not self.first or self.outcome.holder is None or not hasattr(self.outcome.holder, "__dict__"):
            return []
        value = self.case.values[self.first]
        held = [
            str(path[0])
            for path, array in self.outcome.fresh.items()
            if len(path) == 1 and array.shape == np.shape(value) and array.dtype.kind == "f"
        ]
        other = [each for each in held if not np.array_equal(getattr(self.outcome.holder, each), value)]
        preferred = [each for each in other if each == name] + [each for each in other if each.startswith("out")]
        rest = [each for each in other if each.lower() in OUTPUTS and each not in preferred]
        return [Fill(OWN_FILL, each) for each in dict.fromkeys([*preferred, *rest])]

    def _same(self, name: str) -> bool:
        return name == self.first


def upstream_values(case: Case, outcome: Outcome, seed: int, scale: float = 1.0) -> list[Any]:
    """Return upstream gradients for the outputs: neither 1 nor symmetric; that of a single number is a number."""
    generator = np.random.default_rng(seed)
    drawn = [
        generator.uniform(0.4, 1.8, each.shape) * generator.choice([-1, 1], each.shape) for each in outcome.outputs
    ]
    return [scale * (float(each) if each.ndim == 0 else each) for each in drawn]
