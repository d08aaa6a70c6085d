"""A definition's text made into a syntax tree, through Python's ``ast`` with a whitelist; nothing is ever evaluated."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from dataclasses import replace

from sympy import Rational

from derive.errors import DefinitionError
from derive.tokens import Span, Text, Token, check_order, read_tokens, split_statements
from derive.trees import Access, Call, Comparison, Factors, Literal, Name, Power, Relation, Statement, Terms, Tree

DEEPEST_NESTING = 40
#: Relations that a fact may state.
ORDERS = ("=", ">", ">=", "<", "<=")
RELATIONS = {ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


def read_definitions(source: Text) -> tuple[list[Statement], tuple[Name, ...]]:
    """Return the definitions of a text as trees, and the names that its last line lists as outputs, if it does.

    Raises:
        DefinitionError: the text is not a list of definitions; it is shown with a caret under the mistake.

    Example:
        >>> statements, outputs = read_definitions(Text("m = a + b; d = a - b; m, d"))
        >>> len(statements), [output.name for output in outputs]
        (2, ['m', 'd'])
    """
    parts = split_statements(source, read_tokens(source))
    listed = _read_names(parts[-1]) if len(parts) > 1 else ()
    if listed:
        del parts[-1]
    if not parts:
        raise source.mistake(Span(0, 1), "the text is empty", "expected a definition, such as y[n] = max(x[n], 0)")
    return [_read_statement(source, tokens) for tokens in parts], listed


def _read_names(tokens: list[Token]) -> tuple[Name, ...]:
    """Return the names of a bare list ``h, c``; none where the tokens are something else."""
    names, commas = tokens[::2], tokens[1::2]
    is_list = len(names) == len(commas) + 1 and all(comma.kind == "comma" for comma in commas)
    return tuple(Name(name.at, name.text) for name in names) if is_list and all(n.kind == "name" for n in names) else ()


def read_sides(source: Text, sides: int) -> list[Tree]:
    """Return the trees of an expression (one side) or an equation (two).

    Raises:
        DefinitionError: the text is not one expression or equation.
    """
    statements = split_statements(source, read_tokens(source))
    example = "x[n]**2" if sides == 1 else "sum(t[n,k], k) = 1"
    kind = "expression" if sides == 1 else "equation"
    if not statements:
        raise source.mistake(Span(0, 1), "the text is empty", f"expected an {kind}, such as {example}")
    if len(statements) > 1:
        raise source.mistake(statements[1][0].at, f"this is a second {kind}", f"expected one {kind}")
    parts = _split_at_equals(source, statements[0])
    if len(parts) != sides:
        at = parts[1][0].at if sides == 1 and parts[1:] and parts[1] else parts[0][0].at if parts[0] else Span(0, 1)
        raise source.mistake(at, f"this is not an {kind}", f"expected an {kind}, such as {example}")
    return [_read_tree(source, tokens) for tokens in parts]


def read_problem(source: Text, where: int, given: int) -> tuple[list[Statement], list[Relation], Relation]:
    """Return the definitions, the facts and the claim of a text that holds them in this order.

    Args:
        where, given: the offsets at which the definitions and the facts end.

    Raises:
        DefinitionError: a part is not what must stand there.
    """
    parts = split_statements(source, read_tokens(source))
    definitions = [_read_statement(source, tokens) for tokens in parts if tokens[0].at.offset < where]
    facts = [_read_relation(source, tokens, ORDERS) for tokens in parts if where <= tokens[0].at.offset < given]
    claims = [_read_relation(source, tokens, ("=",)) for tokens in parts if tokens[0].at.offset >= given]
    if len(claims) != 1:
        at = claims[1].left.at if claims else Span(len(source.text), 1)
        problem = "this is a second claim" if claims else "there is no claim"
        raise source.mistake(at, problem, "expected one equation, such as sum(p[n,k], k) = 1")
    return definitions, facts, claims[0]


def read_fact(source: Text) -> Relation:
    """Return what a text states: an equation, or between what something lies.

    Raises:
        DefinitionError: the text is not one equation or inequality.
    """
    parts = split_statements(source, read_tokens(source))
    if len(parts) != 1:
        at = parts[1][0].at if parts else Span(0, 1)
        problem = "this is a second fact" if parts else "the text is empty"
        raise source.mistake(at, problem, "expected one fact, such as sum(t[n,k], k) = 1 or x[n] > 0")
    return _read_relation(source, parts[0], ORDERS)


def _read_relation(source: Text, tokens: list[Token], allowed: tuple[str, ...]) -> Relation:
    """Return the two sides of an equation or inequality."""
    depth, places = 0, []
    for place, token in enumerate(tokens):
        depth += (token.kind == "open") - (token.kind == "close")
        if depth == 0 and token.kind == "comparison":
            places.append(place)
    at = Span(tokens[0].at.offset, tokens[-1].at.offset + tokens[-1].at.length - tokens[0].at.offset)
    if not places:
        raise source.mistake(at, "this is not an equation: it has no =", "expected LEFT = RIGHT")
    sign = tokens[places[0]]
    if len(places) > 1:
        second = tokens[places[1]]
        raise source.mistake(second.at, f"this is a second {second.text}", "write two claims, one after the other")
    if sign.text not in allowed:
        expected = "write =" if sign.text == "==" else f"expected {' or '.join(allowed)}"
        raise source.mistake(sign.at, f"{sign.text} has no place here", expected)
    left, right = tokens[: places[0]], tokens[places[0] + 1 :]
    if not left or not right:
        problem = f"nothing stands on the {'right' if left else 'left'} of {sign.text}"
        raise source.mistake(sign.at, problem, f"expected LEFT {sign.text} RIGHT")
    return Relation(sign.text, _read_tree(source, left), _read_tree(source, right), at)


def _read_statement(source: Text, tokens: list[Token]) -> Statement:
    start, end = tokens[0].at, tokens[-1].at
    whole = Span(start.offset, end.offset + end.length - start.offset)
    sides = _split_at_equals(source, tokens)
    if len(sides) != 2:
        expected = "write what is defined on its left, as in y[n,k] = ..., or list outputs last by bare names: h, c"
        raise source.mistake(whole, "this is not a definition: it has no =", expected)
    left, right = sides
    if not left:
        raise source.mistake(start, "nothing stands on the left of =", "write what is defined, as in y[n,k] = ...")
    if not right:
        raise source.mistake(end, "nothing stands on the right of =", "write what it is equal to")
    names = _read_names(left)
    if len(names) > 1:
        return Statement(names[0].name, (), True, _read_tree(source, right), whole, names[1:])
    target = _read_tree(source, left)
    if isinstance(target, Name):
        return Statement(target.name, (), True, _read_tree(source, right), whole)
    if not isinstance(target, Access):
        expected = "write a name, or a name with its indices, as in y[n,k] = ..."
        raise source.mistake(target.at, "this can not be defined", expected)
    indices: list[Name] = []
    for entry in target.entries:
        if not isinstance(entry, Name):
            raise source.mistake(entry.at, "only an index may stand in the brackets on the left", "write y[n,k] = ...")
        if any(entry.name == index.name for index in indices):
            problem = f"index {entry.name} stands twice on the left"
            raise source.mistake(entry.at, problem, "write two indices, and delta(i,j) on the right for a diagonal")
        indices.append(entry)
    return Statement(target.name, tuple(indices), False, _read_tree(source, right), whole)


def _split_at_equals(source: Text, tokens: list[Token]) -> list[list[Token]]:
    """Split at the ``=`` that stands outside of all brackets."""
    sides: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.kind == "open") - (token.kind == "close")
        if depth == 0 and token.kind == "comparison":
            if token.text != "=":
                is_first = token.text == "==" and len(sides) == 1
                expected = "write =" if is_first else "write a comparison in brackets: [x[n] > 0]"
                raise source.mistake(token.at, f"{token.text} has no place outside of brackets", expected)
            if len(sides) == 2:
                expected = "write one definition a line, or a comparison in brackets: [a = b]"
                raise source.mistake(token.at, "this is a second =", expected)
            sides.append([])
        else:
            sides[-1].append(token)
    return sides


def _read_tree(source: Text, tokens: list[Token]) -> Tree:
    check_order(source, tokens)
    return _Translator(source, tokens).translate_all()


class _Translator:
    """Turns tokens into Python's tree and that into ours, with places in the original text.

    The Python text has one space between tokens, ``==`` for ``=`` and 1 for every number (the number itself is taken
    from its token, so that a decimal stays exact).
    """

    def __init__(self, source: Text, tokens: list[Token]) -> None:
        self.source, self.tokens = source, tokens
        self.starts: list[int] = []
        written: list[str] = []
        position = 0
        for token in tokens:
            word = "1" if token.kind == "number" else "==" if token.text == "=" else token.text
            self.starts.append(position)
            written.append(word)
            position += len(word.encode()) + 1
        self.python = " ".join(written)

    def translate_all(self) -> Tree:
        try:
            tree = ast.parse(self.python, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            first, last = self.tokens[0].at, self.tokens[-1].at
            at = Span(first.offset, last.offset + last.length - first.offset)
            raise self.source.mistake(at, "this can not be read", "expected a formula such as exp(x[n,k])") from None
        return self.translate(tree, 0)

    def first_token(self, node: ast.expr) -> Token:
        return self.tokens[bisect_right(self.starts, node.col_offset) - 1]

    def at(self, node: ast.expr) -> Span:
        last = self.tokens[bisect_left(self.starts, node.end_col_offset or 0) - 1].at
        start = self.first_token(node).at.offset
        return Span(start, last.offset + last.length - start)

    def translate(self, node: ast.expr, depth: int) -> Tree:
        if depth > DEEPEST_NESTING:
            problem = f"this is nested more than {DEEPEST_NESTING} levels deep"
            raise self.source.mistake(self.at(node), problem, "give the inner part a name in a definition of its own")
        at = self.at(node)
        match node:
            case ast.Constant():
                return Literal(at, Rational(self.first_token(node).text))
            case ast.Name(id=name):
                return Name(at, name)
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=entries)):
                return Access(at, name, tuple(self.translate(entry, depth + 1) for entry in entries))
            case ast.Subscript(value=ast.Name(id=name), slice=entry):
                return Access(at, name, (self.translate(entry, depth + 1),))
            case ast.Subscript(value=ast.Call(func=ast.Name()) as call, slice=places):
                element = self.translate(call, depth)
                entries = places.elts if isinstance(places, ast.Tuple) else [places]
                assert isinstance(element, Call)
                return replace(element, at=at, entries=tuple(self.translate(entry, depth + 1) for entry in entries))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.translate(operand, depth + 1)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Terms(at, ((-1, self.translate(operand, depth + 1)),))
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return Terms(at, self.translate_chain(node, (ast.Add, ast.Sub), depth))
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return Factors(at, self.translate_chain(node, (ast.Mult, ast.Div), depth))
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                return Power(at, self.translate(base, depth + 1), self.translate(exponent, depth + 1))
            case ast.List(elts=[ast.Compare() as comparison]):
                return self.translate_comparison(comparison, at, depth)
            case ast.Call(func=ast.Name(id="where"), args=[ast.Compare() as condition, *others], keywords=[]):
                arguments = (self.translate_comparison(condition, self.at(condition), depth),)
                return Call(at, "where", arguments + tuple(self.translate(other, depth + 1) for other in others))
            case ast.Call(func=ast.Name(id=name), args=arguments_written, keywords=[]):
                return Call(at, name, tuple(self.translate(argument, depth + 1) for argument in arguments_written))
        raise self.refuse(node)

    def translate_chain(
        self, node: ast.expr, operators: tuple[type[ast.operator], type[ast.operator]], depth: int
    ) -> tuple[tuple[int, Tree], ...]:
        """Flatten ``a + b - c``; the second of ``operators`` counts as -1."""
        parts = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, operators):
            parts.append((-1 if isinstance(node.op, operators[1]) else 1, self.translate(node.right, depth + 1)))
            node = node.left
        parts.append((1, self.translate(node, depth + 1)))
        return tuple(reversed(parts))

    def translate_comparison(self, node: ast.Compare, at: Span, depth: int) -> Tree:
        if len(node.ops) != 1:
            raise self.source.mistake(at, "a comparison has two sides", "write [0 < x]*[x < 1] for [0 < x < 1]")
        left, right = self.translate(node.left, depth + 1), self.translate(node.comparators[0], depth + 1)
        return Comparison(at, RELATIONS[type(node.ops[0])], left, right)

    def refuse(self, node: ast.expr) -> DefinitionError:
        if isinstance(node, ast.Compare):
            expected = "write a comparison in brackets, [x[n] > 0], or as the condition of where"
            return self.source.mistake(self.at(node), "a comparison has no place here", expected)
        if isinstance(node, ast.List):
            expected = "brackets on their own hold a comparison: [x[n] > 0]"
            return self.source.mistake(self.at(node), "this is not a comparison", expected)
        expected = "expected a number, a name or a call, such as x[n,k] or exp(x[n,k])"
        return self.source.mistake(self.at(node), "this has no meaning in a definition", expected)
