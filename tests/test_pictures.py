"""Pictures: what they show is what the engine derives, nothing lies on anything else, and they describe themselves."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Circle, PathPatch
from PIL import Image
from thorough import sweep

import codegen
import derive
from codegen import figures
from codegen.figures.circuits import sources_of, step_label, with_steps
from codegen.figures.layout import lay_out
from codegen.figures.picture import Picture
from codegen.figures.rows import in_rows
from codegen.figures.samples import sampled
from codegen.figures.slopes import kinks, only_input, values_and_slopes
from codegen.figures.traces import trace
from derive.__main__ import main
from derive.errors import InputError
from derive.operation import Operation

NEURON = "y = max(x0*w0 + x1*w1 + x2*w2 + b, 0)"
PLACE = {"x0": 1, "x1": -2, "x2": 3, "w0": -3, "w1": -1, "w2": 2, "b": 1}
SOFTMAX = "e[n,i] = exp(x[n,i]); y[n,i] = e[n,i]/sum(e[n,k], k)"
#: The figures of the source notebook: products, sum, and the gradients by inputs and weights.
VALUES = {"z1": -3, "z2": 2, "z3": 6, "z": 6, "y": 6}
GRADIENTS = {"x0": -3, "x1": -1, "x2": 2, "w0": 1, "w1": -2, "w2": 3, "b": 1, "z": 1, "z1": 1, "z2": 1, "z3": 1, "y": 1}
SVG = "{http://www.w3.org/2000/svg}"


def network() -> Operation:
    names = ("dense", "relu", "dense", "relu", "dense", "relu", "dense", "softmax", "cce")
    return derive.compose(*map(derive.find, names))


GRAPHS: dict[str, tuple[Any, Any]] = {
    "neuron": (NEURON, PLACE),
    "sigmoid neuron": ("y = 1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    "names alone": (NEURON, None),
    "used twice": ("y = x*tanh(log(1 + exp(x))) - x/(x*w + 2)**2", {"x": 0.3, "w": 1}),
    "softmax-cce": ("softmax-cce", None),
    "layer-norm": ("layer-norm", None),
    "lstm-cell": ("lstm-cell", None),
    "transformer-block": ("transformer-block", None),
    "huber": ("huber", None),
    "small matrices": ("softmax-cce", {"z": [[0.5, -1, 2], [1, 2, 0.25]], "t": [[1, 0, 0], [0, 0, 1]]}),
    "five layers": (network(), None),
}


@cache
def drawn(name: str) -> Picture:
    return figures.graph(*GRAPHS[name])


def texts(picture: Picture) -> list[Any]:
    found = [text for axes in picture.figure.axes for text in axes.texts]
    return [text for text in found if text.get_text()]


@cache
def boxes_of(name: str) -> dict[Any, Any]:
    """The texts of a graph and where they lie; to set them takes longest."""
    picture = drawn(name)
    renderer = FigureCanvasAgg(picture.figure).get_renderer()
    return {text: text.get_window_extent(renderer) for text in texts(picture)}


@pytest.mark.parametrize("name", GRAPHS)
def test_no_label_lies_on_another_and_none_is_cut_off(name: str) -> None:
    picture, boxes = drawn(name), boxes_of(name).values()
    assert len(boxes) > 4
    for one, other in combinations(boxes, 2):
        assert not one.padded(-1).overlaps(other.padded(-1)), (one, other)
    whole = picture.figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1 for box in boxes)


@pytest.mark.parametrize("name", GRAPHS)
def test_no_label_lies_on_a_node(name: str) -> None:
    picture = drawn(name)
    renderer = FigureCanvasAgg(picture.figure).get_renderer()
    (axes,) = picture.figure.axes
    nodes = [each for each in axes.patches if type(each).__name__ in ("Circle", "FancyBboxPatch")]
    lie = [node.get_window_extent(renderer) for node in nodes]
    for text, wide in boxes_of(name).items():
        box = wide.padded(-1)
        touched = [each for each in lie if each.overlaps(box)]
        inside = [each for each in touched if each.fully_containsx(box.x0)]
        assert len(touched) <= 1 and touched == inside, text.get_text()


@pytest.mark.parametrize("name", GRAPHS)
def test_no_line_lies_on_a_label_and_no_graph_is_wider_than_a_page(name: str) -> None:
    picture = drawn(name)
    assert picture.figure.get_figwidth() * 72 < 770
    paths = [each for axes in picture.figure.axes for each in axes.patches if type(each) is PathPatch]
    lines = [each.get_path().transformed(each.get_transform()) for each in paths]
    for text, wide in boxes_of(name).items():
        box = wide.padded(-1)
        assert not any(line.intersects_bbox(box, filled=False) for line in lines), text.get_text()


def test_a_line_into_the_row_below_goes_beside_the_rows_and_meets_no_other() -> None:
    sizes = {name: (100.0, 10.0, 10.0) for name in "abcdefgh"}
    layout = lay_out(sizes, {"c": ["a", "b"], "d": ["c"], "e": ["b", "d"], "f": ["e", "c"], "h": ["f", "g"]})
    assert not in_rows(layout, 2000.0, 10.0).turns
    rows = in_rows(layout, 420.0, 10.0)
    assert rows.width <= 460 < layout.width and rows.turns
    for (source, target, piece), turn in rows.turns.items():
        before, after = rows.lines[source, target][piece : piece + 2]
        assert before.y + before.below < turn.between < after.y - after.above
        assert turn.left < after.x and sum(rows.columns[before.column]) < turn.right
    lanes = {(turn.between, turn.left, turn.right) for turn in rows.turns.values()}
    for kind in zip(*lanes, strict=True):
        assert min(abs(one - other) for one, other in combinations(set(kind), 2)) > 4
    flat = in_rows(lay_out(sizes, {"b": ["a"]}), 10.0, 10.0)  # Each column is wider than there is room for.
    assert len({node.x for node in flat.nodes.values()}) == 1


def test_a_neuron_has_the_figures_of_the_notebook() -> None:
    operation = with_steps(derive.find(NEURON))
    found = trace(operation, PLACE)
    assert {each.name: float(value) for each, value in found.values.items() if each.name in VALUES} == VALUES
    assert {each.name: float(value) for each, value in found.gradients.items()} == GRADIENTS
    spoilt = trace(operation, PLACE | {"b": -7})
    assert {each.name: float(value) for each, value in spoilt.gradients.items()} != GRADIENTS


@pytest.mark.parametrize(
    "text", [NEURON, "y = (a - b)**2/(2*s**2) + log(s)", "y = a/b - c/(a*b)", "y = sqrt(2)*a*exp(-b)", "y = a - b - c"]
)
def test_taking_a_definition_apart_changes_no_value_and_no_gradient(text: str) -> None:
    operation = derive.find(text)
    rng = np.random.default_rng(1)
    values = {tensor.name: float(rng.uniform(0.5, 2)) for tensor in operation.inputs}
    found = trace(with_steps(operation), values)
    output, pullback = codegen.vjp(operation, *values.values())
    by_name = {tensor.name: float(value) for tensor, value in found.gradients.items()}
    assert np.isclose(float(found.values[operation.output.tensor]), float(output), rtol=1e-12)
    for name, gradient in zip(pullback.wrt, pullback(1.0), strict=True):
        assert np.isclose(by_name[name], float(gradient), rtol=1e-12)
    assert all(len(each.body.args) <= 4 for each in with_steps(operation).definitions)


@pytest.mark.parametrize(
    ("text", "values", "said", "not_said"),
    [
        ("y = 1/(1 + exp(-x))", {"x": -1000.0}, "x: 5.076e−435. Some numbers are beyond", "undefined"),
        ("y = 1/(1 + exp(-x))", {"x": -10.0}, "x: 4.54e−05.", "beyond"),
        (SOFTMAX, {"x": [[-1000.0, 1000.0]]}, "= [2.58e−869, 1]. Going", "undefined"),
        ("y = log(x)", {"x": -1.0}, "x: undefined. Not defined here: y = log(x).", "nan"),
        ("y = a/b - c", {"a": 1.0, "b": 0.0, "c": 2.0}, "Not defined here: y1 = a/b.", "inf"),
        ("y[i] = log(x[i])", {"x": [-1.0, 2.0]}, "x: [undefined, 0.5]. Not defined", "nan"),
        ("y = exp(exp(x))", {"x": 1000.0}, "Not defined here, or too large: y = exp(y1)", "nan"),
    ],
)
def test_numbers_are_right_beyond_double_precision_and_none_is_made_up(
    text: str, values: Any, said: str, not_said: str
) -> None:
    picture = figures.graph(text, values)
    assert said in picture.alt and not_said not in picture.alt
    assert all("nan" not in each.get_text() and "inf" not in each.get_text() for each in texts(picture))


def test_a_number_is_added_in_a_step_of_its_own() -> None:
    *_, total, last = with_steps(derive.find("y = a*b + a/b + b**2 - 2")).definitions
    assert (step_label(total), step_label(last)) == ("+", "\N{MINUS SIGN} $2$")


def test_steps_are_labelled_as_they_are_spoken() -> None:
    operation = with_steps(derive.find("y = 2*a/(b - c) + max(a, b) + a**2 + exp(-c)"))
    labels = {step_label(each) for each in operation.definitions}
    assert {"$y_{2}$ ÷ $y_{3}$", "$b$ − $c$", "max", "$a^{2}$", "exp", "× ($-1$)", "+"} <= labels


def test_a_label_names_only_what_stands_at_a_line() -> None:
    values = {"a": 5.0, "b": 2.0, "u": 4.0}
    labels = {each.get_text() for each in texts(figures.graph("y = (a - b*u)/(b - max(a*u, 0)) + a*b", values))}
    assert {"$y_{2}$ ÷ $y_{5}$", "$a$ − $y_{1}$", "$\\max\\left(y_{3}, 0\\right)$"} <= labels
    assert {"$y_{1}$  8", "$y_{3}$  20", "$y_{2}$  −3", "$y_{5}$  −18"} <= labels
    assert "10" in labels  # Where order does not count no name is needed.


def test_numbers_are_drawn_where_an_operation_is_defined() -> None:
    for text in ("y = log(x) + sqrt(w)", "y = a**b"):
        assert "undefined" not in figures.graph(text, sampled(derive.find(text))).alt
    with pytest.raises(InputError, match="no numbers were found for which it is defined"):
        sampled(derive.find("y = log(-1 - x**2)"))


def test_gradients_come_back_one_step_at_a_time() -> None:
    pictures = figures.backward_steps(NEURON, PLACE)
    shown = [{text.get_text() for text in texts(each) if text.get_style() == "italic"} for each in pictures]
    assert len({tuple(each.figure.get_size_inches()) for each in pictures}) == 1  # They can be stepped through.
    places = [{text.get_position() for text in texts(each) if text.get_style() != "italic"} for each in pictures]
    assert all(each == places[0] for each in places)
    counts = [sum(text.get_style() == "italic" for text in texts(each)) for each in pictures]
    assert counts == sorted(counts) and counts[0] == 1 and counts[-1] == 12
    assert shown[0] == {"1"} and "−3" in shown[-1]
    assert pictures[-1].alt == figures.graph(NEURON, PLACE).alt != pictures[0].alt


#: One of each kind: smooth ones, kinks, a jump in the slope's slope, settings, an interval of its own.
EVERY_TIME = {"relu", "leaky-relu", "tanh", "gelu", "elu", "hardswish", "exp", "log", "abs"}
CURVES = [
    name
    for name, operation in derive.catalogue().items()
    if operation.is_elementwise and len(operation.inputs) - len(operation.settings) == 1
]


@pytest.mark.parametrize("name", sweep(CURVES, EVERY_TIME.__contains__))
def test_a_curve_shows_the_derivative_of_the_operation(name: str) -> None:
    (axes,) = figures.curve(name).figure.axes
    values, slopes = (np.asarray(line.get_xydata()) for line in axes.lines[:2])
    inner = slice(1, -1)
    steps = np.gradient(values[:, 1], values[:, 0])
    smooth = np.isfinite(slopes[:, 1]) & (np.abs(np.gradient(np.gradient(values[:, 1]))) < 1e-2)
    assert smooth[inner].sum() > 700
    assert np.allclose(slopes[inner, 1][smooth[inner]], steps[inner][smooth[inner]], rtol=2e-2, atol=2e-2)
    assert not np.allclose(values[inner, 1][smooth[inner]], steps[inner][smooth[inner]], rtol=2e-2, atol=2e-2) or (
        name == "exp"
    )


@pytest.mark.parametrize(
    ("name", "wanted"), [("relu", [0]), ("relu6", [0, 6]), ("hard-tanh", [-1, 1]), ("tanh", []), ("abs", [0])]
)
def test_kinks_are_found_where_they_are(name: str, wanted: list[float]) -> None:
    operation = derive.find(name)
    assert kinks(operation, only_input(operation), -8.0, 8.0) == wanted


def test_a_kink_between_two_places_is_found() -> None:
    operation = derive.find("y = max(x**3, 2)")
    (found,) = kinks(operation, only_input(operation), -4.0, 4.0)
    assert abs(found - 2 ** (1 / 3)) < 1e-8
    assert values_and_slopes(operation, np.array([found - 1e-6]))[1] == 0


def test_what_jumps_is_broken_and_what_bends_smoothly_is_no_kink() -> None:
    step = figures.curve("y = where(x > 1, 2, 0) + x")
    assert "There is a jump at x = 1" in step.alt
    assert np.isnan(np.asarray(step.figure.axes[0].lines[0].get_ydata(), float)).any()
    assert "kink" not in figures.curve("elu").alt  # Its slope at 0 is 1 from both sides, as long as a = 1.
    assert "kink" in figures.curve("leaky-relu").alt


def test_a_curve_with_a_pole_is_cut_off() -> None:
    picture = figures.curve("y = 1/x")
    low, high = picture.figure.axes[0].get_ylim()
    assert -50 < low < high < 50 and "nan" not in picture.alt
    with pytest.raises(InputError, match="is not defined"):
        figures.curve("y = log(-1 - x**2)")


def test_a_loss_is_drawn_over_one_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", "huber", "-o", str(tmp_path / "a.svg")]) == 0
    assert capsys.readouterr().out.endswith("It is the loss of one prediction, with t = 0.\n")
    (axes,) = figures.curve("bce").figure.axes
    line, title = axes.lines[0], axes.title.get_window_extent(FigureCanvasAgg(axes.figure).get_renderer())
    assert axes.figure.bbox.x0 < title.x0 < title.x1 < axes.figure.bbox.x1
    x, y = np.asarray(line.get_xydata()).T
    assert np.allclose(y, -np.log(x)) and not np.allclose(y, -np.log(1 - x))  # Of the target 1.
    with pytest.raises(InputError, match="not elementwise"):
        figures.curve("softmax-cce")


def test_a_curve_says_with_which_settings_it_was_drawn() -> None:
    huber, tanh = figures.curve("huber"), figures.curve("tanh")
    assert huber.figure.axes[0].get_title() == "huber of one prediction, t = 0, d = 1"
    assert " Drawn with d = 1." in huber.alt and "Drawn with" not in tanh.alt
    other = figures.curve(derive.find("huber").with_defaults({"d": "2"}))
    assert "d = 2" in other.figure.axes[0].get_title() and " Drawn with d = 2." in other.alt


@pytest.mark.parametrize(
    "name", ["leaky-relu", "selu", "y = 0.5*x*(1 + tanh(0.7978845608*(x + 0.044715*x**3))) + log(1 + exp(-abs(x)))"]
)
def test_the_title_of_a_curve_stays_in_the_frame(name: str) -> None:
    figure = figures.curve(name).figure
    (axes,) = figure.axes
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    box = axes.title.get_window_extent(renderer)
    assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    key = figure.legends[0].get_window_extent(renderer)
    assert figure.bbox.x0 <= key.x0 and key.x1 <= figure.bbox.x1
    assert figures.curve("relu").figure.get_figwidth() == 6.4
    assert "\n" not in figures.curve("relu").figure.axes[0].get_title()


def test_a_curve_says_where_it_is_not_defined() -> None:
    assert figures.curve("y = log(x + 1)").alt.endswith("is not defined for x from −4 to −1.")
    assert figures.curve("y = 1/x").alt.endswith("is not defined for x at 0.")
    assert "not defined" not in figures.curve("tanh").alt


def test_a_kink_shows_both_sides() -> None:
    circles = [line for line in figures.curve("relu").figure.axes[0].lines if line.get_marker() == "o"]
    shown = {(line.get_markerfacecolor() == "white", *map(float, line.get_ydata())) for line in circles}
    assert shown == {(True, 1.0), (False, 0.0)}  # Open at the side that is not taken.


def test_a_chain_of_layers_is_straight() -> None:
    (axes,) = figures.graph(network()).figure.axes
    heights = sorted(each.get_center()[1] for each in axes.patches if isinstance(each, Circle))
    jumps = [lower - upper for upper, lower in pairwise(heights) if lower - upper > 2.0]
    assert len(heights) == 9 and len(jumps) == 1 < 100.0 < jumps[0]  # It is in two rows.


def test_sums_have_their_indices_alone() -> None:
    labels = [text.get_text() for text in texts(figures.graph("softmax-cce"))]
    assert any(r"\,\,\sum_{n,k}\,t" in label for label in labels)  # Room on both sides, as the indices are wide.
    assert not any("}^{N}" in label for label in labels)


def test_shapes_are_between_brackets() -> None:
    picture = figures.graph("softmax-cce")
    assert {"[N × K]", "$p$ [N × K]"} <= {text.get_text() for text in texts(picture)}
    assert "z [N × K]; t [N × K]; p = " in picture.alt


def test_a_small_matrix_stands_at_its_line_row_by_row() -> None:
    picture = figures.graph("softmax-cce", {"z": [[0, 0], [0, 0]], "t": [[1, 0], [0, 1]]})
    labels = {text.get_text() for text in texts(picture)}
    assert "[1, 0]\n[0, 1]" in labels and "[−0.25, 0.25]\n[0.25, −0.25]" in labels


def test_a_jacobian_has_the_numbers_of_the_formula() -> None:
    x = np.array([[0.5, -1.0, 2.0]])
    (axes, _) = figures.jacobian("softmax", {"x": x}).figure.axes
    shown = np.asarray(axes.images[0].get_array())
    p = np.exp(x[0]) / np.exp(x[0]).sum()
    assert np.allclose(shown, np.diag(p) - np.outer(p, p), atol=1e-15)
    assert not np.allclose(shown, np.outer(p, 1 - p), atol=1e-3)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x[0]", "x[1]", "x[2]"]


@pytest.mark.parametrize("make", [lambda: figures.graph("mul", {"a": 2, "b": 3}), lambda: figures.curve("gelu")])
def test_a_picture_is_the_same_each_time_and_says_what_it_shows(make: Any, tmp_path: Path) -> None:
    one, other = make(), make()
    assert one.svg() == other.svg() and one.png() == other.png()
    root = ElementTree.fromstring(one.svg())
    assert root.findtext(f"{SVG}title") == one.title and root.findtext(f"{SVG}desc") == one.alt
    for name, wanted in (("a.svg", one.svg().encode()), ("a.PNG", one.png())):
        one.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == wanted
    assert Image.open(io.BytesIO(one.png())).info["Description"] == one.alt
    assert one._repr_mimebundle_()[0]["image/svg+xml"] == one.svg()


def test_the_users_settings_are_left_alone() -> None:
    with matplotlib.rc_context({"font.size": 40.0, "axes.grid": False}):
        big = figures.curve("tanh").svg()
        assert matplotlib.rcParams["font.size"] == 40.0
    assert big == figures.curve("tanh").svg()


def test_importing_codegen_does_not_import_matplotlib() -> None:
    import subprocess
    import sys

    code = "import codegen, derive.__main__, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


WRONG = {
    ("plot", "relu", "-o", "{}/a.gif"): "it ends in .svg or .png",
    ("plot", "relu", "-o", "{}/none/a.svg"): "cannot write",
    ("plot", "nothing-of-this", "-o", "{}/a.svg"): "nothing-of-this",
    ("plot", "softmax", "--kind", "curve", "-o", "{}/a.svg"): "is not elementwise",
    ("plot", "mul", "--kind", "curve", "-o", "{}/a.svg"): "has several inputs",
    ("plot", "mul", "--at", "a=2, a=3", "-o", "{}/a.svg"): "--at is NAME=VALUE",
    ("plot", "mul", "--at", "a=[1, b=2", "-o", "{}/a.svg"): "--at is NAME=VALUE",
    ("plot", "mul", "--at", "a=[[1,2],[3]], b=2", "-o", "{}/a.svg"): "rows of equally many, for a, not [[1, 2], [3]]",
    ("plot", "mul", "--at", "a='s', b=2", "-o", "{}/a.svg"): "expected a number, or rows of equally many, for a",
    ("plot", "mul", "--at", "a=1e999, b=2", "-o", "{}/a.svg"): "for a, not inf",
    ("plot", "cce", "--at", "t=[[1, 1]]", "-o", "{}/a.svg"): "takes for granted that sum(t[n,k], k) = 1, and at n = 0",
    ("plot", "log", "--kind", "jacobian", "--at", "x=-1", "-o", "{}/a.svg"): "is not defined, or too large, at x = -1",
    ("plot", "mul", "--at", "a=[1,2], b=[1,2,3]", "-o", "{}/a.svg"): "mul",
    ("plot", "mul", "--at", "a=2, b=open('x')", "-o", "{}/a.svg"): "--at is NAME=VALUE",
    ("plot", "mul", "--at", "a=2, b=3, q=1", "-o", "{}/a.svg"): "mul has no input q; its inputs are a, b",
    ("plot", "relu", "--kind", "curve", "--steps", "-o", "{}/a.svg"): "--steps is of a graph",
    ("plot", "relu", "--wrt", "x", "-o", "{}/a.svg"): "add --kind jacobian",
    ("plot", "softmax", "--kind", "jacobian", "--wrt", "q", "-o", "{}/a.svg"): "q",
    ("plot", "conv1d", "--kind", "jacobian", "-o", "{}/a.svg"): "nothing was said of",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_typed_wrongly_is_said_in_one_line_and_nothing_is_written(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(tmp_path) for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and WRONG[words] in printed.err
    assert not list(tmp_path.iterdir())


def test_the_command_draws_and_describes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ", ".join(f"{name}={value}" for name, value in PLACE.items())
    assert main(["plot", NEURON, "--at", at, "--steps", "-o", str(tmp_path / "n.svg")]) == 0
    assert len(list(tmp_path.glob("n-*.svg"))) == 6
    assert "Going backward, gradients: y: 1" in capsys.readouterr().out
    assert main(["plot", "tanh", "-o", str(tmp_path / "t.png")]) == 0
    assert "dy/dx = 1 - y²" in capsys.readouterr().out


def test_values_that_are_not_given_are_drawn_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", "cce", "--at", "p=[[0.25, 0.75]]", "-o", str(tmp_path / "a.svg")]) == 0
    printed = capsys.readouterr().out
    assert "p = [0.25, 0.75]; t = [" in printed and printed.endswith("Drawn, as --at does not give them: t.\n")
    assert main(["plot", "cce", "--at", "p=[[0.25, 0.75]], t=[[0, 1]]", "-o", str(tmp_path / "a.svg")]) == 0
    assert "Drawn" not in capsys.readouterr().out


def test_what_is_no_function_of_one_number_has_no_curve() -> None:
    with pytest.raises(InputError, match="several inputs"):
        figures.curve("add")


DOCUMENTED = {
    "neuron": lambda: figures.graph(NEURON, PLACE),
    "lstm": lambda: figures.graph("lstm-cell"),
    "gelu": lambda: figures.curve("gelu"),
    "jacobian": lambda: figures.jacobian("softmax", {"x": [[2, 1, 0.5, 0]]}),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_pictures_in_the_documentation_are_those_that_are_drawn(name: str) -> None:
    """By what they say: letters, and so the sizes of all that holds some, change with the versions of matplotlib."""
    root = ElementTree.parse(Path(__file__).parent.parent / "docs" / "pictures" / f"{name}.svg").getroot()
    picture = DOCUMENTED[name]()
    assert root.findtext(f"{SVG}desc") == picture.alt


def test_what_a_step_is_made_of_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph asks for it of every pair of a step and a tensor; its text, which has the order, is written once."""
    first = derive.operation("y_out = b_first*a_second + 3").output
    kept = sources_of(first)
    monkeypatch.setattr("codegen.figures.circuits.plain_text", lambda expr: pytest.fail("written again"))
    assert sources_of(first) is kept
    assert {tensor.name for tensor in kept} == {"a_second", "b_first"}
    with pytest.raises(pytest.fail.Exception, match="written again"):
        sources_of(derive.operation("y_out = b_first*a_second + 4").output)
