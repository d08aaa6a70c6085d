"""Which shapes and settings fit: candidates are tried, the likeliest first, until the forward pass runs."""

from __future__ import annotations

import inspect
import itertools
import re
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from codegen.checking.candidates import by_rank, candidates
from codegen.checking.cases import Case, Layout, flat, make_case
from codegen.checking.readings import counts_axes, documented_axes, first_line
from codegen.checking.roles import argument_specs, in_usual_order, is_label
from codegen.checking.state import Path
from codegen.checking.styles import source_of
from codegen.checking.subjects import CannotError, ClassSubject, ForwardError, Subject
from codegen.checking.values import FIRST, IDS, LABELLING, ONE_HOT, PROBABILITIES, REAL, Spec

#: How many layouts are tried, and how many seconds.
MOST_TRIED, MOST_SECONDS = 3000, 4.0
#: Seconds that others are tried for, where a layout runs and broadcasts to more axes than any array has.
MORE_SECONDS = 0.3


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
    constructor, forward = candidates(subject, args, shapes)
    documented = documented_axes(subject.forward_source)
    known = {*shapes, *documented}
    last: Exception | None = None
    blunder: Exception | None = None
    found: list[tuple[bool, Layout]] = []
    stop = time.monotonic() + MOST_SECONDS
    for layout in itertools.islice(_layouts(constructor, forward), MOST_TRIED):
        if time.monotonic() > stop:
            break
        if not _have_labels_that_fit(layout, known) or not _is_plausible(layout):
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
    raise _refusal(subject, constructor, forward, blunder, last)


def _layouts(constructor: Mapping[str, list[Spec]], forward: Mapping[str, list[Spec]]) -> Iterator[Layout]:
    """Yield the layouts of all combinations, the likeliest first."""
    split = len(constructor)
    for chosen in by_rank([*constructor.values(), *forward.values()]):
        yield Layout(
            dict(zip(constructor, chosen[:split], strict=True)), dict(zip(forward, chosen[split:], strict=True))
        )


def _have_labels_that_fit(layout: Layout, known: Container[str]) -> bool:
    """Whether the labels of which nobody said what axes they have fit what they are labels of."""
    labels = [layout.forward[name] for name in layout.labels if is_label(name) and name not in known]
    return all(labels_fit(each, layout) for each in labels if each.kind in LABELLING)


def _refusal(
    subject: Subject,
    constructor: Mapping[str, Any],
    forward: Mapping[str, Any],
    blunder: Exception | None,
    last: Exception | None,
) -> Exception:
    """What is raised where no layout fits: the code's own mistake, or what could not be guessed."""
    if isinstance(blunder, ForwardError):
        return blunder
    if blunder is not None:
        return ForwardError(f"{subject.forward_name} raises {type(blunder).__name__}: {first_line(str(blunder))}")
    return last if isinstance(last, CannotError) else CannotError(_advice(subject, constructor, forward, last))


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
