"""What may stand for each argument of a class or function: candidates by its name, its default, and what is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from codegen.checking.readings import compared_strings, documented_axes, given_specs
from codegen.checking.roles import (
    IDENTIFIERS,
    argument_specs,
    constructor_specs,
    gradient_names,
    in_usual_order,
    is_label,
)
from codegen.checking.state import arrays_in
from codegen.checking.styles import returned_names
from codegen.checking.subjects import Argument, ClassSubject, PairSubject, Subject
from codegen.checking.values import FLAG, IDS, NUMBER, ONE_HOT, REAL, SIZE, Spec

#: Arrays that may be left out, which are passed where they can be.
OPTIONAL = frozenset("b bias biases gamma beta w weight weights scale shift".split())
#: Dictionaries of settings that functions of courses take.
DICTIONARIES: Mapping[str, dict[str, Any]] = {
    "bn_param": {"mode": "train", "eps": 1e-5, "momentum": 0.9},
    "ln_param": {"eps": 1e-5},
    "gn_param": {"eps": 1e-5},
    "conv_param": {"stride": 1, "pad": 1},
    "pool_param": {"pool_height": 2, "pool_width": 2, "stride": 2},
    "dropout_param": {"p": 0.6, "mode": "train", "seed": 7},
}


def candidates(
    subject: Subject, args: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, list[Spec]], dict[str, list[Spec]]]:
    """Return what may stand for each argument of the constructor, and of the forward pass, the likeliest first.

    Args:
        args: values of arguments, by name, that are not tried.
        shapes: shapes of arguments, by name.
    """
    strings = compared_strings(subject)
    constructor = _choices(
        subject.constructor, args, shapes, lambda argument: constructor_specs(argument.name), strings, True
    )
    labelled = _is_labelled(subject)
    names = in_usual_order([each.name for each in subject.forward])
    places = {name: place for place, name in enumerate(names)}
    documented = documented_axes(subject.forward_source)
    held, is_given = _sizes_held(subject), isinstance(subject, ClassSubject) and subject.instance is not None

    def forward_choice(argument: Argument) -> list[Spec]:
        found = argument_specs(argument.name, labelled, places[argument.name], names)
        is_array = places[argument.name] == 0 or not (is_given or is_label(argument.name))
        own = held if is_array else []
        found = [Spec(REAL, axes) for size in own for axes in (("N", str(size)), (str(size), "N"))] + found
        if labelled and is_label(argument.name) and not is_given:  # Classes are as many as a layer has numbers.
            found = (
                [Spec(ONE_HOT, ("N", str(size))) for size in held]
                + [Spec(IDS, ("N",), below=str(size)) for size in held]
                + found
            )
        if argument.name in documented:
            return [*_documented(found, documented[argument.name]), *found]
        return _vectors_first(found) if "outer(" in subject.source else found

    return constructor, _choices(subject.forward, args, shapes, forward_choice, strings)


def _sizes_held(subject: Subject) -> list[int]:
    """Return the sizes of the arrays that an object holds which is given as it is, or is made without arguments."""
    thing = subject.instance if isinstance(subject, ClassSubject) else None
    if thing is None and isinstance(subject, ClassSubject) and not any(each.required for each in subject.constructor):
        try:
            thing = subject.make({})
        except Exception:  # Whatever the user's code raises: it is made with arguments, then.
            thing = None
    held = (array for _, array in arrays_in(thing)) if thing is not None else ()
    return list(dict.fromkeys(size for array in held for size in array.shape if size > 1))


def _choices(
    arguments: Sequence[Argument],
    args: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    choose: Callable[[Argument], list[Spec]],
    strings: Mapping[str, list[str]],
    in_constructor: bool = False,
) -> dict[str, list[Spec]]:
    """Return candidates for the arguments that are given something; those without a value keep their defaults."""
    found: dict[str, list[Spec]] = {}
    for argument in arguments:
        name = argument.name
        if name in args:
            found[name] = given_specs(name, args[name])
        elif name in shapes:
            labelled = shapes.get(arguments[0].name, ()) if argument is not arguments[0] else ()
            found[name] = _of_shape(choose(argument), shapes[name], labelled)
        elif name in DICTIONARIES and argument.required:
            found[name] = [Spec(NUMBER, number=DICTIONARIES[name])]
        elif argument.required and strings.get(name):
            found[name] = [Spec(NUMBER, number=each) for each in strings[name]]
        elif argument.required or (argument.default is None and is_label(name)):
            found[name] = choose(argument)
        elif argument.default is None and name.lower() in OPTIONAL and not in_constructor:
            found[name] = [*choose(argument), Spec(NUMBER, number=None)]
        elif isinstance(argument.default, float) and _is_free(name):
            found[name] = [Spec(NUMBER, number=_off(argument.default)), Spec(NUMBER, number=argument.default)]
    return found


def _documented(specs: Sequence[Spec], axes: tuple[str, ...]) -> list[Spec]:
    """Return candidates with the axes that a docstring gives."""
    alike = [replace(spec, axes=axes) for spec in specs if spec.axes and len(spec.axes) == len(axes)]
    return list(dict.fromkeys(alike)) or [Spec(REAL, axes)]


def _of_shape(specs: Sequence[Spec], shape: tuple[int, ...], labelled: tuple[int, ...]) -> list[Spec]:
    """Return candidates with a shape that is given, those of as many axes where there are such.

    Args:
        labelled: the shape of what labels belong to, where it is given: class numbers are below its last size.
    """
    arrays = [spec for spec in specs if spec.kind not in (SIZE, NUMBER, FLAG)]
    arrays = [spec for spec in arrays if len(spec.axes) == len(shape)] or arrays
    kinds = list({(spec.kind, spec.along): spec for spec in reversed(arrays)}.values())[::-1]
    axes = tuple(map(str, shape))
    found = [replace(spec, axes=axes) for spec in kinds] or [Spec(REAL, axes)]
    if len(labelled) == len(shape) + 1:
        found = [replace(spec, below=str(labelled[-1])) if spec.below == "K" else spec for spec in found]
    return found


def _is_free(name: str) -> bool:
    return name.lower() in "alpha slope negative_slope delta margin temperature tau beta scale lam threshold a".split()


def _off(number: float) -> float:
    """A number near the default that is not the default: what is right for 1 alone is found so."""
    return round(number * 0.7 + 0.05 * (number == 0), 6)


def _is_labelled(subject: Subject) -> bool:
    """Whether labels come in: a second argument is called as labels are."""
    names = in_usual_order([each.name for each in subject.forward])
    if _are_operands(subject):
        return False
    if names and names[0].lower() in IDENTIFIERS | {"q", "query"}:
        return False
    return any(is_label(name) for name in names[1:])


def _are_operands(subject: Subject) -> bool:
    """Whether the backward pass returns a gradient by every argument, by those too that are called as labels are."""
    names = [each.name for each in subject.forward if each.required]
    returned = returned_names(subject.source)
    if len(names) < 2 or len(returned) != len(names) or (isinstance(subject, PairSubject) and subject.own):
        return False
    if (
        names[1].lower() == "y"
        and names[0].lower() in ("x", "a")
        and not re.search(r"return .*\bNone\b", subject.source)
    ):
        return True
    meant = [{word.lower() for word in gradient_names(each)} for each in returned]
    return all(name.lower() in words for name, words in zip(names, meant, strict=True))


def _vectors_first(specs: list[Spec]) -> list[Spec]:
    return sorted(specs, key=lambda spec: 0 if len(spec.axes) == 1 else 1)


def by_rank(choices: Sequence[Sequence[Spec]]) -> Iterator[tuple[Spec, ...]]:
    """Yield all combinations, those of candidates that stand first in their lists before others."""
    most = sum(len(each) - 1 for each in choices)
    for total in range(most + 1):
        for places in _places([len(each) for each in choices], total):
            yield tuple(each[place] for each, place in zip(choices, places, strict=True))


def _places(lengths: list[int], total: int) -> Iterator[tuple[int, ...]]:
    if not lengths:
        if total == 0:
            yield ()
        return
    for first in range(min(lengths[0] - 1, total), -1, -1):
        for rest in _places(lengths[1:], total - first):
            yield (first, *rest)
