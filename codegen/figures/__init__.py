"""Pictures of operations, drawn with matplotlib; what is shown is also said, in the ``alt`` of every picture."""

from codegen.figures.picture import Picture

__all__ = ["Picture"]
