"""The text of a problem: definitions, facts and a claim about them, in which a name means one thing throughout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Expr

from derive.building import Builder
from derive.calls import Lookup, Words
from derive.definitions import Definition
from derive.demands import Demand
from derive.differentiation import with_totals
from derive.indices import Element
from derive.meanings import understand_problem
from derive.premises import Premise, make_premise
from derive.scopes import Scope
from derive.settling import settle
from derive.sums import Partial, rewrite
from derive.syntax import read_problem
from derive.tokens import Text

#: What stands between the parts: a line of its own, so that a mistake is shown in the line that has it.
BETWEEN = "\n;\n"


@dataclass(frozen=True)
class Problem:
    """What is claimed, and of what.

    Attributes:
        left, right: the claim's sides.
        demands: what must hold for all that was typed to be defined, cancelled by SymPy or not.
    """

    definitions: tuple[Definition, ...]
    premises: tuple[Premise, ...]
    left: Expr
    right: Expr
    demands: tuple[Demand, ...] = ()


def parse_problem(
    where: Iterable[str], given: Iterable[str], claim: str, lookup: Lookup | None = None, known: Iterable[str] = ()
) -> Problem:
    """Return what the texts of definitions, facts and a claim mean together.

    Raises:
        DefinitionError: a text has a mistake; it is shown with a caret under it.
        InputError: a fact is of no kind that can be used.

    Example:
        >>> parse_problem(["p[k] = a[k] / sum(a[j], j)"], ["sum(a[j], j) = 1"], "p[k] = a[k]").left
        p[k]
    """
    where, given = list(where), list(given)
    source = Text(BETWEEN.join([*where, *given, claim]))
    starts = [sum(len(part) + len(BETWEEN) for part in parts) for parts in (where, [*where, *given])]
    statements, facts, equation = read_problem(source, *starts)
    scope = Scope(source, Words(lookup, known))
    understand_problem(
        scope, statements, [side for relation in (*facts, equation) for side in (relation.left, relation.right)]
    )
    builder = Builder(scope, settle(scope, merged_sizes=True))
    definitions: list[Definition] = []
    for number, statement in enumerate(statements):
        if number in scope.calls:
            definitions.extend(builder.call(scope.calls[number], definitions).definitions)
        elif number not in scope.stated:
            definitions.append(builder.definition(statement.name, statement.indices, statement.right))
    before = len(builder.demands)
    premises = []
    for fact in facts:
        left, right = builder.sides(fact.left, fact.right)
        text = source.text[fact.at.offset : fact.at.offset + fact.at.length]
        premises.append(make_premise(fact.sign, left, right, " ".join(text.split())))
    del builder.demands[before:]
    left, right = (_total(side, definitions) for side in builder.sides(equation.left, equation.right))
    return Problem(tuple(definitions), tuple(premises), left, right, tuple(builder.demands))


def _total(side: Expr, definitions: list[Definition]) -> Expr:
    """Derivatives of expressions are made total: what is defined is put in, unless the derivative is by it."""

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Partial) or isinstance(node.body, (Element, Partial)):
            return None
        return with_totals(node, tuple(definitions))

    result: Expr = rewrite(side, change)
    return result
