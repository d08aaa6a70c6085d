"""One declarative record an operation: its definitions in index notation and what can not be derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    """What the library says of an operation; everything else is derived.

    Attributes:
        name: as a user types it, such as ``softmax-cce``.
        definition: the text form; several definitions are separated by ``;``. The last is the output, unless a list
            of names after it says which are.
        group, title, source: where it stands in the catalogue, what it is called, who defined it.
        inputs: the inputs in the order of the arguments, where that is not the order of appearance.
        labels: inputs that are data: no gradient is derived for them unless asked for.
        facts: equations that hold for the usual input, such as ``sum(t[n,k], k) = 1``; used only when asked for.
        domain: by input, the interval to sample in tests, where the whole line will not do.
        defaults: by input, the number it has where it is left out, as it is typed: an epsilon, a slope. Such an input
            is one number and data, as labels are; it comes after all others.
        absent: by input, the label whose zeros make it irrelevant: ``{"p": "t"}`` says that p is not looked at where
            t is 0 (0 log 0 = 0), nor in a product with 1 - t where that is 0.
        assumed: those of the facts that emitted code takes for granted, and says so, where nothing else is said.
        learned: by input that a layer keeps and that is learned, how it starts: as a number, such as ``"0"``, or
            ``"normal"``, drawn from the normal distribution whose variance is 1 over the number of terms that are
            summed with it.
        arguments: what a layer's sizes and settings are called where one is made, in their order:
            ``{"kernel": "R Q"}`` takes one number for both, or two. Those of its parameters have their own names
            where nothing is said.
    """

    name: str
    definition: str
    group: str = ""
    title: str = ""
    source: str = ""
    inputs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    domain: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
