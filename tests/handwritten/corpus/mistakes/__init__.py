"""The mistakes people make in the implementations of the corpus: tables of what is replaced by what."""

from handwritten.corpus.mistakes import habits, layers, losses, modules, passes, sequences

TABLES = (layers.MISTAKES, losses.MISTAKES, modules.MISTAKES, passes.MISTAKES, sequences.MISTAKES, habits.MISTAKES)
CONVENTIONS = layers.CONVENTIONS
