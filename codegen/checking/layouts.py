"""Which shapes and settings fit: candidates are tried, the likeliest first, until the forward pass runs."""

from __future__ import annotations

import inspect
import itertools
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.cases import Case, Layout, flat, make_case
from codegen.checking.readings import compared_strings, counts_axes, documented_axes, first_line, given_specs
from codegen.checking.roles import (
    IDENTIFIERS,
    argument_specs,
    constructor_specs,
    gradient_names,
    in_usual_order,
    is_label,
)
from codegen.checking.state import Path, arrays_in, path_text
from codegen.checking.styles import returned_names, source_of
from codegen.checking.subjects import Argument, CannotError, ClassSubject, ForwardError, PairSubject, Subject
from codegen.checking.values import FIRST, FLAG, IDS, LABELLING, NUMBER, ONE_HOT, PROBABILITIES, REAL, SIZE, Spec

Array = NDArray[Any]
#: How many layouts are tried, and how many seconds.
MOST_TRIED, MOST_SECONDS = 3000, 4.0
#: Seconds that others are tried for, where a layout runs and broadcasts to more axes than any array has.
MORE_SECONDS = 0.3
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


def find_layout(
    subject: Subject, args: Mapping[str, Any] | None = None, shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Layout:
    """Return the first layout that the forward pass runs with.

    Args:
        args: values of arguments, by name, that are not tried.
        shapes: shapes of arguments, by name.

    Raises:
        CannotError: none fits; the text says what was tried and what to give.
    """
    args, shapes = dict(args or {}), dict(shapes or {})
    strings = compared_strings(subject)
    constructor = _choices(subject.constructor, args, shapes, _constructor_choice, strings, True)
    labelled = _is_labelled(subject)
    names = in_usual_order([each.name for each in subject.forward])
    places = {name: place for place, name in enumerate(names)}
    documented = documented_axes(subject.forward_source)
    held, is_given = sizes_held(subject), isinstance(subject, ClassSubject) and subject.instance is not None

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

    forward = _choices(subject.forward, args, shapes, forward_choice, strings)
    last: Exception | None = None
    blunder: Exception | None = None
    found: list[tuple[bool, Layout]] = []
    stop = time.monotonic() + MOST_SECONDS
    for chosen in itertools.islice(_by_rank([*constructor.values(), *forward.values()]), MOST_TRIED):
        if time.monotonic() > stop:
            break
        split = len(constructor)
        layout = Layout(
            dict(zip(constructor, chosen[:split], strict=True)), dict(zip(forward, chosen[split:], strict=True))
        )
        labels = [
            layout.forward[name]
            for name in layout.labels
            if is_label(name) and name not in {*shapes, *documented} and layout.forward[name].kind in LABELLING
        ]
        if not all(labels_fit(each, layout) for each in labels) or not _is_plausible(layout):
            continue
        try:
            case = try_layout(subject, layout)
        except Exception as error:  # Whatever the user's code raises says that this layout does not fit.
            last = error if last is None or not isinstance(error, TypeError) else last
            blunder = blunder or (error if _is_blunder(error, subject) else None)
            continue
        if case is not None:
            found.append((_grows(case), replace(layout, fixed=frozenset(_fixed(case)))))
            if not _grows(case) or all(each.name in documented for each in subject.forward):
                break
            stop = min(stop, time.monotonic() + MORE_SECONDS)
        if isinstance(subject, ClassSubject) and subject.is_guess:
            blunder = blunder or ForwardError(
                f"{subject.forward_name} returns nothing and leaves no output in an attribute: what it leaves does not "
                "depend on what comes in"
            )
        last = last or ValueError("what it gives is not finite, or does not depend on what it is given")
    if found:
        return min(found, key=lambda each: each[0])[1]
    if blunder is not None:
        if isinstance(blunder, ForwardError):
            raise blunder
        raise ForwardError(f"{subject.forward_name} raises {type(blunder).__name__}: {first_line(str(blunder))}")
    if isinstance(last, CannotError):
        raise last
    raise CannotError(_advice(subject, constructor, forward, last))


def _grows(case: Case) -> bool:
    """Whether an output has more axes than all that comes in: what is broadcast so is seldom meant."""
    if any(spec.kind == IDS for spec in case.layout.forward.values()):
        return False
    ranks = [np.ndim(value) for value in case.values.values()]
    return max((output.ndim for output in case.forward().outputs), default=0) > max(ranks, default=0)


def _is_plausible(layout: Layout) -> bool:
    """Whether filters of images stand beside images, and arrays of features do not."""
    specs = [spec for spec in layout.forward.values() if spec.is_differentiable]
    letters = {letter for spec in specs for letter in spec.axes}
    if "H" in letters and letters & {"D", "K"}:
        return False
    for spec in specs:
        if spec.axes[:1] == ("O",) and "R" in spec.axes:
            return any(len(each.axes) == len(spec.axes) for each in specs if each is not spec)
    return True


def sizes_held(subject: Subject) -> list[int]:
    """Return the sizes of the arrays that an object holds which is given as it is, or is made without arguments."""
    thing = subject.instance if isinstance(subject, ClassSubject) else None
    if thing is None and isinstance(subject, ClassSubject) and not any(each.required for each in subject.constructor):
        try:
            thing = subject.make({})
        except Exception:  # Whatever the user's code raises: it is made with arguments, then.
            thing = None
    held = (array for _, array in arrays_in(thing)) if thing is not None else ()
    return list(dict.fromkeys(size for array in held for size in array.shape if size > 1))


def try_layout(subject: Subject, layout: Layout, sizes: Mapping[str, int] = FIRST, seed: int = 1) -> Case | None:
    """Return a case of a layout whose forward pass gives numbers that depend on what comes in; None where not."""
    case = make_case(subject, layout, sizes, seed)
    _refuse_empty(subject, case.thing)
    output = flat(case.forward().outputs)
    if not output.size or not np.isfinite(output).all():
        return None
    return case if any(_matters(case, name, output) for name in case.differentiable) else None


def _refuse_empty(subject: Subject, thing: Any) -> None:
    """Refuse an object whose passes run a list of layers in which there are none."""
    for name, value in getattr(thing, "__dict__", {}).items():
        loops = re.search(rf"\bfor\b[^\n]*\.{name}\b", subject.forward_source)
        if isinstance(value, list | tuple) and not value and loops:
            raise CannotError(f"its passes run what is in {name}, and there is nothing in it; check the layers alone")


def other_layouts(subject: Subject, layout: Layout) -> Iterator[Layout]:
    """Yield layouts that fit too: with other kinds of labels, and with numbers of any sign for probabilities."""
    names = in_usual_order([each.name for each in subject.forward])
    for place, name in enumerate(names):
        spec = layout.forward.get(name)
        if spec is None or not spec.axes:
            continue
        if spec.kind in LABELLING and is_label(name):
            others = [each for each in argument_specs(name, True, place, names) if _is_other(each, spec, layout)]
        elif spec.kind == PROBABILITIES:
            others = [Spec(REAL, spec.axes)]
        else:
            continue
        for other in others:
            changed = layout.with_spec(name, other)
            if runs(subject, changed, spec.kind in LABELLING):
                yield changed


def longer_layouts(subject: Subject, layout: Layout) -> Iterator[Layout]:
    """Yield a layout with one axis more, where the backward pass is written for any number of axes."""
    arrays = [spec for spec in layout.forward.values() if spec.axes]
    if any(spec.axes[0] != "N" or len(spec.axes) > 2 for spec in arrays) or not arrays or not counts_axes(subject):
        return
    longer = {
        name: replace(spec, axes=("N", "T", *spec.axes[1:])) if spec.axes else spec
        for name, spec in layout.forward.items()
    }
    if runs(subject, replace(layout, forward=longer)):
        yield replace(layout, forward=longer)


def runs(subject: Subject, layout: Layout, whatever: bool = False) -> bool:
    """Return whether a forward pass runs and gives numbers that depend on what comes in.

    Args:
        whatever: whether it may also give what is not finite.
    """
    try:
        return try_layout(subject, layout) is not None or (whatever and _gives(subject, layout))
    except Exception:  # It does not fit.
        return False


def _gives(subject: Subject, layout: Layout) -> bool:
    output = flat(make_case(subject, layout, FIRST, 1).forward().outputs)
    return bool(output.size) and not np.isfinite(output).all()


def _is_other(label: Spec, chosen: Spec, layout: Layout) -> bool:
    """Whether labels of another kind are the same labels otherwise: class numbers for one-hot rows, and back."""
    return {label.kind, chosen.kind} == {IDS, ONE_HOT} and labels_fit(label, layout)


def labels_fit(label: Spec, layout: Layout) -> bool:
    """Whether labels have the axes of what they are labels of; class numbers have one axis less."""
    if (label.axes[-1:] and label.axes[-1].isdigit()) or label.below.isdigit():
        return True  # The classes are those of a layer in between.
    first = next((spec.axes for spec in layout.forward.values() if spec.is_differentiable), ())
    if label.kind == IDS:
        return label.axes == tuple(each for each in first if each != "K") or not first
    return label.axes == first


def _choices(
    arguments: Sequence[Argument],
    args: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    choose: Any,
    strings: Mapping[str, list[str]],
    in_constructor: bool = False,
) -> dict[str, list[Spec]]:
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


def _constructor_choice(argument: Argument) -> list[Spec]:
    return constructor_specs(argument.name)


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


def _is_blunder(error: Exception, subject: Subject) -> bool:
    """Whether an exception is the code's own fault, whatever it is given: a name or attribute that there is not."""
    if isinstance(error, AttributeError) and _is_set_elsewhere(subject, error.name or ""):
        return False
    own = f"'{subject.name}' object has no attribute"
    return isinstance(error, NameError | ForwardError) or (isinstance(error, AttributeError) and own in str(error))


def _is_set_elsewhere(subject: Subject, name: str) -> bool:
    """Whether a method that nobody calls here sets an attribute."""
    if not isinstance(subject, ClassSubject) or not name:
        return False
    methods = [value for key, value in vars(subject.kind).items() if inspect.isfunction(value) and key != "__init__"]
    texts = [source_of(method) for method in methods]
    return any(re.search(rf"\bself\.{name}\s*=[^=]", text) for text in texts if text != subject.source)


def _vectors_first(specs: list[Spec]) -> list[Spec]:
    return sorted(specs, key=lambda spec: 0 if len(spec.axes) == 1 else 1)


def _by_rank(choices: Sequence[Sequence[Spec]]) -> Iterator[tuple[Spec, ...]]:
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


def _matters(case: Case, name: str, output: Any) -> bool:
    """Whether the outputs depend on a value."""
    value = np.asarray(case.values[name], dtype=float)
    changed = case.output({name: value * 1.01 + np.linspace(0.003, 0.011, value.size).reshape(value.shape)})
    return changed.shape != output.shape or not np.array_equal(changed, output, equal_nan=True)


def _fixed(case: Case) -> Iterator[Path]:
    output = case.output()
    for name in case.parameters:
        if not _matters(case, name, output):
            yield from case.paths[name]


def _advice(
    subject: Subject, constructor: Mapping[str, Any], forward: Mapping[str, Any], error: Exception | None
) -> str:
    """What could not be guessed, and how to give it."""
    told = f": {type(error).__name__}: {first_line(str(error))}" if error is not None else ""
    arguments = ", ".join(forward) or "nothing"
    if subject.name.startswith("<"):
        return f"forward does not run with what is given{told}"
    text = f"no shapes were found with which {subject.forward_name}({arguments}) runs{told}"
    hints = []
    if constructor and isinstance(subject, ClassSubject):
        hints.append(f'--args "{", ".join(f"{name}=..." for name in constructor)}"')
    if forward:
        hints.append(f'--shapes "{", ".join(f"{name}=3x4" for name in forward)}"')
    return f"{text}; give them: {' '.join(hints)}" if hints else text


def shown(layout: Layout) -> str:
    """Return a layout in words."""
    given = {**layout.constructor, **layout.forward}
    parts = [
        f"{name} ({', '.join(spec.axes)})" if spec.axes else f"{name}={spec.number}" for name, spec in given.items()
    ]
    fixed = [path_text(path) for path in layout.fixed]
    return ", ".join(parts) + (f"; left alone: {', '.join(fixed)}" if fixed else "")
