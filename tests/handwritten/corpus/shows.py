"""Whether a mistake shows itself in the way its row says: a second look, by kind, that the engine has no part in."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from handwritten.corpus.case import SIZES, Case, Passes, Values, load, right_text, values_of
from handwritten.corpus.mistake import Mistake
from handwritten.corpus.observing import Observation, close, observations, true_gradients, upstream_of


@dataclass(frozen=True)
class Pair:
    """What the right implementation and the wrong one show in the same worlds."""

    mistake: Mistake
    right: list[Observation]
    wrong: list[Observation]

    def worlds(self) -> list[tuple[Observation, Observation]]:
        return list(zip(self.wrong, self.right, strict=True))

    def gradients(self) -> list[tuple[Any, Any]]:
        """Return the wrong and the right values of every gradient where both ran."""
        return [
            (wrong.grads[name], right.grads[name])
            for wrong, right in self.worlds()
            if not (wrong.error or right.error)
            for name in right.grads
        ]


def differs(pair: Pair) -> bool:
    return any(wrong.differs(right) for wrong, right in pair.worlds())


def fails(pair: Pair) -> bool:
    return any(wrong.error is not None for wrong in pair.wrong)


def has_a_factor(pair: Pair) -> bool:
    """Whether the found numbers are multiples of the right ones, by at most two factors."""
    return any(np.shape(w) == np.shape(r) and 0 < factors(w, r) <= 2 for w, r in pair.gradients() if np.size(r) > 2)


def factors(wrong: Any, right: Any) -> int:
    """Count the distinct ratios other than 1, where there is something to divide by; 0 where a ratio is none."""
    nonzero = np.abs(right) > 1e-9
    if wrong.dtype != np.float64 or not np.allclose(wrong[~nonzero], 0, atol=1e-6):
        return 0
    ratios = np.round(wrong[nonzero] / right[nonzero], 6)
    return len(set(ratios.tolist()) - {1.0})


def writes(what: str) -> Callable[[Pair], bool]:
    return lambda pair: any(what in wrong.written for wrong in pair.wrong)


def accumulates(pair: Pair) -> bool:
    return any(not close(wrong.grads[name], again) for wrong in pair.wrong for name, again in wrong.again.items())


def has_another_shape(pair: Pair) -> bool:
    return fails(pair) or any(np.shape(wrong) != np.shape(right) for wrong, right in pair.gradients())


def has_another_type(pair: Pair) -> bool:
    return any(wrong.dtype != right.dtype for wrong, right in pair.gradients())


def is_not_finite(pair: Pair) -> bool:
    outs = [(wrong.out, right.out) for wrong, right in pair.worlds() if not wrong.error]
    return any(not np.all(np.isfinite(wrong)) for wrong, _ in [*outs, *pair.gradients()])


def has_another_result(pair: Pair) -> bool:
    return any(not close(wrong.out, right.out) for wrong, right in pair.worlds() if not wrong.error)


def is_only_in(world: str) -> Callable[[Pair], bool]:
    """Whether the mistake is seen in one world and not in the usual ones."""

    def seen(pair: Pair) -> bool:
        where = {right.world for wrong, right in pair.worlds() if wrong.differs(right)}
        return world in where and not {"variant 0", "one sample"} & where

    return seen


def loses_repeated_ids(pair: Pair) -> bool:
    """Whether the mistake is seen with repeated ids alone."""
    case = pair.mistake.case
    unique = values_of(case, 0, SIZES)
    unique = unique | {name: np.arange(3).reshape(3, 1) for name, spec in case.values.items() if spec.startswith("ids")}
    right, wrong = (gradients(case, module, unique) for module in modules(pair.mistake))
    return all(close(wrong[name], right[name]) for name in right)


def ignores_upstream(pair: Pair) -> bool:
    """Whether a gradient of the mistake is the same for two upstream gradients, unlike the right one."""
    case = pair.mistake.case
    values = values_of(case, 0, SIZES)
    right, wrong = (
        [gradients(case, module, values, scale) for scale in (1.0, 3.0)] for module in modules(pair.mistake)
    )
    return any(close(wrong[0][name], wrong[1][name]) and not close(right[0][name], right[1][name]) for name in right[0])


def gradients(case: Case, module: ModuleType, values: Values, scale: float = 1.0) -> dict[str, Any]:
    passes = Passes(case, module, copy.deepcopy(values))
    with np.errstate(all="ignore"):
        out = passes.forward()
        return passes.backward(scale * upstream_of(case, out))


def modules(mistake: Mistake) -> tuple[ModuleType, ModuleType]:
    return load(right_text(mistake.case.file), mistake.case.file), load(mistake.text, mistake.case.file)


SHOWS: dict[str, Callable[[Pair], bool]] = {
    "factor": has_a_factor,
    "crash": fails,
    "not-stored": fails,
    "shape": has_another_shape,
    "dtype": has_another_type,
    "mutates-upstream": writes("upstream"),
    "mutates-input": writes("input"),
    "mutates-cache": writes("cache"),
    "accumulates": accumulates,
    "not-finite": is_not_finite,
    "forward-differs": has_another_result,
    "tie": is_only_in("ties"),
    "kink": is_only_in("ties"),
    "clip": lambda pair: any(wrong.differs(right) for wrong, right in pair.worlds() if right.world != "variant 0"),
    "repeated-ids": loses_repeated_ids,
    "upstream-ignored": ignores_upstream,
}


def shown(pair: Pair) -> bool:
    """Whether one of the kinds that the mistake has is seen; one without a look of its own is seen if it differs."""
    return any(SHOWS.get(kind, differs)(pair) for kind in pair.mistake.kinds)


def pair_of(mistake: Mistake, right: list[Observation] | None = None) -> Pair:
    before, after = modules(mistake)
    return Pair(mistake, right or observations(mistake.case, before), observations(mistake.case, after))


def disagrees_with_itself(mistake: Mistake) -> bool:
    """Whether the gradients are not those of the mistake's own forward pass, by central differences."""
    module = modules(mistake)[1]
    for number, case in enumerate(mistake.case.varied()):
        values = values_of(case, number, SIZES)
        found, expected = gradients(case, module, values), true_gradients(case, module, values)
        if any(not close(found[name], expected[name], 1e-5) for name in expected):
            return True
    return False
