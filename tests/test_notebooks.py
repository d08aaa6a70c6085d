"""The notebooks of the documentation run, arrive at their figures, and print what is stored in them.

A notebook is stored with its outputs; ``pytest tests/test_notebooks.py --update-golden`` runs each anew and writes it.
What a cell tagged ``timing`` prints is of the machine that wrote it, and is not compared.
"""

from __future__ import annotations

import ast
import copy
import os
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="the notebooks need nbclient and ipykernel (the extra 'test')")
nbclient = pytest.importorskip("nbclient", reason="the notebooks need nbclient and ipykernel (the extra 'test')")
pytest.importorskip("ipykernel", reason="the notebooks need nbclient and ipykernel (the extra 'test')")

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
MEND = "`pytest tests/test_notebooks.py --update-golden` runs the notebooks and stores what they print"
#: What is stored of an output, in the order in which a reader would choose: the first that there is.
SHOWN = ("text/latex", "text/markdown", "image/svg+xml", "text/html", "text/plain")
#: What a picture says of itself, which is compared; its lines depend on the fonts of the machine.
DESCRIPTION = re.compile(r"<desc>(.*?)</desc>", re.DOTALL)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

Notebook = Any


def read(name: str) -> Notebook:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a notebook in an empty folder and returns it with its outputs; a cell that fails raises."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep))
    for variable, folder in (("IPYTHONDIR", "ipython"), ("JUPYTER_RUNTIME_DIR", "runtime")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    work = tmp_path / "work"
    work.mkdir()

    def execute(notebook: Notebook) -> Notebook:
        done = copy.deepcopy(notebook)
        resources = {"metadata": {"path": str(work)}}
        nbclient.NotebookClient(done, timeout=300, kernel_name="python3", resources=resources).execute()
        return cleaned(done)

    return execute


def cleaned(notebook: Notebook) -> Notebook:
    """Return a notebook with nothing in it that would differ from run to run."""
    cells = []
    for number, cell in enumerate(notebook.cells, 1):
        tags = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        clean = {"cell_type": cell.cell_type, "id": f"cell-{number}", "metadata": tags, "source": cell.source}
        if cell.cell_type == "code":
            clean |= {"execution_count": cell.execution_count, "outputs": _clean_outputs(cell.outputs)}
        cells.append(clean)
    return nbformat.from_dict({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})


def _clean_outputs(outputs: list[Any]) -> list[dict[str, Any]]:
    """Return the outputs with one representation each; what is printed comes in as many pieces as chance makes."""
    cleaned: list[dict[str, Any]] = []
    for output in outputs:
        if output.output_type != "stream":
            cleaned.append(_clean_data(output))
        elif cleaned and cleaned[-1].get("name") == output.name:
            cleaned[-1]["text"] += output.text
        else:
            cleaned.append({"output_type": "stream", "name": output.name, "text": output.text})
    return cleaned


def _clean_data(output: Any) -> dict[str, Any]:
    kind = next(kind for kind in SHOWN if kind in output.data)
    kept = {"output_type": output.output_type, "data": {kind: output.data[kind]}, "metadata": {}}
    count = {"execution_count": output.execution_count} if output.output_type == "execute_result" else {}
    return kept | count


def shown(notebook: Notebook) -> list[tuple[str, list[Any]]]:
    """Return the code cells, each with what it prints; of a picture what it says, of a timing only that it is there."""
    return [
        (cell.source, ["timing"] if "timing" in cell.metadata.get("tags", ()) else list(map(_text, cell.outputs)))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _text(output: Any) -> Any:
    if output.output_type == "stream":
        return output.name, output.text
    ((kind, content),) = output.data.items()
    return (kind, DESCRIPTION.findall(content)) if kind == "image/svg+xml" else (kind, content)


def compare(stored: Notebook, done: Notebook) -> None:
    """Compare what two runs of a notebook printed, cell by cell."""
    for (source, before), (same, now) in zip(shown(stored), shown(done), strict=True):
        assert source == same
        assert before == now, f"{source}\n{MEND}"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_prints_what_is_stored(name: str, run: Any, pytestconfig: pytest.Config) -> None:
    stored = read(name)
    done = run(stored)
    if pytestconfig.getoption("--update-golden"):
        (FOLDER / f"{name}.ipynb").write_text(nbformat.writes(done) + "\n", encoding="utf-8")
        stored = read(name)
    compare(stored, done)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_clean(name: str) -> None:
    stored = read(name)
    nbformat.validate(stored)
    assert cleaned(stored) == stored, MEND
    text = nbformat.writes(stored)
    assert not [path for path in ("/home/", "/work/", "/tmp/", "site-packages") if path in text]
    assert not [output for cell in stored.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), MEND


#: The figures that a notebook asserts, by the names that they have in figures.json.
FIGURES = {
    "1-single-neuron": (
        "single_neuron dense_one_sample dense_batch relu_batch dense_relu_step cce softmax_cce.dinputs"
    ).split(),
    "2-minimising-a-neuron": ["single_neuron.w_after", "single_neuron.b_after", "single_neuron.y_after"],
    "3-spiral-network": ["spiral_net"],
    "4-leibniz-notation": [f"spiral_net.dense{k}_{name}" for k in (1, 2) for name in ("dweights", "dbiases")],
    "5-deep-column-network": ["deep_column_net"],
}


def numbers_in(figure: Any) -> set[float]:
    """Return the absolute values of a figure's numbers; what is said beside them are texts."""
    if isinstance(figure, dict | list):
        return set().union(*map(numbers_in, figure.values() if isinstance(figure, dict) else figure))
    return {abs(float(figure))} if isinstance(figure, int | float) else set()


def numbers_typed(notebook: Notebook) -> set[float]:
    """Return the numbers that stand in the code of a notebook."""
    trees = [ast.walk(ast.parse(cell.source)) for cell in notebook.cells if cell.cell_type == "code"]
    return {float(node.value) for tree in trees for node in tree if _is_number(node)}


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def test_every_notebook_has_figures() -> None:
    assert list(FIGURES) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_states_its_figures(name: str, figures: dict[str, Any]) -> None:
    typed = numbers_typed(read(name))
    for path in FIGURES[name]:
        figure: Any = figures
        for part in path.split("."):
            figure = figure[part]
        assert not numbers_in(figure) - typed, path
    assert numbers_in({"spoilt": [[5.986, 20.2, "5.985"]]}) - typed == {5.986, 20.2}


SMALL = "2-minimising-a-neuron"


def test_a_spoilt_figure_is_noticed(run: Any) -> None:
    spoilt = read(SMALL)
    cell = next(cell for cell in spoilt.cells if "assert_allclose(y, 5.985" in cell.source)
    cell.source = cell.source.replace("assert_allclose(y, 5.985", "assert_allclose(y, 5.986")
    spoilt.cells = spoilt.cells[: spoilt.cells.index(cell) + 1]
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=r"5\.986"):
        run(spoilt)


@pytest.mark.parametrize("kind", ["stream", "text/latex"])
def test_a_spoilt_output_is_noticed(kind: str) -> None:
    stored, spoilt = read(SMALL), read(SMALL)
    outputs = [output for cell in spoilt.cells for output in cell.get("outputs", ())]
    if kind == "stream":
        output = next(output for output in outputs if "5.985" in output.get("text", ""))
        output.text = output.text.replace("5.985", "5.986", 1)
    else:
        output = next(output for output in outputs if kind in output.get("data", {}))
        output.data[kind] = output.data[kind].replace("+", "-", 1)
    compare(stored, stored)
    with pytest.raises(AssertionError, match="update-golden"):
        compare(stored, spoilt)
