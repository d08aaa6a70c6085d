"""What evaluating an expression goes by: numbers for sizes and tensors, places of indices, and what was computed.

An evaluator is a function of these; it is made once of an expression and called often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any

import sympy
from sympy import Expr, Symbol

from derive.definitions import Definition
from derive.indices import Index, Tensor
from derive.precision import Number, context
from derive.sums import free_indices

#: What is computed with.
KINDS = (int, context.mpf)

#: Where indices stand, by their slots.
Env = dict[str, int]
Position = tuple[int, ...]


@dataclass
class Numbers:
    """What is known: numbers for sizes and tensors, and what was computed of them.

    Attributes:
        sizes: by size symbol.
        values: by tensor, by position.
        definitions: by tensor.
        held: where tensors not known here are looked up; what they were before something was moved.
        computed: by what evaluates it, and by the places of its indices.
        known: the numbers of a tensor, by what evaluates its elements.
        moved: these numbers with one of them moved down and up, by which one.
    """

    sizes: dict[Symbol, int]
    values: dict[Tensor, dict[Position, Number]]
    definitions: dict[Tensor, Definition] = field(default_factory=dict)
    held: Numbers | None = None
    computed: dict[Any, Number] = field(default_factory=dict, repr=False)
    known: dict[int, dict[Position, Number]] = field(default_factory=dict, repr=False)
    moved: dict[Any, tuple[Numbers, Numbers]] = field(default_factory=dict, repr=False)

    def forget(self) -> None:
        """Forget what was computed; needed after a change of ``values``."""
        self.computed.clear()
        self.known.clear()
        self.moved.clear()
        for tensor in self.definitions:
            self.values.pop(tensor, None)

    def own(self, tensor: Tensor) -> dict[Position, Number]:
        """What is known of a tensor; NumPy's numbers and others are made into those that are computed with."""
        known = self.values.setdefault(tensor, {})
        if any(type(number) not in KINDS for number in known.values()):
            known = {where: _usable(number) for where, number in known.items()}
            self.values[tensor] = known
        return known


#: What an expression is evaluated with.
Evaluator = Callable[[Numbers, Env], Number]
#: What tells evaluators apart: a number for each.
identities = count()


@lru_cache(maxsize=10_000)
def slot(index: Index) -> str:
    """Return under what the place of an index is kept: a text, which is looked up sooner than an expression.

    Example:
        >>> from derive.indices import size
        >>> slot(Index("k", size("K"))) == slot(Index("k", size("N")))
        False
    """
    return f"{index.name} {sympy.srepr(index.size)}"


def remembering(expr: Expr, compute: Evaluator) -> Evaluator:
    """The function with its results kept, by the places of the free indices."""
    identity, slots = next(identities), tuple(sorted(map(slot, free_indices(expr))))

    def remembered(numbers: Numbers, env: Env) -> Number:
        key = (identity, *[env.get(each) for each in slots]) if slots else identity
        found = numbers.computed.get(key)
        if found is None:
            found = numbers.computed[key] = compute(numbers, env)
        return found

    return remembered


def _usable(number: Any) -> Number:
    return int(number) if hasattr(number, "__index__") else context.mpf(number)
