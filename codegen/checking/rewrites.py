"""Changes of one place in the text of a function: each undoes a mistake that people make.

The text is parsed and never evaluated here; what is made of it is a syntax tree.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from codegen.checking.places import slots
from codegen.checking.roles import gradient_names, is_upstream

AXES = (0, 1, -1, -2, 2, None)
REDUCTIONS = {"sum": "mean", "mean": "sum"}
OPPOSITES = {"max": "min", "maximum": "minimum", "argmax": "argmin", "ceil": "floor", "sin": "cos", "any": "all"}
OPPOSITES |= {second: first for first, second in OPPOSITES.items()}
AXIS_WORDS = ("axis", "dim", "axes")


#: What may be missing: a variable, or something made of it, as a factor; something to subtract; other factors.
FACTORS = (("missing-term", "{0} * {1}"), ("missing-term", "{0} / {1}"))
ADDENDS = (
    ("missing-term", "{0} + {1}"),
    ("missing-term", "{0} - {1}"),
    ("missing-term", "{0} - ({0} * {1}).sum(axis=-1, keepdims=True)"),
    ("missing-term", "{0} - ({0} * {1}).sum(axis=0, keepdims=True)"),
    ("missing-term", "{0} - {1} * {0}.sum(axis=-1, keepdims=True)"),
    ("missing-term", "{0} - {1} * ({0} * {1}).mean(axis=-1, keepdims=True)"),
    ("missing-term", "{0} - {1} * ({0} * {1}).mean(axis=0)"),
    ("missing-term", "{0} - {0}.mean(axis=-1, keepdims=True)"),
    ("missing-term", "{0} - {0}.mean(axis=0)"),
    ("missing-term", "{0} - {0}.mean(axis=-1, keepdims=True) - {1} * ({0} * {1}).mean(axis=-1, keepdims=True)"),
    ("missing-term", "{0} - {0}.mean(axis=0) - {1} * ({0} * {1}).mean(axis=0)"),
    ("missing-term", "1 - {0}"),
    ("missing-term", "1 + {0}"),
)
OTHERS = (
    ("missing-term", "{0} * (1 - {1})"),
    ("missing-term", "{0} * (1 - {1} ** 2)"),
    ("missing-term", "{0} * ({1} * (1 - {1}))"),
    ("missing-mask", "{0} * ({1} > 0)"),
    ("factor", "{0} / len({1})"),
    ("factor", "{0} / {1}.shape[-1]"),
    ("missing-term", "{0} ** 2"),
    ("missing-term", "{0} ** 0.5"),
    ("missing-term", "1 / {0}"),
)


@dataclass(frozen=True)
class Rewrite:
    """A changed function, and what the change undoes."""

    kind: str
    words: str
    tree: ast.Module


Change = tuple[str, str, ast.AST]


def rewrites(
    tree: ast.Module,
    names: Iterable[str],
    more: bool,
    fits: Callable[[str, str], bool] = lambda own, name: True,
    masks: Iterable[str] = (),
) -> Iterator[Rewrite]:
    """Yield the functions that one change makes of a function.

    The tree itself is changed and changed back: a tree that was yielded is to be used before the next is asked for.

    Args:
        names: expressions, as texts, that may be used: variables and attributes.
        more: whether to yield those that put something in which is missing, of which there are many.
        fits: whether a variable may be put beside an expression.
        masks: those of the names that are masks.
    """
    known = list(names)
    places = list(slots(tree))
    makers = _puts_in(known, fits) if more else (
        _opposites, _signs, _accumulation, _axis, _reduction, _transposes, _operators, _compares, _numbers, _branches,
        _variables(known, frozenset(masks)),
    )  # fmt: skip
    for make in makers:
        for slot in places:
            if getattr(make, "keywords", {}).get("templates") in (FACTORS, OTHERS) and slot.is_factor:
                continue  # The whole product is tried.
            node = slot.get()
            around = text_of(slot.parent) if _is_number(node) and isinstance(slot.parent, ast.expr) else ""
            for kind, words, new in make(node):
                ast.copy_location(new, node)
                ast.fix_missing_locations(new)
                slot.set(new)
                if around:
                    words = f"`{around}` has to be `{text_of(slot.parent)}`"
                try:
                    is_other = isinstance(node, ast.Constant) and (slot.is_inside or not slot.is_factor)
                    yield Rewrite("value" if is_other else kind, _at(node, words), tree)
                finally:
                    slot.set(node)


def _is_number(node: ast.AST) -> bool:
    """Whether a number stands there, which says little without what stands around it."""
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _at(node: ast.AST, words: str) -> str:
    return f"line {getattr(node, 'lineno', 0)}: {words}"


def text_of(node: ast.AST) -> str:
    """Return the text of a node, cut where it is long."""
    text = ast.unparse(node)
    return text if len(text) <= 90 else f"{text[:87]}..."


def _for(old: ast.AST, new: ast.AST) -> str:
    return f"`{text_of(old)}` has to be `{text_of(new)}`"


def _change(kind: str, old: ast.AST, new: ast.AST) -> Change:
    return kind, _for(old, new), new


# -- what stands there and is wrong -----------------------------------------------------------------------------------


def _opposites(node: ast.AST) -> Iterator[Change]:
    """The largest for the smallest, and the like."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in OPPOSITES:
        other = ast.Attribute(node.func.value, OPPOSITES[node.func.attr], ast.Load())
        yield _change("value", node, ast.Call(other, node.args, node.keywords))


def _signs(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield _change("sign", node, node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield _change("sign", node, ast.BinOp(node.left, other, node.right))
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        swapped = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield _change("sign", node, ast.AugAssign(node.target, swapped, node.value))
    if isinstance(node, ast.Assign | ast.Return) and node.value is not None and not isinstance(node.value, ast.Tuple):
        negated = ast.UnaryOp(ast.USub(), node.value)
        new = ast.Assign(node.targets, negated) if isinstance(node, ast.Assign) else ast.Return(negated)
        yield _change("sign", node, ast.fix_missing_locations(new))


def _accumulation(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
        yield _change("missing-sum", node, ast.AugAssign(node.targets[0], ast.Add(), node.value))
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        parts = ", ".join(map(ast.unparse, (node.target.value, node.target.slice, node.value)))
        if ":" not in ast.unparse(node.target.slice):
            yield _change("repeated-ids", node, ast.parse(f"np.add.at({parts})").body[0])


def _axis(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.Call):
        return
    for place, keyword in enumerate(node.keywords):
        if keyword.arg in AXIS_WORDS:
            for axis in AXES:
                changed = copy.copy(node)
                changed.keywords = list(node.keywords)
                changed.keywords[place] = ast.keyword(keyword.arg, ast.Constant(axis))
                if ast.dump(changed) != ast.dump(node):
                    yield _change("axis", node, changed)
    if (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in REDUCTIONS
        and len(node.args) == 1
        and not node.keywords
    ):
        for axis in AXES:
            yield _change("axis", node, ast.Call(node.func, [ast.Constant(axis)], []))
    is_reduction = isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS
    if is_reduction and not any(keyword.arg in AXIS_WORDS for keyword in node.keywords):
        for axis in (-1, 0, 1):
            for kept in (True, False):
                keywords = [ast.keyword("axis", ast.Constant(axis)), ast.keyword("keepdims", ast.Constant(kept))]
                yield _change("axis", node, ast.Call(node.func, node.args, keywords))


def _reduction(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Attribute) and node.attr in REDUCTIONS:
        yield _change("reduction", node, ast.Attribute(node.value, REDUCTIONS[node.attr], ast.Load()))
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_shape(node.value):
        for axis in (0, 1, -1):
            yield _change("factor", node, ast.Subscript(node.value, ast.Constant(axis), ast.Load()))


def _is_shape(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def _transposes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield _change("transpose", node, node.value)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("transpose", "t", "swapaxes")
    ):
        yield _change("transpose", node, node.func.value)
    for operands, make in _products(node):
        for place, operand in enumerate(operands):
            for turned in _turned(operand):
                yield _change(
                    "transpose", node, make([turned if at == place else each for at, each in enumerate(operands)])
                )
        yield _change("transpose", node, make(operands[::-1]))


def _turned(operand: ast.expr) -> Iterator[ast.expr]:
    if not (isinstance(operand, ast.Attribute) and operand.attr == "T"):
        yield ast.Attribute(operand, "T", ast.Load())
    yield ast.Call(ast.Attribute(operand, "swapaxes", ast.Load()), [ast.Constant(-1), ast.Constant(-2)], [])


def _products(node: ast.AST) -> Iterator[tuple[list[ast.expr], Callable[[list[ast.expr]], ast.AST]]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield [node.left, node.right], lambda pair: ast.BinOp(pair[0], ast.MatMult(), pair[1])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("dot", "matmul"):
        if len(node.args) == 2:
            yield list(node.args), lambda pair: ast.Call(node.func, pair, [])
        elif len(node.args) == 1:
            attr = node.func.attr
            yield (
                [node.func.value, node.args[0]],
                lambda pair: ast.Call(ast.Attribute(pair[0], attr, ast.Load()), [pair[1]], []),
            )


def _operators(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        other = ast.Div() if isinstance(node.op, ast.Mult) else ast.Mult()
        yield _change("value", node, ast.BinOp(node.left, other, node.right))
        if isinstance(node.op, ast.Div):
            yield _change("value", node, _turned_over(node))
        yield from _whole_jacobian(node)
        yield _change("factor" if isinstance(node.right, ast.Constant) else "value", node, node.left)
        if isinstance(node.op, ast.Mult):
            yield _change("factor" if isinstance(node.left, ast.Constant) else "value", node, node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield _change("value", node, node.left)
        yield _change("value", node, node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield _change("value", node, node.left)


def _turned_over(node: ast.BinOp) -> ast.expr:
    """A quotient with its two parts exchanged; a sign stays in front."""
    if isinstance(node.left, ast.UnaryOp) and isinstance(node.left.op, ast.USub):
        return ast.BinOp(ast.UnaryOp(ast.USub(), node.right), ast.Div(), node.left.operand)
    return ast.BinOp(node.right, ast.Div(), node.left)


def _whole_jacobian(node: ast.BinOp) -> Iterator[Change]:
    """``d * (1 - y)``, the diagonal of a softmax's Jacobian, as ``d - (d * y).sum(axis=-1, keepdims=True)``."""
    inner = node.right
    is_one_minus = (
        isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub) and isinstance(inner.left, ast.Constant)
    )
    if isinstance(node.op, ast.Mult) and is_one_minus and isinstance(inner, ast.BinOp):
        first, second = ast.unparse(node.left), ast.unparse(inner.right)
        for axis in (-1, 0):
            yield _change(
                "diagonal", node, _parsed(f"({first}) - (({first}) * ({second})).sum(axis={axis}, keepdims=True)")
            )


def _compares(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in (ast.Gt(), ast.Lt(), ast.GtE(), ast.LtE(), ast.Eq(), ast.NotEq()):
            if type(other) is not type(node.ops[0]):
                yield _change("missing-mask", node, ast.Compare(node.left, [other], node.comparators))


def _numbers(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        number = node.value
        for other in (
            number + 1,
            number - 1,
            2 * number,
            number / 2,
            number**0.5 if number > 0 else 1,
            10 * number,
            number / 10,
        ):
            if other != number:
                yield _change("factor", node, ast.Constant(other))


def _branches(node: ast.AST) -> Iterator[Change]:
    is_where = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "where"
    if is_where and isinstance(node, ast.Call) and len(node.args) == 3:
        first, second, third = node.args
        yield _change("missing-mask", node, ast.Call(node.func, [first, third, second], []))
        yield _change("missing-mask", node, second)
        yield _change("missing-mask", node, third)


def _variables(known: list[str], masks: frozenset[str]) -> Callable[[ast.AST], Iterator[Change]]:
    """One variable in the place of another; within a comparison it is a mask."""

    def change(node: ast.AST) -> Iterator[Change]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            for name in known:
                yield _change("missing-mask", node, ast.Compare(_parsed(name), node.ops, node.comparators))
        is_name = isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and ast.unparse(node) in known)
        if is_name and isinstance(getattr(node, "ctx", None), ast.Load) and ast.unparse(node) in known:
            for name in known:
                if name != ast.unparse(node):
                    kind = "missing-mask" if name in masks else "missing-term"
                    yield _change(kind, node, _parsed(name))

    return change


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


# -- what is missing --------------------------------------------------------------------------------------------------


def _puts_in(known: list[str], fits: Callable[[str, str], bool]) -> list[Callable[[ast.AST], Iterator[Change]]]:
    """What puts something in: sums, then factors, which are no gradients but the upstream one, then what is added."""
    plain = [name for name in known if is_upstream(name) or not gradient_names(name.split(".")[-1])]
    return [
        _missing_reduction,
        *(partial(_missing, known=plain, templates=each, fits=fits) for each in (FACTORS, OTHERS)),
        partial(_missing, known=known, templates=ADDENDS, fits=fits),
    ]


def _is_value(node: ast.AST) -> bool:
    """Whether something may be an array that is computed with."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return (
            isinstance(node.ctx, ast.Load) and not _is_shape(node) and ast.unparse(node) not in ("np", "self", "torch")
        )
    return isinstance(node, ast.BinOp) or (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))


def _missing(
    node: ast.AST, known: list[str], templates: tuple[tuple[str, str], ...], fits: Callable[[str, str], bool]
) -> Iterator[Change]:
    """Something made of the node and of a variable in the node's place."""
    if not isinstance(node, ast.expr) or not _is_value(node):
        return
    own = ast.unparse(node)
    for kind, text in templates:
        for name in known if "{1}" in text else [""]:
            if not name or fits(own, name):
                yield _change(kind, node, _parsed(text.format(own if own.isidentifier() else f"({own})", name)))


def _missing_reduction(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.expr) or not _is_value(node):
        return
    own = ast.unparse(node)
    for text in (
        "({0}).sum(axis=0)",
        "({0}).sum(axis=0, keepdims=True)",
        "({0}).sum(axis=-1, keepdims=True)",
        "({0}).sum(axis=1)",
    ):
        yield _change("missing-sum", node, _parsed(text.format(own)))
