"""Pictures: the graph of a computation with values and gradients, curves, Jacobians.

>>> from codegen import figures
>>> figures.curve("tanh").title
'tanh and its derivative'
"""

from codegen.figures.graphs import backward_steps as backward_steps
from codegen.figures.graphs import graph as graph
from codegen.figures.jacobians import jacobian as jacobian
from codegen.figures.picture import Picture as Picture
from codegen.figures.slopes import curve as curve
