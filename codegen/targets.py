"""Passes and files in the language that is asked for: NumPy, or C."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import hessians, modules, runtime
from codegen.c_modules import CHessian, CHessianVector, c_module
from codegen.c_runtime import CForward, backward_pass
from codegen.hessians import Hessian, HessianVector
from codegen.keeping import cached, operation_key
from codegen.runtime import Backward, Forward, Given
from derive.catalogue import find
from derive.errors import InputError
from derive.notation import BAR
from derive.operation import Derived, Operation
from derive.second_derivatives import Op

#: What a target is called.
NUMPY, C = "numpy", "c"


def forward(op: str | Operation | Derived, *, target: str = NUMPY) -> Forward:
    r"""Return the forward pass as a function of NumPy arrays in the definition's order.

    Of several outputs it returns a tuple.

    Exponentials under a sum are shifted by their maximum where that cancels, and no logarithm is taken of what they
    underflowed to; what no shift can help is computed as it is written.

    Args:
        op: a catalogue name, a definition's text or an ``Operation``.
        target: ``"numpy"``, or ``"c"`` for C that the system's compiler compiles when the function is first called.

    Shapes: those of the definition; an elementwise operation takes arrays of any shapes that broadcast. Settings, such
        as a slope, are numbers; they come last or by name, and may be left out.

    Raises:
        InputError: an unknown name; when called, arrays that do not fit; for C, no compiler.
        UnsupportedError: the definition needs what code can not be generated for.

    Example:
        >>> forward("softmax")([[0.0, 0.0]])
        array([[0.5, 0.5]])
    """
    if not _is_c(target):
        return runtime.forward(op)
    operation = find(op)
    return cached(("forward in c", operation_key(operation)), lambda: CForward(operation))


def backward(
    op: str | Operation | Derived,
    wrt: Sequence[str] | None = None,
    given: Given = (),
    *,
    fuse: bool = True,
    target: str = NUMPY,
) -> Backward:
    r"""Return the backward pass: a function of the upstream gradient and, by name, the values it needs.

    Of several outputs each has its upstream gradient, in their order: ``f(dh, dc, **saved)``. What comes in through an
    output does not count what comes through the others: of c in h = o tanh(c) it is the loss's derivative with h held.
    No Jacobian is built and no sample is looped over. ``.saved`` lists the names.

    Args:
        op: a catalogue name, a definition's text or an ``Operation``.
        wrt: the inputs to differentiate by, all differentiable ones when left out.
        given: facts that may be used, such as ``"sum(t[n,k], k) = 1"``.
        fuse: derive the operation as one where that is shorter.
        target: ``"numpy"``, or ``"c"`` for C that the system's compiler compiles when the function is first called.

    Raises:
        InputError: an unknown name; when called, arrays that do not fit; for C, no compiler.
        ImpossibleError: a derivative by integers is asked for.

    Example:
        >>> backward("mul").saved
        ('a', 'b')
        >>> da, db = backward("mul")(1.0, a=2.0, b=3.0)
        >>> float(da), float(db)
        (3.0, 2.0)
    """
    if not _is_c(target):
        return runtime.backward(op, wrt, given, fuse=fuse)
    return backward_pass(find(op), wrt, given, fuse=fuse)


def hvp(loss: Op, wrt: str | Sequence[str] | None = None, given: Given = (), *, target: str = NUMPY) -> HessianVector:
    r"""Return the Hessian-vector product :math:`\sum_j \partial^2 L / \partial x_i \partial x_j \, v_j` as a function.

    The Hessian is never built, and the forward pass is part of it. With several inputs the function takes a direction
    for each and returns a product for each: the whole Hessian, mixed blocks included.

    Args:
        loss: a catalogue name, a definition's text, an operation or a derivation's result.
        wrt: the inputs to differentiate by, all differentiable ones when left out.
        given: facts that may be used, such as ``"sum(t[n,k], k) = 1"``.
        target: ``"numpy"``, or ``"c"`` for C that the system's compiler compiles when the function is first called.

    Raises:
        InputError: no such operation or input; it is no loss; when called, arrays that do not fit; for C, no compiler.

    Example:
        >>> product = hvp("softmax-cce-sparse")
        >>> product([[1.0, 0.0]], [[0.0, 0.0]], [1])
        array([[ 0.25, -0.25]])
    """
    return hessians.hvp(loss, wrt, given, CHessianVector if _is_c(target) else HessianVector)


def hessian(loss: Op, wrt: str, wrt2: str | None = None, given: Given = (), *, target: str = NUMPY) -> Hessian:
    r"""Return the Hessian :math:`\partial^2 L / \partial x_i \partial w_j` as a function of the inputs.

    It has as many entries as two inputs multiplied: for small cases. ``hvp`` is for large ones.

    Args:
        loss, wrt, wrt2, given: as for ``derive.hessian``.
        target: as for ``hvp``.

    Raises:
        InputError: as ``derive.hessian``; when called, arrays that do not fit; for C, no compiler.

    Example:
        >>> hessian("mse", "y")([[3.0, 1.0]], [[0.0, 0.0]])[0, 0]
        array([[1., 0.]])
    """
    return hessians.hessian(loss, wrt, wrt2, given, CHessian if _is_c(target) else Hessian)


def source(
    *ops: str | Operation | Derived,
    wrt: Sequence[str] | None = None,
    given: Given | None = None,
    hvp: Sequence[str] = (),
    target: str = NUMPY,
    notation: str = BAR.name,
) -> str:
    """Return a file with the forward and backward passes of operations: a module of NumPy alone, or C99.

    A forward function returns, after the output, what the backward function needs beside inputs and output.

    Args:
        ops: catalogue names, definitions' texts or operations.
        wrt: the inputs to differentiate by, all differentiable ones when left out.
        given: facts that may be used. Where it is left out, of a network what its loss says of usual labels, and of
            anything else nothing.
        hvp: inputs of losses; of each loss that has them, its Hessian-vector product by them is in the module, too.
        target: ``"numpy"`` or ``"c"``.
        notation: what gradients are called: ``"bar"`` for dy, dx, dw; ``"notebook"`` for dvalues, dinputs, dweights,
            dbiases; ``"leibniz"`` for dL_dy, dL_dx. The functions are the same.

    Raises:
        InputError: an unknown name or notation, or no name; ``hvp`` names what is no input of a loss.

    Example:
        >>> print(source("mul").partition("def mul_forward")[2].splitlines()[-1])
            return da, db
        >>> "da[i] = dy[i] * b[i];" in source("mul", target="c")
        True
        >>> print(source("dense", notation="notebook").splitlines()[-1].strip())
        return dinputs.reshape(shape), dweights, dbiases
    """
    if not _is_c(target):
        return modules.source(*ops, wrt=wrt, given=given, hvp=hvp, notation=notation)
    return c_module(list(map(find, ops)), given, notation, wrt, hvp)


def _is_c(target: str) -> bool:
    if target not in (NUMPY, C):
        raise InputError(f"unknown target {target!r}; there are: {NUMPY}, {C}")
    return target == C
