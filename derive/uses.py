"""How the names of a text are used: the second reading of its trees, when it is known which of them are indices.

It finds how many axes each tensor has, which axes have the size of which index, and what stands where it may not.
"""

from __future__ import annotations

from derive.calls import check_bound, check_call, check_hyphen
from derive.forms import check_form, is_arithmetic, names_in, single_index
from derive.scopes import Scope
from derive.sizes import Place
from derive.tokens import Span
from derive.trees import Access, Call, Comparison, Factors, Literal, Name, Power, Statement, Terms, Tree
from derive.vocabulary import MATRIX_FUNCTIONS, RESERVED, WRITTEN


def read_use(scope: Scope, tree: Tree) -> None:
    """Read a part that stands for a number.

    Raises:
        DefinitionError: a name in it is used in a way in which it can not be.
    """
    match tree:
        case Name():
            _read_name(scope, tree)
        case Access():
            _read_access(scope, tree)
        case Call():
            _read_call(scope, tree)
        case Comparison():
            scope.comparisons.append(tree)
            for side in (tree.left, tree.right):
                if scope.is_index(side):
                    _read_index(scope, side)
                else:
                    read_use(scope, side)
        case Terms() | Factors() | Power():
            if isinstance(tree, Terms):
                check_hyphen(scope.source, scope.words, tree)
            for child in tree.children():
                read_use(scope, child)


def _read_name(scope: Scope, tree: Name) -> None:
    name = tree.name
    if name in scope.letters:
        problem = f"{name} is an index in this text, so it can not stand for a number too"
        expected = f"write an input with its values, such as at[{name}] for 0, 1, 2, ..., or name the number otherwise"
        raise scope.source.mistake(tree.at, problem, expected)
    if name in RESERVED and name != "pi":
        written = WRITTEN.get(name, f"{name}(x[n])")
        raise scope.source.mistake(tree.at, f"{name} is a function", f"write it with its arguments: {written}")
    if name == "pi" or name in scope.parameters:
        return
    if name[0].isupper() and name not in scope.named:
        scope.size_uses.append(tree)
        return
    scope.use(name, tree.at)
    scope.set_rank(name, 0, tree.at)


def _read_access(scope: Scope, tree: Access) -> None:
    at = Span(tree.at.offset, len(tree.name))
    scope.check_tensor_name(tree.name, at)
    scope.use(tree.name, at)
    scope.set_rank(tree.name, len(tree.entries), tree.at)
    letters = tuple(entry.name for entry in tree.entries if isinstance(entry, Name))
    if len(set(letters)) == len(tree.entries):
        scope.written.setdefault(tree.name, letters)
    for axis, entry in enumerate(tree.entries):
        here, there = Place("axis", tree.name, axis), _read_index(scope, entry)
        if isinstance(entry, Name):
            scope.standing.setdefault(here, set()).add(entry.name)
        elif is_arithmetic(entry):
            scope.forms.append((here, entry.at, single_index(entry, scope.letters)))
        if there is not None:
            scope.sizes.unite(here, there, entry.at)
        elif isinstance(entry, Literal):
            scope.sizes.find(here)
            position = int(entry.value)
            if position >= scope.positions.get(here, (0, entry.at))[0]:
                scope.positions[here] = (position, entry.at)


def _read_call(scope: Scope, tree: Call) -> None:
    check_call(scope.source, scope.words, scope.letters, tree)
    if tree.name == "delta":
        left, right = (_read_index(scope, argument) for argument in tree.arguments)
        if left is not None and right is not None:
            scope.sizes.unite(left, right, tree.at)
    elif scope.is_binder(tree):
        for index in tree.arguments[1:]:
            check_bound(scope.source, scope.letters, scope.free_letters(tree.arguments[0]), tree, index)
        read_use(scope, tree.arguments[0])
        if tree.name in MATRIX_FUNCTIONS:
            _read_matrix(scope, tree)
    elif tree.name == "diff":
        _read_derivative(scope, tree)
    else:
        for argument in tree.arguments:
            read_use(scope, argument)


def _read_matrix(scope: Scope, tree: Call) -> None:
    """A matrix function's matrix is square, and what addresses an element runs over the same size."""
    _, row, column = tree.arguments
    rows = Place("index", row.name) if isinstance(row, Name) else None
    for entry in tree.entries:
        if isinstance(entry, Literal):
            expected = f"expected an index, as in {WRITTEN['inv']}"
            raise scope.source.unsupported(entry.at, "a number can not address an element of an inverse yet", expected)
    for place, at in ((_read_index(scope, index), index.at) for index in (column, *tree.entries)):
        if rows is not None and place is not None:
            scope.sizes.unite(rows, place, at)


def _read_derivative(scope: Scope, tree: Call) -> None:
    if not scope.is_problem:
        expected = "a derivative stands in a claim: diff(y[n,k], x[n,j]) = ..."
        raise scope.source.unsupported(tree.at, "an operation is not defined by a derivative yet", expected)
    body, element = tree.arguments
    if not isinstance(element, Access | Name) or (isinstance(element, Name) and element.name in scope.letters):
        expected = f"expected an element such as x[n,j]: {WRITTEN['diff']}"
        raise scope.source.mistake(element.at, "a derivative is taken by an element of a tensor", expected)
    read_use(scope, body)
    read_use(scope, element)


def check_indices(scope: Scope, statement: Statement) -> None:
    """Check that every index on the right is on the left or bound, and that none on the left is only bound.

    Raises:
        DefinitionError: one is not.
    """
    left = {index.name for index in statement.indices}
    _check_bound_or_left(scope, statement.right, left)
    free = scope.free_letters(statement.right)
    for part in statement.right.walk():
        bound = part.arguments[1:] if isinstance(part, Call) and scope.is_binder(part) else ()
        for index in bound:
            if isinstance(index, Name) and index.name not in free and index.name in left:
                shown = scope.shown(index.name)
                problem = f"index {shown} is on the left, and on the right it is only bound here"
                expected = f"take {shown} off the left, or let another letter be bound"
                raise scope.source.mistake(index.at, problem, expected)


def _check_bound_or_left(scope: Scope, tree: Tree, known: set[str]) -> None:
    """Check that every index is among the known ones, or bound by the call that it stands in."""
    if isinstance(tree, Name) and tree.name in scope.letters and tree.name not in known:
        problem = f"index {scope.shown(tree.name)} is neither on the left nor bound by a sum"
        letters = ", ".join(map(scope.shown, sorted(known)))
        expected = f"the indices known here are {letters}" if known else "no index is known here"
        raise scope.source.mistake(tree.at, problem, expected)
    if isinstance(tree, Call) and scope.is_binder(tree):
        bound = {index.name for index in tree.arguments[1:] if isinstance(index, Name)}
        _check_bound_or_left(scope, tree.arguments[0], known | bound)
        for entry in tree.entries:
            _check_bound_or_left(scope, entry, known)
    else:
        for child in tree.children():
            _check_bound_or_left(scope, child, known)


def _read_index(scope: Scope, tree: Tree) -> Place | None:
    """Read a part that stands in an index's place, and return what has the size it runs over."""
    match tree:
        case Name(name=name):
            return Place("index", name)
        case Literal():
            check_form(scope.source, tree, scope.letters)
            return None
        case Access(name=name):
            scope.labels.setdefault(name, tree.at)
            _read_access(scope, tree)
            return Place("values", name)
        case Call(name="argmax", arguments=arguments):
            _read_call(scope, tree)
            return Place("index", arguments[1].name) if isinstance(arguments[1], Name) else None
        case Terms(parts=((-1, Literal()),)):
            raise scope.source.mistake(tree.at, "an index is not negative", "positions are counted from 0")
        case Terms() | Factors() | Power():
            return _read_form(scope, tree)
    expected = "expected an index, an integer, a label such as t[n], or argmax(x[n,k], k)"
    raise scope.source.mistake(tree.at, "this can not stand in an index's place", expected)


def _read_form(scope: Scope, tree: Tree) -> Place | None:
    """Read index arithmetic; nothing has its size."""
    check_form(scope.source, tree, scope.letters)
    for part in tree.walk():
        if isinstance(part, Call):
            _read_call(scope, part)
    scope.running |= {name.name for name in names_in(tree)} & scope.letters.keys()
    scope.size_uses += [name for name in names_in(tree) if name.name not in {*scope.letters, *scope.parameters}]
    return None
