"""Mistakes made by rule: every gradient negated, halved, transposed, added up; every stored value forgotten; and so on.

A rule looks at the syntax of one implementation and gives replacements, each with the diagnoses that are right for it.
What such a replacement does not change (an attribute that backward does not need, the order of equal sizes) is no
mistake: ``really_wrong`` runs what was made and leaves those out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from handwritten.corpus.case import Case, load, right_text
from handwritten.corpus.cases import CASES
from handwritten.corpus.mistake import Mistake, definitions, parsed, span
from handwritten.corpus.observing import Observation, observations

Edit = tuple[ast.expr | ast.stmt, str, str]
Function = ast.FunctionDef


def functions(case: Case, *endings: str) -> list[Function]:
    """Return the functions of a case whose name ends in one of the endings."""
    found: list[Function] = []
    for node in definitions(case):
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        found += [each for each in members if isinstance(each, Function) and each.name.endswith(endings)]
    return found


def backward(case: Case) -> Function:
    return functions(case, "backward", "_grad")[0]


def gradients(case: Case) -> list[ast.expr]:
    """Return the expressions that are the gradients: what the attributes are set to and what is returned."""
    places = {each.split(".")[-1] for each in case.grads.values() if isinstance(each, str)}
    found: list[ast.expr] = []
    for node in ast.walk(backward(case)):
        if isinstance(node, ast.Assign) and places & {name_of(target) for target in node.targets}:
            found.append(node.value)
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            found += [each for each in parts if not isinstance(each, ast.Constant) and not is_attribute(each)]
    return found


def name_of(target: ast.expr) -> str | None:
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return None


def is_attribute(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute)


def source(case: Case, node: ast.expr | ast.stmt) -> str:
    text, _ = parsed(case.file)
    return text[slice(*span(text, node))]


# -- rules ------------------------------------------------------------------------------------------------------------


def negate(case: Case) -> Iterator[Edit]:
    for node in gradients(case):
        yield node, f"-({source(case, node)})", "sign"


def halve(case: Case) -> Iterator[Edit]:
    for node in gradients(case):
        yield node, f"0.5 * ({source(case, node)})", "factor"


def miss_slightly(case: Case) -> Iterator[Edit]:
    for node in gradients(case)[:1]:
        yield node, f"1.001 * ({source(case, node)})", "factor"


def transpose(case: Case) -> Iterator[Edit]:
    for node in gradients(case)[:1]:
        yield node, f"({source(case, node)}).T", "transpose shape crash"


def widen(case: Case) -> Iterator[Edit]:
    for node in gradients(case)[:1]:
        made = "double()" if case.style == "torch" else "astype(np.float64)"
        yield node, f"({source(case, node)}).{made}", "dtype"


def accumulate(case: Case) -> Iterator[Edit]:
    for node in ast.walk(backward(case)):
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Attribute):
            name = target.attr
            if name in case.grads.values():
                yield node.value, f'getattr(self, "{name}", 0) + {source(case, node.value)}', "accumulates"


def ignore_upstream(case: Case) -> Iterator[Edit]:
    if "u" in case.backward:
        yield from at_the_start(case, "{name} = {library}.ones_like({name})", "upstream-ignored")


def damage_upstream(case: Case) -> Iterator[Edit]:
    if "u" in case.backward:
        yield from at_the_start(case, "{name} *= 0.5", "mutates-upstream factor")


def at_the_start(case: Case, statement: str, kinds: str) -> Iterator[Edit]:
    function = backward(case)
    library = "torch" if case.style == "torch" else "np"
    named = [argument.arg for argument in function.args.args if argument.arg not in ("self", "ctx", "cache")]
    first = function.body[0]
    text = statement.format(name=named[0], library=library)
    yield first, f"{text}\n{' ' * first.col_offset}{source(case, first)}", kinds


def forget(case: Case) -> Iterator[Edit]:
    for function in functions(case, "forward"):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and any(is_attribute(each) for each in node.targets):
                yield node, "pass", "not-stored crash"


def flip_operator(case: Case) -> Iterator[Edit]:
    for node in arithmetic(case):
        if isinstance(node.op, ast.Sub):
            yield node, f"{source(case, node.left)} + {source(case, node.right)}", "sign value"


def drop_term(case: Case) -> Iterator[Edit]:
    for node in arithmetic(case):
        yield node, source(case, node.left), "missing-term"


def arithmetic(case: Case) -> Iterator[ast.BinOp]:
    """Yield the sums and differences of gradients; those inside brackets are of positions."""
    stack: list[ast.AST] = [backward(case)]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            yield node
        stack += [each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.Slice | ast.Subscript)]


def drop_transpose(case: Case) -> Iterator[Edit]:
    for node in ast.walk(backward(case)):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, source(case, node.value), "transpose crash shape"


def other_axis(case: Case) -> Iterator[Edit]:
    for node in ast.walk(backward(case)):
        if isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant):
            other = {0: "1", 1: "0"}.get(node.value.value)
            if other:
                yield node.value, other, "axis shape crash"


RULES: tuple[Callable[[Case], Iterator[Edit]], ...] = (
    negate,
    halve,
    miss_slightly,
    transpose,
    widen,
    accumulate,
    ignore_upstream,
    damage_upstream,
    forget,
    flip_operator,
    drop_term,
    drop_transpose,
    other_axis,
)


def by_rule(case: Case) -> Iterator[Mistake]:
    """Yield every mistake that the rules make in a case."""
    text, _ = parsed(case.file)
    for rule in RULES:
        for node, new, kinds in rule(case):
            first, last = span(text, node)
            wrong = text[:first] + new + text[last:]
            change = " ".join(f"{text[first:last]} -> {new}".split())
            yield Mistake(case, tuple(kinds.split()), wrong, change, rule.__name__)


# -- really wrong -----------------------------------------------------------------------------------------------------


def observed(mistake: Mistake) -> list[Observation] | None:
    """Return what running a mistake shows; None where the file cannot even be loaded."""
    try:
        module = load(mistake.text, mistake.case.file)
    except Exception:
        return None
    return observations(mistake.case, module)


def is_wrong(mistake: Mistake, right: list[Observation]) -> bool:
    """Whether what a user sees differs from what the right implementation shows, in any world."""
    seen = observed(mistake)
    return seen is None or any(wrong.differs(expected) for wrong, expected in zip(seen, right, strict=True))


def really_wrong(case: Case) -> Iterator[Mistake]:
    """Yield the mistakes made by rule whose runs differ from those of the right implementation, each text once."""
    right = observations(case, load(right_text(case.file), case.file))
    seen: set[str] = set()
    for mistake in by_rule(case):
        if mistake.text not in seen and is_wrong(mistake, right):
            seen.add(mistake.text)
            yield mistake


def systematic(cases: tuple[Case, ...] = CASES) -> Iterator[Mistake]:
    for case in cases:
        yield from really_wrong(case)
