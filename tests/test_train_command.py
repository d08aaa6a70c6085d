"""The command ``derive train``, and the pictures that it draws."""

from __future__ import annotations

import io
import re
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import codegen
from codegen.datasets import spiral
from codegen.figures.curves import curves
from codegen.figures.regions import regions
from codegen.figures.style import CLASSES
from codegen.training import History
from derive.__main__ import main
from derive.errors import InputError

SMALL = "dense(2,8) > tanh > dense(8,3) > softmax > cce"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


# ---- the command ----


def test_the_spirals_are_learnt(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "spiral", "--epochs", "800"]) == 0
    output = capsys.readouterr()
    last = output.out.splitlines()[-1]
    found = re.fullmatch(r"loss (\S+)  accuracy (\S+)%  \S+ s", last)
    assert found is not None
    assert float(found[2]) >= 95
    assert "softmax > cce: gradient of p put into that of z2" in output.out
    assert output.err == ""
    assert sum(line.startswith("epoch") for line in output.out.splitlines()) == 11


def test_the_same_seed_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for seed in ("3", "3", "4"):
        assert main(["train", SMALL, "--epochs", "20", "--seed", seed, "--optimiser", "momentum"]) == 0
        told.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")])
    assert told[0] == told[1] != told[2]


def test_in_a_terminal_there_is_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert main(["train", SMALL, "--epochs", "30"]) == 0
    assert "epoch" not in capsys.readouterr().out
    lines = terminal.getvalue().rstrip("\n").split("\r")
    assert lines[1].startswith("░" * 30)
    assert lines[-1].startswith("█" * 30 + " 30/30  loss ")
    assert len({len(line) for line in lines[1:]}) <= 2, "a line covers the one before"


def test_pictures_are_drawn_into_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", SMALL, "--epochs", "10", "-o", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curves.png",
        "curves.svg",
        "regions.png",
        "regions.svg",
    ]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    root = ElementTree.fromstring((tmp_path / "regions.svg").read_text("utf-8"))
    (described,) = (each.text for each in root if each.tag.endswith("desc"))
    assert described is not None
    assert described.startswith("300 points of 3 classes in the plane, ")
    assert capsys.readouterr().out.count("wrote ") == 4


MISTAKES = {
    ("dense(2,3) > mse",): "three classes",
    ("relu",): "three classes",
    ("dense(3,3) > softmax > cce",): "x",
    ("dense(2,2) > softmax > cce",): "labels run from 0 to 1",
    ("spirals",): "no operation called 'spirals'",
    (SMALL, "--hidden", "3"): "--hidden goes with spiral",
    ("spiral", "--hidden", "0"): "a number of neurons from 1",
    ("spiral", "-o", "/nowhere/at/all"): "cannot make the folder",
    ("spiral", "-o", ""): "is no folder",
    ("dense-columns(2,3) > softmax > cce",): "stand in rows",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_said_in_a_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *arguments, "--epochs", "1"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert re.fullmatch(r"derive: .*\n", output.err)
    assert MISTAKES[arguments] in output.err


@pytest.mark.parametrize(
    "option", [["--epochs", "-1"], ["--rate", "0"], ["--rate", "nan"], ["--seed", "x"], ["--optimiser", "best"]]
)
def test_an_option_out_of_range(option: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", "spiral", *option])
    assert caught.value.code == 2


def test_training_that_diverges_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", SMALL.replace("tanh", "relu"), "--optimiser", "sgd", "--rate", "1e300"]) == 2
    assert "no longer a number" in capsys.readouterr().err


# ---- the pictures ----


def test_a_loss_that_has_grown_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    for rate, grown in (("1e9", True), ("1", False)):
        assert main(["train", "--optimiser", "sgd", "--hidden", "4", "--epochs", "5", "--rate", rate]) == 0
        assert ("larger than it was at first" in capsys.readouterr().err) == grown


def test_a_misspelt_network_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("spirl", "dense(2,3) > mse", "dense(5,3) > softmax > cce"):
        assert main(["train", text, "-o", str(tmp_path / "pictures")]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_curves_show_what_was_written_down() -> None:
    history = History([0, 10, 20], [1.0, 0.5, 0.25], [0.1, 0.6, 0.9])
    picture = curves(history)
    loss, accuracy = picture.figure.axes
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), [(0, 1.0), (10, 0.5), (20, 0.25)])
    np.testing.assert_array_equal(accuracy.lines[0].get_xydata(), [(0, 0.1), (10, 0.6), (20, 0.9)])
    assert picture.alt == "Loss from 1.000 at the start to 0.250 after 20 steps; accuracy from 10.0% to 90.0%."
    assert len(curves(History([0], [1.0])).figure.axes) == 1
    with pytest.raises(InputError, match="no training to draw"):
        curves(History())


def test_regions_are_where_the_network_puts_them() -> None:
    net = codegen.network("dense(2,2) > softmax > cce")
    net.parameters["w1"][:] = [[1.0, -1.0], [0.0, 0.0]]  # Class 0 to the right, class 1 to the left.
    x, t = np.array([[-1.0, 0.0], [1.0, 0.5], [1.0, -0.5], [-1.0, 0.2]]), np.array([1, 0, 0, 0])
    picture = regions(net, x, t)
    assert "4 points of 2 classes in the plane, 75.0% of them" in picture.alt
    assert "class 0 50%, class 1 50%" in picture.alt
    net.parameters["b1"][:] = [100.0, 0.0]
    assert "class 0 100%, class 1 0%" in regions(net, x, t).alt


def test_no_two_regions_look_alike_and_more_than_ten_are_refused() -> None:
    x, t = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    for key in ("color", "marker"):
        assert len({look[key] for look in CLASSES}) == len(CLASSES) == 10
    (axis,) = regions(codegen.network("dense(2,10) > softmax > cce", seed=0), x, t).figure.axes
    drawn: Any = axis.collections[0]
    hatches = [hatch or "" for hatch in drawn.hatches]
    assert hatches == [look["hatch"] for look in CLASSES] and len(set(hatches[4:])) == 6
    greys = [float(np.dot((0.299, 0.587, 0.114), face[:3])) for face in drawn.get_facecolor()]
    assert min(abs(one - other) for one, other in combinations(greys[:4], 2)) > 0.08  # Of 1, black to white.
    with pytest.raises(InputError, match="at most 10 classes, which can be told apart, and the network has 11"):
        regions(codegen.network("dense(2,11) > softmax > cce", seed=0), x, t)


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (np.ones((3, 3)), np.zeros(3, int), "points of a plane"),
        (np.ones((0, 2)), np.zeros(0, int), "points of a plane"),
        (np.ones((3, 2)), np.eye(3)[:, :2], "class numbers"),
        (np.ones((3, 2)), np.zeros(2, int), "class numbers"),
    ],
)
def test_regions_of_what_is_no_plane(x: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        regions(codegen.network("dense(2,2) > softmax > cce"), x, labels)


def test_spirals_are_where_they_are_said_to_be() -> None:
    x, t = spiral(50, 4, seed=1)
    assert x.shape == (200, 2)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), np.tile(np.linspace(0, 1, 50), 4), atol=1e-12)
    assert list(np.bincount(t)) == [50] * 4
    assert not np.array_equal(x, spiral(50, 4, seed=2)[0])
