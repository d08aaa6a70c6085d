"""Golden files: the emitted text of some operations, kept to be read, compared byte for byte, and run as it stands.

``pytest tests/test_golden.py -n0 --update-golden`` writes them anew.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from reference import evaluate
from test_c_target import COMPILER, Pair, differences, needs_compiler

import codegen
from codegen import c_compiler
from derive.catalogue import find
from derive.indices import INCOMING
from derive.notation import find_notation

GOLDEN = Path(__file__).with_name("golden")
NAMES = (
    "dense relu softmax cce softmax-cce softmax-cce-sparse bce-logits gelu silu layer-norm rms-norm attention "
    "lstm-cell solve-columns"
).split()
ENDINGS = {"numpy": "py", "c": "c"}
#: How far the results of the C files may be from those of the NumPy files, in units in the last place of the largest
#: number of an array, in float and in double.
ULPS = 16
FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Wno-unknown-pragmas")


def path_of(name: str, target: str) -> Path:
    return GOLDEN / f"{name.replace('-', '_')}.{ENDINGS[target]}"


@functools.cache
def pair(name: str) -> Pair:
    return Pair(find(name))


def module_of(text: str, name: str) -> types.ModuleType:
    """Return a golden file's text as a module."""
    module = types.ModuleType(f"golden_{name.replace('-', '_')}")
    exec(compile(text, str(path_of(name, "numpy")), "exec"), module.__dict__)
    return module


def passes_of(module: types.ModuleType, name: str) -> tuple[Callable, Callable]:
    stem = name.replace("-", "_")
    return getattr(module, f"{stem}_forward"), getattr(module, f"{stem}_backward")


def returned(function: Callable) -> list[str]:
    """Return the names of what a function returns, as its docstring says."""
    said = inspect.getdoc(function).partition("Returns:\n")[2]
    return [line.split(":")[0].strip() for line in said.splitlines() if ":" in line]


def call(function: Callable, known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Call a function with arguments by name, and name its results."""
    names = inspect.signature(function).parameters
    results = function(**{name: known[name] for name in names if name in known})
    results = results if isinstance(results, tuple) else (results,)
    return dict(zip(returned(function), results, strict=True))


class Run:
    """What a golden NumPy file makes of inputs that are drawn."""

    def __init__(self, name: str, dtype: type = np.float64) -> None:
        rng, operation = np.random.default_rng(7), find(name)
        drawn = pair(name).draw(rng, (5, 3), 0, None)
        inputs = []
        for tensor, each in zip(operation.inputs, drawn, strict=True):
            if each.dtype.kind == "f":
                is_free = tensor not in operation.settings and tensor.name not in operation.record.domain
                each = (each * rng.choice([-1, 1], each.shape) if is_free else each).astype(dtype)
            inputs.append(each)
        self.operation = operation
        self.inputs = dict(zip((tensor.name for tensor in operation.inputs), inputs, strict=True))
        self.numbers = [name for name, value in self.inputs.items() if value.dtype.kind == "f"]
        self.outputs = [each.tensor.name for each in operation.outputs]
        self.rng, self.dtype = rng, dtype

    def forward(self, module: types.ModuleType) -> dict[str, np.ndarray]:
        return call(passes_of(module, self.operation.name)[0], self.inputs)

    def upstream(self, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            f"d{tensor.name}_out" if tensor.role == INCOMING else f"d{tensor.name}": np.asarray(
                self.rng.uniform(0.5, 1.0, np.shape(made[tensor.name])), self.dtype
            )
            for tensor in self.operation.upstreams
        }


def wrong(module: types.ModuleType, name: str) -> Iterator[str]:
    """Say what a module gets wrong: its forward pass by the definition, its backward pass by central differences."""
    run = Run(name)
    forward, backward = passes_of(module, name)
    with np.errstate(all="ignore"):
        made = run.forward(module)
        expected = expected_outputs(run)
        for output, value in expected.items():
            if not np.allclose(made[output], value, rtol=1e-12, atol=1e-13):
                yield f"{output} is not what the definition says"
        upstream = run.upstream(made)
        gradients = call(backward, {**run.inputs, **made, **upstream})

        def loss(inputs: dict[str, np.ndarray]) -> float:
            outputs = call(forward, inputs)
            pairs = zip(upstream.values(), run.outputs, strict=True)
            return sum(float(np.sum(weight * outputs[output])) for weight, output in pairs)

        step = 1e-5
        for input_name in run.numbers:
            if f"d{input_name}" not in gradients:
                continue
            gradient, at = gradients[f"d{input_name}"], run.inputs[input_name]
            if np.shape(gradient) != at.shape:
                yield f"d{input_name} has the shape {np.shape(gradient)}, not {at.shape}"
                continue
            for _ in range(2):
                way = run.rng.uniform(-1, 1, at.shape)
                ends = [loss({**run.inputs, input_name: at + sign * step * way}) for sign in (1, -1)]
                slope = (ends[0] - ends[1]) / (2 * step)
                if not np.isclose(np.sum(gradient * way), slope, rtol=1e-6, atol=1e-8):
                    yield f"d{input_name} is not the slope"


def expected_outputs(run: Run) -> dict[str, np.ndarray]:
    """Return the outputs as the definition, evaluated sum by sum, gives them."""
    operation = run.operation
    if operation.is_elementwise:
        return {}
    tensors = {tensor: run.inputs[tensor.name] for tensor in operation.inputs}
    sizes = {
        size: extent
        for tensor, value in tensors.items()
        for size, extent in zip(tensor.sizes, value.shape, strict=True)
    }
    found = evaluate(operation.definitions, tensors, sizes)
    return {name: value for tensor, value in found.items() if (name := tensor.name) in run.outputs}


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("name", NAMES)
def test_emitted_text_is_the_golden_file(name, target, request):
    path, text = path_of(name, target), codegen.source(name, target=target)
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    assert path.read_bytes() == text.encode("utf-8"), f"{path.name} differs; --update-golden writes it anew"


@pytest.mark.parametrize("name", NAMES)
def test_golden_numpy_file_computes_what_it_says(name):
    module = module_of(path_of(name, "numpy").read_text("utf-8"), name)
    assert not list(wrong(module, name))
    assert {each for each, value in vars(module).items() if isinstance(value, types.ModuleType)} <= {"np"}


@pytest.mark.parametrize("notation", ["notebook", "leibniz"])
@pytest.mark.parametrize("name", NAMES)
def test_another_notation_changes_names_and_no_number(name, notation):
    golden = module_of(path_of(name, "numpy").read_text("utf-8"), name)
    text = codegen.source(name, notation=notation)
    _, backward = passes_of(module_of(text, name), name)
    run = Run(name)
    made = run.forward(golden)
    called = call(passes_of(golden, name)[1], known := {**run.inputs, **made, **run.upstream(made)})
    arguments = [known[argument] for argument in inspect.signature(passes_of(golden, name)[1]).parameters]
    results = backward(*arguments)
    results = results if isinstance(results, tuple) else (results,)
    bound = find_notation(notation, run.operation)
    assert returned(backward) == [bound.identifier(each[1:]) for each in called]
    assert next(iter(inspect.signature(backward).parameters)) == bound.identifier(run.outputs[0])
    for ours, theirs in zip(results, called.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@needs_compiler
@pytest.mark.parametrize("notation", ["notebook", "leibniz"])
def test_another_notation_in_c_compiles_to_the_same(notation):
    """But for names, and the lines that these are on, the text is the same."""
    text = codegen.source(*NAMES, target="c", notation=notation)
    c_compiler._load(text, FLAGS, tuple(c_compiler.compilers()), c_compiler.cache_folder())
    bars = codegen.source(*NAMES, target="c")
    shapes = [re.sub(r"\w+", "x", re.sub(r"/\*.*?\*/|\s", "", each, flags=re.S)) for each in (text, bars)]
    assert shapes[0] == shapes[1]


SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Mult}


def twins(text: str) -> Iterator[tuple[str, str]]:
    """Return a module's text with one operator of its backward pass turned, for every operator, and where that is."""
    backward = ast.parse(text).body[-1]
    count = sum(isinstance(node, ast.BinOp) for node in ast.walk(backward))
    for place in range(count):
        tree = ast.parse(text)
        node = [node for node in ast.walk(tree.body[-1]) if isinstance(node, ast.BinOp)][place]
        if type(node.op) in SWAPPED:
            node.op = SWAPPED[type(node.op)]()
            yield ast.unparse(tree), ast.unparse(node)


@pytest.mark.parametrize("name", NAMES)
def test_every_turned_operator_of_a_golden_backward_pass_is_noticed(name):
    unnoticed = []
    for text, turned in twins(path_of(name, "numpy").read_text("utf-8")):
        try:
            if not list(wrong(module_of(text, name), name)):
                unnoticed.append(turned)
        except (ValueError, IndexError):  # Shapes that do not fit are noticed, too.
            continue
    assert not unnoticed


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def apart(text: str, name: str) -> list[str]:
    """Say where the functions of a golden C file are not the golden NumPy file's."""
    module = module_of(path_of(name, "numpy").read_text("utf-8"), name)
    library = c_compiler._load(text, FLAGS, tuple(c_compiler.compilers()), c_compiler.cache_folder())
    both, said = pair(name), []
    forward, backward = both.forward, both.backward
    for program in (forward, backward):
        program.__dict__["_called"] = {key: getattr(library, each.name) for key, each in program.functions.items()}
    for dtype in (np.float32, np.float64):
        run = Run(name, dtype)
        made = run.forward(module)
        upstream = run.upstream(made)
        gradients = call(passes_of(module, name)[1], {**run.inputs, **made, **upstream})
        given = both.numpy_forward.fit(both.numpy_forward.complete(list(run.inputs.values()), {}))
        results = forward.run(given)
        said += differences("output", results[: len(run.outputs)], [made[each] for each in run.outputs], dtype, ULPS)
        names = [tensor.name for tensor in forward.program.result_tensors]
        known = {**run.inputs, **dict(zip(names, results, strict=True))}
        values = [*upstream.values(), *(known[each] for each in both.c_backward.saved)]
        said += differences(
            "gradient", backward.run(both.c_backward.fit(values)), list(gradients.values()), dtype, ULPS
        )
    return said


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_golden_c_file_gives_the_golden_numpy_files_numbers(name):
    assert COMPILER is not None
    assert not apart(path_of(name, "c").read_text("utf-8"), name)


@needs_compiler
def test_a_turned_operator_of_a_golden_c_file_is_noticed():
    text = path_of("softmax", "c").read_text("utf-8")
    for line in ("- dot)", "x[n * K + k] - row_max"):
        turned = line.replace("-", "+").replace("x[n * K + k] + row_max", "2 * x[n * K + k] - row_max")
        assert line in text
        assert apart(text.replace(line, turned), "softmax")
