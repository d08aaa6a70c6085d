"""Settings off their defaults, where mistakes hide: which values are tried beside those that were found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from codegen.checking.candidates import DICTIONARIES
from codegen.checking.cases import Layout
from codegen.checking.layouts import runs
from codegen.checking.readings import compared_strings
from codegen.checking.roles import is_mode
from codegen.checking.subjects import Argument, Subject
from codegen.checking.values import NUMBER, SIZE, Spec

#: Values of settings to check with beside those that were found, by the settings' names.
OFF_DEFAULT: Mapping[str, tuple[Any, ...]] = {
    **dict.fromkeys(("stride", "strides"), (1, 2)), **dict.fromkeys(("padding", "pad", "pads", "p"), (1,)),
    **dict.fromkeys(("pool_size", "pool", "window", "kernel_size", "kernel", "k"), (3,)), "dilation": (2,),
    **dict.fromkeys(("axis", "dim"), (0, 1)), "reduction": ("mean", "sum"),
}  # fmt: skip
#: Numbers that are no matter of derivatives, or that only training knows.
LEFT_ALONE = frozenset("eps epsilon momentum lr learning_rate clip seed p rate dropout keep_prob decay std".split())


def setting_layouts(subject: Subject, layout: Layout) -> Iterator[Layout]:
    """Yield layouts with settings off their defaults: a stride above 1, a padding, another axis, a flag off."""
    strings = compared_strings(subject)
    for arguments, given, in_constructor in (
        (subject.constructor, layout.constructor, True), (subject.forward, layout.forward, False),
    ):  # fmt: skip
        for argument in (each for each in arguments if each.name not in given or given[each.name].kind != SIZE):
            numbers = off_default(argument, strings.get(argument.name, ()))
            if argument.name in DICTIONARIES and "mode" in DICTIONARIES[argument.name] and "mode" in subject.source:
                numbers = ({**DICTIONARIES[argument.name], "mode": "test"},)
            used = given[argument.name].number if argument.name in given else argument.default
            for number in numbers:
                if number != used:
                    changed = {**given, argument.name: Spec(NUMBER, number=number)}
                    new = replace(layout, constructor=changed) if in_constructor else replace(layout, forward=changed)
                    if runs(subject, new):
                        yield new


def off_default(argument: Argument, strings: Iterable[str]) -> tuple[Any, ...]:
    """Return values to try of a setting beside that which was found: others of the kind of its default.

    Example:
        >>> off_default(Argument("pos_weight", False, 1.0), ()), off_default(Argument("use_bias", False, True), ())
        ((0.8,), (False,))
    """
    name, default = argument.name.lower().strip("_"), argument.default
    known = (*OFF_DEFAULT.get(name, ()), *strings)
    if known or argument.required or name in LEFT_ALONE or is_mode(name):
        return known
    if isinstance(default, bool):
        return (not default,)
    return (round(0.7 * default + 0.1, 6),) if isinstance(default, float) else ()
