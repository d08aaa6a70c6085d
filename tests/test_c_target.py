"""C code: the numbers of the NumPy code in every case, no byte out of place, and a compiler that may not be there."""

from __future__ import annotations

import ctypes
import functools
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import mpmath
import numpy as np
import pytest
from lowering_cases import CASES, SIZES
from random_definitions import REAL, SMALL, WHOLE, Maker
from reference import evaluate

import codegen
from codegen import c_compiler
from codegen.c_compiler import FLAGS, CompilerError, find_compiler
from codegen.c_functions import helper_texts
from codegen.c_precisions import DOUBLE, FLOAT
from codegen.c_runtime import CBackward, CProgram
from codegen.c_source import c_file
from codegen.keeping import cached, operation_key
from codegen.lowering import lower
from codegen.program import Program
from codegen.runtime import Backward, forward
from codegen.verification import draw_sizes, outputs_of
from derive.__main__ import main
from derive.catalogue import find, records
from derive.errors import InputError
from derive.indices import Tensor
from derive.operation import Operation
from derive.pullback import pull_back

COMPILER = find_compiler()
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler: none of CC, cc, gcc, clang is there")
#: How far results may be from NumPy's, in units in the last place of the largest number of an array: 2 or 3 in most
#: operations, more where a difference such as 1 - h**2 with h near 1 loses digits in both.
ULPS = 256
#: How many definitions are drawn at random.
RANDOM = 100
#: The same for one elementary function, of its own value.
FUNCTION_ULPS = 5
WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Werror")
#: Operations whose loops differ: rows, columns, products, places that are computed, windows, several outputs.
FEW = ("softmax-cce softmax-cce-sparse layer-norm attention embedding max-pool2d lstm-cell gelu").split()
#: What is run under the sanitizers besides: inverses, solutions and determinants.
SYSTEMS = ("inv", "det", "multivariate-normal-nll")
SPECIAL = (np.nan, np.inf, -np.inf, 1e30, -1e30)


def draw(
    operation: Operation, rng: np.random.Generator, shape: tuple[int, ...], all_of: int, empty: int | None
) -> list[np.ndarray]:
    """Draw inputs; ``empty`` is the place of a size that is 0."""
    inputs = []
    sizes = {symbol: int(extent) for symbol, extent in draw_sizes(operation, all_of).items()}
    if empty is not None and sizes:
        sizes[list(sizes)[empty % len(sizes)]] = 0
    for tensor in operation.inputs:
        own = tuple(int(size.xreplace(sizes)) for size in tensor.sizes)
        if tensor in operation.settings and tensor.name not in operation.record.domain:
            inputs.append(np.array(float(operation.record.defaults[tensor.name])))
            continue
        if operation.is_elementwise and tensor not in operation.settings:
            own = shape
        if tensor.values is not None:
            inputs.append(rng.integers(0, max(1, int(tensor.values.xreplace(sizes))), own))
        else:
            low, high = operation.record.domain.get(tensor.name, (0.1, 0.9))
            inputs.append(np.asarray(rng.uniform(low, high, own)))
            if tensor.sizes[1:] and tensor.sizes[-1] == tensor.sizes[-2]:
                turned = [*np.roll(range(own[-1])[:4], 1), *range(own[-1])[4:]]
                inputs[-1] += 3 * np.eye(own[-1])[turned]  # Has an inverse, and rows that must be swapped.
    return inputs


class Pair:
    """An operation's passes in C beside those in NumPy."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        pullback = pull_back(operation)
        key = ("backward", operation_key(operation), None, (), True)  # Derived once for both.
        self.numpy_forward, self.numpy_backward = forward(operation), cached(key, lambda: Backward(pullback))
        self.c_backward = CBackward(pullback)
        self.forward: CProgram = self.c_backward.keeping
        self.backward: CProgram = self.c_backward.in_c

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], all_of: int, empty: int | None
    ) -> list[np.ndarray]:
        return draw(self.operation, rng, shape, all_of, empty)

    def compare(self, inputs: Sequence[np.ndarray], dtype: type, rng: np.random.Generator) -> Iterator[str]:
        """Say what differs between the two in one dtype."""
        given = [each.astype(dtype) if each.dtype.kind == "f" else each for each in inputs]
        with np.errstate(all="ignore"):
            try:
                output, saved = self.numpy_forward.with_saved(*given)
            except InputError as error:
                yield from self._refuses(given, str(error))
                return
            outputs = outputs_of(self.operation, output)
            made = self.forward.run(self.numpy_forward.fit(self.numpy_forward.complete(given, {})))
            yield from differences("output", made[: len(outputs)], outputs, dtype)
            known = dict(
                zip(
                    (tensor.name for tensor in self.operation.inputs),
                    self.numpy_forward.fit(self.numpy_forward.complete(given, {})),
                    strict=False,
                )
            )
            known |= dict(zip((tensor.name for tensor in self.forward.program.result_tensors), made, strict=True))
            known |= {name: saved[name] for name in self.numpy_backward.parameters}
            upstream = [np.asarray(rng.uniform(0.5, 1.0, np.shape(each)), dtype) for each in outputs]
            values = [known[name] for name in self.c_backward.saved]
            try:
                expected = self.numpy_backward(*upstream, **saved)
            except InputError as error:
                with pytest.raises(InputError, match=re.escape(str(error))):
                    self.backward.run(self.c_backward.fit([*upstream, *values]))
                return
            gradients = self.backward.run(self.c_backward.fit([*upstream, *values]))
            yield from differences("gradient", gradients, expected, dtype)

    def _refuses(self, given: Sequence[np.ndarray], problem: str) -> Iterator[str]:
        try:
            self.forward.run(self.numpy_forward.fit(self.numpy_forward.complete(given, {})))
        except InputError:
            return
        yield f"NumPy refuses ({problem}), C does not"


def differences(
    what: str, made: Sequence[np.ndarray], expected: Sequence[np.ndarray], dtype: type, most: float = ULPS
) -> Iterator[str]:
    """Say which arrays differ by more than so many units in the last place."""
    for place, (ours, theirs) in enumerate(zip(made, expected, strict=True)):
        theirs = np.asarray(theirs)
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            yield f"{what} {place}: {ours.dtype}{ours.shape}, expected {theirs.dtype}{theirs.shape}"
            continue
        finite = np.isfinite(theirs)
        if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True):
            yield f"{what} {place}: not the same infinities and NaN: {ours.ravel()[:6]}, {theirs.ravel()[:6]}"
            continue
        scale = np.max(np.abs(theirs[finite]), initial=np.finfo(dtype).tiny)
        with np.errstate(all="ignore"):
            error = np.max(np.abs(ours[finite] / scale - theirs[finite] / scale), initial=0.0) / np.finfo(dtype).eps
        if not error <= most:
            yield f"{what} {place}: {error:.0f} ulps"


@functools.lru_cache(maxsize=1)
def pairs() -> dict[str, Pair]:
    """Every operation of the catalogue, compiled together without optimisation, which takes long."""
    found = {name: Pair(find(name)) for name in records()}
    attach(found.values(), ("-std=c99", "-O0", "-fopenmp-simd", *WARNINGS))
    return found


def attach(given: Sequence[Pair], flags: tuple[str, ...], change=lambda text: text) -> None:
    """Compile functions in one file, and let their programs call these."""
    compile_together([program for pair in given for program in (pair.forward, pair.backward)], flags, change)


def compile_together(programs: Sequence[CProgram], flags: tuple[str, ...], change=lambda text: text) -> None:
    text = change(c_file([function for program in programs for function in program.functions.values()]))
    library = c_compiler._load(text, flags, tuple(c_compiler.compilers()), c_compiler.cache_folder())
    for program in programs:
        program.__dict__["_called"] = {key: getattr(library, each.name) for key, each in program.functions.items()}


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def cases(operation: Operation, rng: np.random.Generator) -> Iterator[list[np.ndarray]]:
    """Inputs of odd prime sizes, of size 1, and with each size 0."""
    yield draw(operation, rng, (7, 11), 0, None)
    yield draw(operation, rng, (1,), 1, None)
    if not operation.extents and not operation.parameters:
        for empty in range(1 if operation.is_elementwise else len(operation.sizes)):
            yield draw(operation, rng, (0, 3), 0, empty)


@needs_compiler
def test_every_operation_gives_numpys_numbers_without_a_warning(rng):
    """In float and double, on odd primes, size 1 and size 0; compiled with every warning an error."""
    found = []
    for name, pair in pairs().items():
        for inputs in cases(pair.operation, rng):
            for dtype in (np.float32, np.float64):
                shapes = [each.shape for each in inputs]
                found += [f"{name} {shapes}: {said}" for said in pair.compare(inputs, dtype, rng)]
    assert not found, "\n".join(found)


@needs_compiler
def test_infinities_nan_and_huge_numbers_are_numpys(rng):
    """One special number at a time in the first array of real numbers."""
    few = [Pair(find(name)) for name in FEW]
    attach(few, FLAGS)
    found = []
    for pair in few:
        for special in SPECIAL:
            inputs = pair.draw(rng, (7, 11), 0, None)
            first = next(place for place, each in enumerate(inputs) if each.dtype.kind == "f" and each.ndim)
            inputs[first].flat[rng.integers(inputs[first].size)] = special
            for dtype in (np.float32, np.float64):
                said = pair.compare(inputs, dtype, rng)
                found += [f"{pair.operation.name} with {special}, {dtype.__name__}: {each}" for each in said]
    assert not found, "\n".join(found)


@needs_compiler
@pytest.mark.parametrize(
    ("name", "line", "turned"),
    [
        ("softmax", "(dy[n * K + k] - dot)", "(dy[n * K + k] + dot)"),
        ("layer-norm", "(difference / sigma[n]) + b[k]", "(difference / sigma[n]) - b[k]"),
        ("layer-norm", "db[j] += dy[n * K + j]", "db[j] -= dy[n * K + j]"),
        ("gelu", "x[i] * normal_cdf_f(", "-x[i] * normal_cdf_f("),
        ("solve", "x[i * step + j] /=", "x[i * step + j] *="),
        ("inv", "to[j] -= m[p", "to[j] += m[p"),
        ("det", ": -a[k * n + k]", ": a[k * n + k]"),
    ],
)
def test_a_flipped_sign_is_noticed(name, line, turned, rng):
    """In the text of the functions for float, by the comparison that all operations are held to."""
    pair = Pair(find(name))

    def change(text: str) -> str:
        assert line in text
        return text.replace(line, turned, 1)

    attach([pair], ("-std=c99", "-O0", "-fopenmp-simd"), change)
    inputs = pair.draw(rng, (7, 11), 0, None)
    assert list(pair.compare(inputs, np.float32, rng))


SANITIZERS = Path(__file__).parent / "benchmarks" / "sanitizers.py"


@needs_compiler
def test_sanitizers_find_nothing():
    """On odd sizes, size 1 and size 0; the script runs the whole catalogue when it is given no names."""
    assert COMPILER is not None
    asked = [COMPILER, "-print-file-name=libasan.so"]
    if not Path(subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()).is_file():
        pytest.skip("the compiler has no address sanitizer that can be preloaded")
    done = subprocess.run(
        [sys.executable, str(SANITIZERS), *FEW, *SYSTEMS], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().endswith("clean"), done.stdout + done.stderr


# ---- elementary functions ----


REFERENCES = {
    "exp": (mpmath.exp, [(-80, 80), (-1, 1)]),
    "expm1": (mpmath.expm1, [(-30, 80), (-1e-3, 1e-3)]),
    "log": (mpmath.log, [(1e-30, 1e30), (0.5, 2)]),
    "log1p": (mpmath.log1p, [(-0.99, 3), (-1e-3, 1e-3)]),
    "tanh": (mpmath.tanh, [(-9, 9), (-0.1, 0.1)]),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), [(-80, 80), (-1, 1)]),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), [(-80, 80), (-1, 1)]),
    "softplus_tail": (lambda x: mpmath.log1p(mpmath.exp(-abs(x))), [(-80, 80), (-1, 1)]),
    "erf": (mpmath.erf, [(-5, 5), (-1, 1)]),
    "normal_cdf": (mpmath.ncdf, [(-1, 5)]),  # Below, 1 is nearly taken away from 1, as in NumPy.
}


def function_loops() -> str:
    """C text of a loop over each elementary function."""
    parts = ["#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"]
    for precision in (FLOAT, DOUBLE):
        loops = "".join(
            f"void all_{name}{precision.suffix}(const {precision.name} *restrict x, {precision.name} *restrict y, "
            f"ptrdiff_t n)\n{{\n    for (ptrdiff_t i = 0; i < n; i++)\n"
            f"        y[i] = {name}{precision.suffix}(x[i]);\n}}\n"
            for name in REFERENCES
        )
        parts += [*helper_texts(loops, precision), loops]
    return "\n".join(parts)


def apply(library: ctypes.CDLL, name: str, x: np.ndarray) -> np.ndarray:
    y, suffix = np.empty_like(x), "_f" if x.dtype == np.float32 else "_d"
    pointers = [ctypes.c_void_p(each.ctypes.data) for each in (x, y)]
    getattr(library, f"all_{name}{suffix}")(*pointers, ctypes.c_ssize_t(x.size))
    return y


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elementary_functions_are_right_to_a_few_ulps(dtype, rng):
    library = c_compiler.load_library(function_loops())
    for name, (reference, intervals) in REFERENCES.items():
        for low, high in intervals:
            x = rng.uniform(low, high, 300).astype(dtype)
            y = apply(library, name, x)
            with mpmath.workdps(40):
                exact = [reference(mpmath.mpf(float(each))) for each in x]
                errors = [
                    abs(float(mpmath.mpf(float(ours)) - right)) / float(np.spacing(dtype(abs(float(right)))))
                    for ours, right in zip(y, exact, strict=True)
                ]
            assert max(errors) <= FUNCTION_ULPS, (name, dtype, float(x[int(np.argmax(errors))]), max(errors))


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elementary_functions_at_the_edges(dtype):
    """Zeros, infinities, NaN, numbers next to 0, and where results overflow or underflow."""
    library = c_compiler.load_library(function_loops())
    tiny, edge = np.finfo(dtype).smallest_subnormal, 88.7 if dtype == np.float32 else 709.7
    x = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1, -1, tiny, -tiny, edge, 2 * edge, -edge, -2 * edge], dtype)
    with np.errstate(all="ignore"):
        decay = np.exp(-np.abs(x))
        expected = {
            "exp": np.exp(x),
            "expm1": np.expm1(x),
            "log": np.log(x),
            "log1p": np.log1p(x),
            "tanh": np.tanh(x),
            "sigmoid": np.where(x >= 0, dtype(1), decay) / (1 + decay),
            "softplus": np.logaddexp(x, dtype(0)),
            "softplus_tail": np.log1p(decay),
            "normal_cdf": np.array([mpmath.ncdf(float(each)) for each in x], dtype),
            "erf": np.array([mpmath.erf(float(each)) for each in x], dtype),
        }
    for name, theirs in expected.items():
        ours = apply(library, name, x)
        np.testing.assert_allclose(ours, theirs, rtol=4 * np.finfo(dtype).eps, atol=tiny, err_msg=name)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc tells which loops it vectorises, and is not there")
def test_elementary_functions_are_vectorised(tmp_path):
    source = tmp_path / "all.c"
    source.write_text(function_loops())
    command = ["gcc", *c_compiler.flags(), "-fopt-info-vec-optimized", "-c", str(source), "-o", str(tmp_path / "all.o")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    done = {int(found[1]) for found in re.finditer(r"all\.c:(\d+):\d+: optimized: loop vectorized", told)}
    loops = [place for place, line in enumerate(source.read_text().splitlines(), 1) if "for (" in line]
    assert set(loops) <= done


def test_polynomials_are_interpolations():
    """The coefficients are those of the interpolation at Chebyshev's points, to their last digits."""
    half, ratio = mpmath.log(2) / 2 * mpmath.mpf("1.01"), (mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)

    def log_part(z):
        s = mpmath.sqrt(z)
        return (mpmath.log((1 + s) / (1 - s)) - 2 * s) / s**3

    functions = {
        "E": (lambda r: (mpmath.exp(r) - 1 - r) / r**2, -half, half),
        "L": (log_part, 0, ratio**2 * mpmath.mpf("1.01")),
        "P": (lambda u: mpmath.erf(mpmath.sqrt(u)) / mpmath.sqrt(u), 0, 1),
        "U": (log_part, 0, mpmath.mpf("1.01") / 9),
    }
    with mpmath.workdps(60):
        for precision, most in ((FLOAT, 1e-6), (DOUBLE, 1e-15)):
            for name, coefficients in precision.polynomials.items():
                if name in functions:
                    function, low, high = functions[name]
                    for step in range(1, 20):
                        at = low + (high - low) * mpmath.mpf(step) / mpmath.mpf("20.3")
                        value = mpmath.polyval([mpmath.mpf(each) for each in coefficients], at)
                        assert abs(value / function(at) - 1) < most, (precision.name, name)


# ---- the interface ----


@needs_compiler
@pytest.mark.parametrize("name", ["sum", "logsumexp", "softmax", "layer-norm", "softmax-cce", "softmax-cce-sparse"])
def test_one_sample_needs_no_leading_axis_in_c(name, rng):
    inputs = [each[0] if np.ndim(each) > 1 else each for each in draw(find(name), rng, (1, 5), 1, None)]
    if name == "softmax-cce-sparse":
        inputs[1] = inputs[1][0]
    found = []
    for target in ("numpy", "c"):
        output, saved = codegen.forward(name, target=target).with_saved(*inputs)
        gradients = codegen.backward(name, target=target)(np.ones_like(output), **saved)
        found.append([output, *gradients])
    for ours, theirs in zip(*found, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@needs_compiler
def test_a_backward_pass_in_c_is_called_as_one_in_numpy():
    x, dy = np.array([[1.0, 2.0, 4.0]], np.float32), np.array([[1.0, 0.0, -1.0]], np.float32)
    output, saved = codegen.forward("softmax", target="c").with_saved(x)
    gradient = codegen.backward("softmax", target="c")
    (dx,) = gradient(dy, **saved)
    assert dx.dtype == np.float32 and not np.shares_memory(dx, dy)
    np.testing.assert_allclose(dx, codegen.backward("softmax")(dy, y=output)[0], rtol=1e-6)
    assert "void softmax_backward_f(" in gradient.source and "return" not in dir(gradient)
    strided = np.asfortranarray(np.repeat(dy, 4, axis=0))[::2]
    np.testing.assert_allclose(gradient(strided, y=np.repeat(output, 2, axis=0))[0], np.repeat(dx, 2, axis=0))
    shifted = np.frombuffer(b"." + dy.tobytes(), np.uint8)[1:].view(np.float32).reshape(1, 3)
    assert not shifted.flags.aligned
    np.testing.assert_array_equal(gradient(shifted, y=output)[0], dx)
    three = gradient(dy.reshape(1, 1, 3), y=output.reshape(1, 1, 3))[0]
    assert three.shape == (1, 1, 3)


@needs_compiler
def test_inputs_are_checked_as_for_numpy():
    gradient = codegen.backward("softmax", target="c")
    with pytest.raises(InputError, match="index k has size"):
        gradient(np.ones((2, 3)), y=np.ones((2, 4)))
    with pytest.raises(InputError, match="float32 and float64"):
        gradient(np.ones((2, 3), np.float16), y=np.ones((2, 3), np.float16))


@needs_compiler
def test_operands_broadcast_and_gradients_are_summed_back():
    a, b = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 3.0])
    output, saved = codegen.forward("mul", target="c").with_saved(a, b)
    da, db = codegen.backward("mul", target="c")(np.ones((2, 3)), **saved)
    np.testing.assert_array_equal(output, a * b)
    np.testing.assert_array_equal(da, np.broadcast_to(b, (2, 3)))
    np.testing.assert_array_equal(db, a.sum(axis=0))


def test_what_is_not_served_is_said():
    with pytest.raises(InputError, match="unknown target 'fortran'"):
        codegen.backward("softmax", target="fortran")


def test_a_file_has_no_size_in_it_and_says_what_it_computes():
    text = codegen.source("layer-norm", target="c")
    assert "dx[n,k] = (dxhat[n,k] - (sum(dxhat[n,j], j)" in re.sub(r"\s*\n \*\s*", " ", text)
    assert max(map(len, text.splitlines())) <= 120
    assert "malloc" not in text and "restrict" in text and "#pragma omp parallel for" in text


@needs_compiler
def test_no_loop_ends_at_a_number_that_the_definition_has_not():
    for name, pair in pairs().items():
        own = {size for tensor in pair.operation.inputs for size in tensor.sizes if size.is_Integer}
        for program in (pair.forward, pair.backward):
            bounds = re.findall(r"for \(.*?; \w+ < (.*?); ", program.source)
            assert {int(bound) for bound in bounds if bound.isdecimal()} <= own, name


def test_parts_of_a_stack_are_written_one_after_the_other():
    text = codegen.source("lstm-cell", target="c")
    assert text.count("const float dc =") == 1
    assert all(f"dz[(n * 4 + {gate}) * K + k] = " in text for gate in (1, 2, 3))


@pytest.mark.parametrize("command", ["no-such-compiler", "false"])
def test_a_compiler_that_fails_is_named(command, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", f"{command} --option")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(c_compiler, "COMPILERS", ())
    with pytest.raises(CompilerError, match=rf"(?s)target c needs a C compiler.*{command}"):
        c_compiler.load_library("int no_such_thing_1;\n")
    assert not list(tmp_path.rglob("*.so"))


@needs_compiler
def test_what_the_compiler_says_is_shown(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(CompilerError, match="error"):
        c_compiler.load_library("this is no C;\n")


@needs_compiler
def test_a_library_is_compiled_once(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text = "double twice(double x) { return 2 * x; }\n"
    c_compiler.load_library(text)
    (library,) = (tmp_path / "derivegen").glob("*.so")
    before = library.stat().st_mtime_ns
    c_compiler._load.cache_clear()
    c_compiler.load_library(text)
    assert library.stat().st_mtime_ns == before
    monkeypatch.setenv(c_compiler.MORE_FLAGS, "-DTWICE")
    c_compiler.load_library(text)
    assert len(list((tmp_path / "derivegen").glob("*.so"))) == 2
    assert not list((tmp_path / "derivegen").glob("making-*"))


def _load_there(text: str) -> int:
    library = c_compiler.load_library(text)
    return int(library.seven())


@needs_compiler
def test_two_processes_may_compile_the_same_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    script = textwrap.dedent("""\
        from codegen import c_compiler
        print(c_compiler.load_library("int seven(void) { return 7; }\\n").seven())
    """)
    root = str(Path(codegen.__file__).parent.parent)
    started = [
        subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [each.communicate()[0].strip() for each in started] == ["7", "7"]
    assert len(list((tmp_path / "derivegen").glob("*.so"))) == 1


def test_the_command_line_writes_a_file(tmp_path, capsys):
    file = tmp_path / "f.c"
    assert main(["code", "softmax", "--target", "c", "-o", str(file)]) == 0
    assert "void softmax_backward_d(" in file.read_text("utf-8")
    assert main(["code", "softmax", "--target", "cobol"]) == 2
    assert "unknown target 'cobol'" in capsys.readouterr().err


@needs_compiler
def test_given_facts_and_one_gradient_alone():
    fact = "sum(t[n,k], k) = 1"
    z, t = np.array([[0.5, -1.0, 2.0]]), np.array([[0.0, 1.0, 0.0]])
    _, saved = codegen.forward("softmax-cce", target="c").with_saved(z, t, wrt=["z"], given=[fact])
    gradient = codegen.backward("softmax-cce", ["z"], [fact], target="c")
    assert gradient.results == ("z",) and gradient.assumptions
    expected = np.exp(z) / np.exp(z).sum() - t
    np.testing.assert_allclose(gradient(1.0, **saved)[0], expected, rtol=1e-14)


# ---- programs that no operation of the catalogue has ----


class Plain:
    """What a call of a program needs to know of an operation: that it is none."""

    is_elementwise, name, sizes = False, "case", ()

    @staticmethod
    def leads(tensor: Tensor) -> bool:
        return False


def run_all(programs: dict[str, Program], arrays: dict[str, list[np.ndarray]]) -> dict[str, tuple[np.ndarray, ...]]:
    """Compile programs in one file and run each with its arrays."""
    made = {name: CProgram(Plain, program, f"f{at}", ["."]) for at, (name, program) in enumerate(programs.items())}
    text = c_file([function for each in made.values() for function in each.functions.values()])
    flags = ("-std=c99", "-O0", "-fopenmp-simd", *WARNINGS)
    library = c_compiler._load(text, flags, tuple(c_compiler.compilers()), c_compiler.cache_folder())
    for each in made.values():
        each.__dict__["_called"] = {key: getattr(library, function.name) for key, function in each.functions.items()}
    return {name: each.run(arrays[name]) for name, each in made.items()}


@needs_compiler
def test_hand_written_cases_equal_the_reference():
    """The cases that the lowering is held to, on distinct sizes; those with results of shapes of their own apart."""
    cases = [case for case in CASES if not case.like]
    arrays = {case.name: case.draw(SIZES) for case in cases}
    given = {case.name: [arrays[case.name][tensor] for tensor in case.arguments] for case in cases}
    found = run_all({case.name: case.program() for case in cases}, given)
    for case in cases:
        expected = evaluate(case.made, arrays[case.name], SIZES)
        for tensor, ours in zip(case.results, found[case.name], strict=True):
            np.testing.assert_allclose(ours, expected[tensor], rtol=1e-12, atol=1e-13, err_msg=case.name)


@needs_compiler
def test_random_definitions_equal_the_reference():
    """Expressions drawn at random, each program with every kind of place, sum, maximum and choice."""
    programs, arrays, expected = {}, {}, {}
    for seed in range(RANDOM):
        rng = np.random.default_rng(seed)
        definitions = Maker(seed).definitions()
        known = {tensor: np.asarray(rng.uniform(-1, 1, [SMALL[each] for each in tensor.sizes])) for tensor in REAL}
        for tensor in WHOLE:
            known[tensor] = np.asarray(rng.integers(0, SMALL[tensor.values], [SMALL[each] for each in tensor.sizes]))
        result = definitions[-1].tensor
        programs[str(seed)] = lower(definitions, list(known), [result])
        arrays[str(seed)] = list(known.values())
        expected[str(seed)] = evaluate(definitions, known, SMALL)[result]
    for seed, (ours,) in run_all(programs, arrays).items():
        np.testing.assert_allclose(ours, expected[seed], rtol=1e-9, atol=1e-9, err_msg=f"seed {seed}")


def test_sums_over_samples_go_from_row_to_row_and_not_down_columns():
    """No loop over samples stands inside one over a row's numbers: the next number lies beside the last one."""
    text = codegen.source("batch-norm", target="c")
    assert re.search(r"n < N; n\+\+\) \{\n#pragma omp simd\n +for \(ptrdiff_t k", text)
    assert not re.search(r"k < K; k\+\+\) \{[^}]*n < N", text)


def test_sizes_come_in_one_order_forward_and_backward():
    for name in ("dense", "attention", "softmax-cce", "lstm-cell"):
        text = codegen.source(name, target="c")
        stem = name.replace("-", "_")
        found = [re.search(rf"void {stem}_{way}_f\(((?:ptrdiff_t \w+,\s*)+)", text) for way in ("forward", "backward")]
        orders = [re.findall(r"ptrdiff_t (\w+)", each.group(1)) for each in found if each is not None]
        assert len(orders) == 2
        assert [size for size in orders[1] if size in orders[0]] == [size for size in orders[0] if size in orders[1]]
