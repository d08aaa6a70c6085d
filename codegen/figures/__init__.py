"""Pictures: the graph of a computation with values and gradients, curves, Jacobians, training and its regions."""

from codegen.figures.picture import Picture as Picture
