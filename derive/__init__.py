r"""derivegen, the symbolic half: operations in index notation, their derivations and proofs about them.

    >>> import derive
    >>> print(derive.vjp("y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)", "x").text(steps=False))
    x̄[n,k] = y[n,k] (ȳ[n,k] - sum_j ȳ[n,j] y[n,j])

``codegen`` is the numeric half: NumPy functions and layers made from the same operations.
"""

from derive.catalogue import catalogue, find, operation, parse_fact
from derive.claims import prove
from derive.composition import compose as _compose
from derive.counterexamples import Counterexample
from derive.definitions import Definition
from derive.derivation import Derivation, Step
from derive.differentiation import differentiate
from derive.errors import DefinitionError, DeriveError, ImpossibleError, InputError, UnsupportedError
from derive.facts import Fact
from derive.functions import Maximum, Minimum, Where
from derive.gradient_claims import ClaimCheck, check_claim
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor, size
from derive.operation import Operation
from derive.printing import definition_text
from derive.proof import Proof, prove_equal
from derive.pullback import Pullback, by_parts, jacobian, pull_back, vjp
from derive.record import Record
from derive.rewriting import Simplified, simplify
from derive.second_derivatives import hessian, hvp, jvp
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, substitute

__version__ = "0.1.0"


def compose(*ops: str | Operation, name: str | None = None) -> Operation:
    """Return the operation that feeds each one's output to the next one's first input.

    Args:
        ops: catalogue names, definition texts or operations, the first to be computed first.

    Raises:
        InputError: an output has another number of axes than the input it feeds.

    Example:
        >>> [definition.target for definition in compose("dense", "relu").definitions]
        [z[n,k], y[n,k]]
    """
    return _compose(*map(find, ops), name=name)


__all__ = [
    "Bracket",
    "ClaimCheck",
    "Counterexample",
    "Definition",
    "DefinitionError",
    "Delta",
    "Derivation",
    "DeriveError",
    "Element",
    "Fact",
    "ImpossibleError",
    "Index",
    "IndexArgmax",
    "IndexMax",
    "IndexSum",
    "InputError",
    "Maximum",
    "Minimum",
    "Operation",
    "Partial",
    "Proof",
    "Pullback",
    "Record",
    "Simplified",
    "Step",
    "Tensor",
    "UnsupportedError",
    "Where",
    "by_parts",
    "catalogue",
    "check_claim",
    "compose",
    "definition_text",
    "differentiate",
    "find",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "operation",
    "parse_fact",
    "prove",
    "prove_equal",
    "pull_back",
    "simplify",
    "size",
    "substitute",
    "vjp",
]
