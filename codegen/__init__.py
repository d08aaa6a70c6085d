"""The numeric half: NumPy functions and modules made from operations and their derived backward passes.

>>> import codegen
>>> output, pullback = codegen.vjp("y[n] = sum(a[n,i]**2, i)", [[1.0, 2.0]])
>>> pullback([1.0])
(array([[2., 4.]]),)
"""

from codegen import layers
from codegen.hessians import hessian, hvp
from codegen.runtime import vjp
from codegen.targets import backward, forward, source

__all__ = ["backward", "forward", "hessian", "hvp", "layers", "source", "vjp"]
