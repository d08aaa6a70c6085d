"""Imports run one way: down each list below and from codegen to derive; read from the import statements themselves."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: A module imports only modules above it in its list, and those of the packages that its package may import.
ORDERS = {
    "derive": """
        errors files budget precision tokens trees sizes syntax limits indices index_arithmetic indicators sums
        functions matrices canonical matrix_rules affine extents demands definitions record operation leading
        environment arithmetic evaluators evaluation instantiation letters vocabulary forms calls scopes uses
        meanings size_names settling building necks signs polynomials factoring division algebra reindexing
        generators facts contractions normal_form inequalities cases vanishing intervals premises regions names
        notation layout phrases reading rephrasing writing typesetting latex markup mathml_rows mathml printing
        domains kinks differentiation problems parsing composition sampling gradient_operations derivation
        library arguments columns networks catalogue costs quotients solving absorbing trials folding rewriting
        counterexamples chain derivatives assumptions proof rendering exposition claims shifting stability
        pullback second_derivatives hessian_products pairs slips mistakes diagnosis gradients misreadings
        gradient_claims verification __init__ options terminal verify_command commands check_command
        report_command plot_command train_command __main__
    """.split(),
    "codegen": """
        factoring elementary fitting helpers ops program program_checks building arithmetic contraction
        finishing indexing maxima numpy_printer numpy_maps splitting passes leading alignment products positions
        window_plans windowing summing naming docstrings numpy_windows numpy_sums numpy_matrices
        numpy_expressions scalar_functions blocks whole_numbers lowering reuse numpy_source loading keeping
        programs repeating numpy_function runtime hessians modules layer layer_kinds layers c_precisions
        c_matrices c_linear c_functions c_numbers c_systems c_program c_products c_saving c_loops c_texts
        c_cells c_expressions c_whole c_writer c_source c_compiler c_memory c_pointers c_calls c_runtime
        c_modules targets usual summaries stages fusions predictions networks optimisers datasets training
        checking verification phrases figures documents __init__ tour pages
    """.split(),
}
#: Imports inside a function, and why each is right.
LAZY = {
    ("codegen.documents.pictures", "codegen.figures"): "matplotlib takes time to import: what draws waits for it",
    ("codegen.documents.pictures", "codegen.figures.samples"): "the same",
    ("codegen.documents.pictures", "codegen.figures.slopes"): "the same",
    ("derive.indices", "derive.printing"): "a node prints itself through the printer, which is made of nodes",
    ("derive.operation", "derive.rendering"): "an operation shows itself through the renderers, made of operations",
    ("derive.proof", "derive.exposition"): "a proof shows itself through its steps, which are made of proofs",
    ("derive.derivation", "derive.rendering"): "a derivation shows itself through the renderers, made of derivations",
}


def modules(package: str) -> list[str]:
    """Return the dotted names of a package's modules; a module ``__init__`` has its package's name."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]


#: What reads and carries out what was typed.
COMMAND_LINE = {"derive.__main__", "derive.commands"} | {
    each for each in modules("derive") if each.endswith("_command")
}


def path_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(tree: ast.AST, *, inside_functions: bool) -> Iterator[str]:
    """Yield the dotted names that are imported, at the top or inside functions."""
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, inside = stack.pop()
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if inside == inside_functions:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, "imports are absolute"
                assert node.module is not None
                yield from (resolve(node.module, alias.name) for alias in node.names)
        stack.extend((child, inside) for child in ast.iter_child_nodes(node))


def resolve(module: str, name: str) -> str:
    """Return ``module.name`` where that is a module of the project and ``module`` where the name is a part of it."""
    dotted = f"{module}.{name}"
    return dotted if path_of(dotted).exists() else module


@cache
def imported_by(module: str, *, inside_functions: bool = False) -> frozenset[str]:
    return frozenset(imports(ast.parse(path_of(module).read_text("utf-8")), inside_functions=inside_functions))


def place(module: str) -> tuple[str, int] | None:
    """Return a module's package and its place in the order, or None for what is not the project's."""
    package, _, rest = module.partition(".")
    if package not in ORDERS:
        return None
    return package, ORDERS[package].index(rest.split(".")[0] or "__init__")


ALL = [module for package in ORDERS for module in modules(package)]


@pytest.mark.parametrize("module", ALL)
def test_module_has_a_place_in_the_order(module: str) -> None:
    package, _, rest = module.partition(".")
    assert (rest.split(".")[0] or "__init__") in ORDERS[package], f"give {module} a place in ORDERS"


@pytest.mark.parametrize("module", ALL)
def test_imports_run_one_way(module: str) -> None:
    here = place(module)
    assert here is not None
    for imported in sorted(imported_by(module)):
        there = place(imported)
        if there is None:
            continue
        if there[0] == here[0]:
            inside_one_subpackage = there[1] == here[1] and module.split(".")[1:2] == imported.split(".")[1:2]
            assert there[1] < here[1] or inside_one_subpackage, f"{module} imports {imported}, which stands after it"
        else:
            assert (here[0], there[0]) == ("codegen", "derive") or module in COMMAND_LINE, (
                f"{module} imports {imported}: derive never imports codegen"
            )


# The command line alone imports what a command needs when it runs it.
@pytest.mark.parametrize("module", [module for module in ALL if module not in COMMAND_LINE])
def test_imports_inside_functions_are_the_listed_ones(module: str) -> None:
    lazy = {(module, name) for name in imported_by(module, inside_functions=True) if name.split(".")[0] in ORDERS}
    assert lazy <= LAZY.keys()


@pytest.mark.parametrize("module", [module for module in modules("derive") if module not in COMMAND_LINE])
def test_derive_never_imports_the_numeric_half(module: str) -> None:
    everything = imported_by(module) | imported_by(module, inside_functions=True)
    assert not {name for name in everything if name.split(".")[0] in ("numpy", "matplotlib", "codegen")}


@pytest.mark.parametrize("module", ALL)
def test_nothing_imports_the_command_line(module: str) -> None:
    everything = imported_by(module) | imported_by(module, inside_functions=True)
    assert not everything & ({"derive.__main__"} if module in COMMAND_LINE else COMMAND_LINE)


def test_importing_derive_does_not_import_numpy() -> None:
    code = "import sys, derive; print(sorted({'numpy', 'matplotlib', 'codegen'} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


BENCHMARKS = sorted(path.stem for path in (ROOT / "tests" / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("more", [[], ["no_such_benchmark"]], ids=["all", "and one that is not there"])
def test_every_benchmark_can_be_imported_without_the_oracles(more: list[str]) -> None:
    """They are no tests, and are not collected: torch and JAX, which they import if they can, take seconds."""
    code = (
        "import sys, importlib\n"
        "sys.modules.update(torch=None, jax=None)\n"
        "sys.path[:0] = ['tests/benchmarks', 'tests', '.']\n"
        "for name in sys.argv[1:]: importlib.import_module(name)"
    )
    command = [sys.executable, "-c", code, *more, *([] if more else BENCHMARKS)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode == 0) != bool(more), result.stderr
    assert "no_such_benchmark" in result.stderr or not more


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from derive.errors import InputError", {"derive.errors"}),
        ("from derive import errors", {"derive.errors"}),
        ("import numpy as np", {"numpy"}),
        ("import derive.indices, derive.sums", {"derive.indices", "derive.sums"}),
    ],
)
def test_the_reader_of_imports_sees(statement: str, expected: set[str]) -> None:
    inside = f"def f():\n    {statement}"
    assert set(imports(ast.parse(statement), inside_functions=False)) == expected
    assert set(imports(ast.parse(statement), inside_functions=True)) == set()
    assert set(imports(ast.parse(inside), inside_functions=True)) == expected
    assert set(imports(ast.parse(inside), inside_functions=False)) == set()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not tell a process's cores")
def test_nothing_that_is_imported_keeps_the_suite_to_fewer_cores() -> None:
    assert os.sched_getaffinity(0) == os.sched_getaffinity(os.getppid())
