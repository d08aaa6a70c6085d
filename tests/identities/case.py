"""What an identity says: a claim, its definitions and facts, and false claims that look like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Twin(NamedTuple):
    """A false claim that looks like a true one.

    Attributes:
        mistake: what was done wrong.
        claim: the false claim.
        given: the facts it is made under; None for those of its case.
    """

    mistake: str
    claim: str
    given: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Case:
    """A true claim.

    Attributes:
        name, group: what it is called, and where it belongs.
        claim: ``"LEFT = RIGHT"``.
        where: definitions, as texts.
        given: facts, as texts. All are needed, but for those in ``idle``.
        idle: given facts that the proof does without.
        twins: false claims with the same definitions.
    """

    name: str
    claim: str
    twins: tuple[Twin, ...]
    where: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    group: str = ""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The facts that the proof needs."""
        return tuple(fact for fact in self.given if fact not in self.idle)
