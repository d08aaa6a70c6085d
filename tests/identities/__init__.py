"""Identities of the field as a textbook states them, each with false twins: the mistakes that people make. Data only.

``tests/test_identities.py`` proves each case and refutes each twin; ``tests/benchmarks/proofs.py`` times them and
writes them into ``docs/proofs.md``.
"""

from dataclasses import replace

from identities import (
    attention,
    binary,
    cross_entropy,
    divergences,
    elementwise,
    kinks,
    linear,
    losses,
    normalisation,
    softmax,
    statistics,
)
from identities.case import Case, Twin

__all__ = ["CASES", "GROUPS", "Case", "Twin"]

GROUPS = {
    "softmax and cross-entropy": cross_entropy.CASES,
    "binary cross-entropy": binary.CASES,
    "softmax": softmax.CASES,
    "elementwise functions": elementwise.CASES,
    "kinks": kinks.CASES,
    "normalisation": normalisation.CASES,
    "attention": attention.CASES,
    "linear maps": linear.CASES,
    "losses": losses.CASES,
    "divergences": divergences.CASES,
    "statistics": statistics.CASES,
}
CASES = tuple(replace(case, group=group) for group, cases in GROUPS.items() for case in cases)
