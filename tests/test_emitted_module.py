"""The emitted module stands alone: it runs where only NumPy can be imported, and gives what codegen's functions do."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from test_catalogue import inputs_of

import codegen
import derive
from codegen.numpy_source import docstring_lines
from codegen.verification import outputs_of
from derive.errors import InputError
from derive.parsing import parse_operation
from derive.record import Record

#: Imports that fail as if nothing were installed but NumPy; then the emitted module's functions run on stored arrays.
CHILD = """
import sys

class Blockade:
    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        if root in ("numpy", "emitted") or root in sys.stdlib_module_names:
            return None
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blockade())
sys.path.insert(0, sys.argv[1])
absentees = ("sympy", "mpmath", "derive", "codegen", "matplotlib")
for absent in absentees:
    try:
        __import__(absent)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{absent} can be imported")

import warnings
warnings.simplefilter("error")
import numpy as np
import emitted

given, made = np.load(sys.argv[1] + "/given.npz"), {}
for function in sorted({key.split("/")[0] for key in given}):
    arguments = []
    while f"{function}/{len(arguments)}" in given:
        arguments.append(given[f"{function}/{len(arguments)}"])
        arguments[-1].flags.writeable = False
    results = getattr(emitted, function)(*arguments)
    for place, result in enumerate(results if isinstance(results, tuple) else (results,)):
        made[f"{function}/{place}"] = result
np.savez(sys.argv[1] + "/made.npz", **made)
print(sorted(sys.modules.keys() & set(absentees)))
"""

#: Whole numbers, which come back from a file as arrays, have tests of their own in test_convolution.py.
NAMES = [name for name, operation in derive.catalogue().items() if not operation.parameters]
#: The sizes of axes in turn: distinct primes, and all of them 1.
SIZES = [(5, 3, 7), (1, 1, 1)]


@pytest.mark.parametrize(("dtype", "sizes"), [(np.float32, SIZES[0]), (np.float64, SIZES[1])], ids=["primes", "ones"])
def test_module_runs_where_sympy_is_not_installed(tmp_path: Path, sizes: tuple[int, ...], dtype: type) -> None:
    given: dict[str, np.ndarray] = {}
    expected: dict[str, Any] = {}
    for name in NAMES:
        operation = derive.catalogue()[name]
        inputs = inputs_of(name, sizes, dtype)
        output, saved = codegen.forward(name).with_saved(*inputs)
        outputs = outputs_of(operation, output)
        upstream = [np.full(np.shape(each), 1.5, dtype) for each in outputs]
        backward = codegen.backward(name)
        stem = name.replace("-", "_")
        given |= {f"{stem}_forward/{place}": value for place, value in enumerate(inputs)}
        arguments = [*upstream, *(saved[key] for key in backward.saved)]
        given |= {f"{stem}_backward/{place}": value for place, value in enumerate(arguments)}
        expected |= {f"{stem}_forward/{place}": value for place, value in enumerate(outputs)}
        gradients = backward(*upstream, **saved)
        expected |= {f"{stem}_backward/{place}": value for place, value in enumerate(gradients)}
    (tmp_path / "emitted.py").write_text(codegen.source(*NAMES), "utf-8")
    (tmp_path / "child.py").write_text(CHILD, "utf-8")
    np.savez(tmp_path / "given.npz", **given)
    child = subprocess.run(
        [sys.executable, str(tmp_path / "child.py"), str(tmp_path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert child.stderr == ""
    assert (child.returncode, child.stdout) == (0, "[]\n")
    with np.load(tmp_path / "made.npz") as made:
        assert made.keys() >= expected.keys()
        for key, value in expected.items():
            assert made[key].dtype == dtype, key
            assert made[key].shape == np.shape(value), key
            assert_allclose(made[key], value, rtol=1e-5 if value.dtype == np.float32 else 1e-14, err_msg=key)


@pytest.mark.parametrize("names", [("softmax", "cce"), ("softmax-cce-sparse",), tuple(NAMES)], ids="+".join)
def test_module_imports_numpy_alone(names: tuple[str, ...]) -> None:
    tree = ast.parse(codegen.source(*names))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in statements] == ["import numpy as np"]


def test_importing_a_module_imports_numpy_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "emitted.py").write_text(codegen.source(*derive.catalogue()), "utf-8")
    command = [sys.executable, "-X", "importtime", "-c", "import emitted"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    roots = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines()}
    assert {"numpy", "emitted"} <= roots
    assert not roots & {"sympy", "mpmath", "derive", "codegen", "matplotlib"}


#: What is called with a shape.
MAKE_SHAPES = ("reshape", "zeros", "ones", "full", "empty", "arange", "broadcast_to", "eye")


@pytest.mark.parametrize("name", derive.catalogue())
def test_no_pass_loops_over_samples_or_knows_a_size(name: str) -> None:
    """Sizes that are in the definition, such as four gates, may stand in the code."""
    operation = derive.catalogue()[name]
    own = {int(size) for tensor in operation.inputs for size in tensor.sizes if size.is_Integer}
    tree = ast.parse(codegen.source(name))
    passes = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert len(passes) == 2
    for node in (node for each in passes for node in ast.walk(each)):
        assert not isinstance(node, ast.For | ast.While | ast.comprehension)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAKE_SHAPES:
            parts = [each for part in node.args for each in ast.walk(part)]
            numbers = {each.value for each in parts if isinstance(each, ast.Constant)}
            assert numbers <= {-1, 0, 1, *own} | axes_of(node), ast.unparse(node)


def axes_of(call: ast.Call) -> set[object]:
    """Return the numbers that pick an axis's size or a part of a shape."""
    picked = [node.slice for node in ast.walk(call) if isinstance(node, ast.Subscript)]
    return {each.value for part in picked for each in ast.walk(part) if isinstance(each, ast.Constant)}


@pytest.mark.parametrize("names", [("softmax", "cce"), tuple(NAMES)], ids="+".join)
def test_module_loops_over_nothing_and_says_its_formulas(names: tuple[str, ...]) -> None:
    tree = ast.parse(codegen.source(*names))
    loops = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in names:
        for direction in ("forward", "backward"):
            function = functions[f"{name.replace('-', '_')}_{direction}"]
            assert not [node for node in ast.walk(function) if isinstance(node, loops)]
            text = ast.get_docstring(function) or ""
            assert "=" in text
            for tensor in derive.catalogue()[name].inputs:
                assert tensor.name in text


def test_backward_pass_of_softmax_reads_as_written_by_hand() -> None:
    lines = codegen.source("softmax").splitlines()
    assert lines[-1] == "    return y * (dy - np.vecdot(dy, y, keepdims=True))"


@pytest.mark.parametrize("said", ['a"""; print("X"); """', 'ends in a quote "', "back\\slash", '\\"""\n1/0'])
def test_what_a_user_says_stays_in_the_docstring(said: str) -> None:
    operation = derive.operation("y = x*x + a*x", name="f")
    spoken = replace(operation, record=replace(operation.record, title=said, source=said))
    tree = ast.parse(codegen.source(spoken))
    assert {type(node) for node in tree.body} == {ast.Expr, ast.Import, ast.FunctionDef}
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        assert isinstance(function.body[0], ast.Expr)
        assert not any(isinstance(node, ast.Expr) for node in function.body[1:])
    (alone,) = ast.parse("\n".join(docstring_lines([said], ""))).body
    assert isinstance(alone, ast.Expr)


def test_a_default_is_a_number() -> None:
    with pytest.raises(InputError, match="must be a number"):
        parse_operation("y = a*x", record=Record("f", "y = a*x", defaults={"a": "print('X') or 2"}))
    assert parse_operation("y = a*x", record=Record("f", "y = a*x", defaults={"a": "-1e-5"})).settings
