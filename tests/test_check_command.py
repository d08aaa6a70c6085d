"""The command ``derive check``, and ``codegen.check`` on files, classes, functions and arrays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from check_sources import HEAD, RELU, SIGMOID

import codegen
from codegen.checking import KINDS
from codegen.checking.readings import documented_axes
from codegen.checking.report import CANNOT, RIGHT, WRONG, Finding, Report, Target, target_from
from codegen.checking.values import extent
from derive.__main__ import main
from derive.errors import InputError

ROOT = Path(__file__).parent.parent
WRONG_SIGMOID = SIGMOID.replace("(1 - self.y)", "(1 + self.y)")


def written(folder: Path, text: str, name: str = "layers.py") -> str:
    path = folder / name
    path.write_text(HEAD + text, "utf-8")
    return str(path)


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_checked_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", written(tmp_path, RELU + WRONG_SIGMOID)]) == 1
    output = capsys.readouterr()
    right, wrong, finding, *_ = output.out.splitlines()
    assert right == "right   ReLU  (relu)  checked: dinputs"
    assert wrong == "wrong   Sigmoid  (sigmoid)  checked: dx"
    assert finding.startswith("  sign: dx: line ")
    assert "in a process of its own" in output.err


@pytest.mark.parametrize("name", ["gru-cell", "trace", "quadratic-form", "logdet", "multivariate-normal-nll"])
def test_emitted_code_is_right_by_the_shapes_of_its_docstring(tmp_path: Path, name: str) -> None:
    path = tmp_path / "emitted.py"
    path.write_text(codegen.source(name), "utf-8")
    assert main(["check", str(path)]) == 0


def test_an_emitted_gradient_that_is_changed_is_wrong(tmp_path: Path) -> None:
    path, text = tmp_path / "emitted.py", codegen.source("trace")
    assert "return dy * np.eye(" in text
    path.write_text(text.replace("return dy * np.eye(", "return 2 * dy * np.eye("), "utf-8")
    assert main(["check", str(path)]) == 1


def test_shapes_of_a_docstring_have_repeated_letters_numbers_and_products() -> None:
    lines = [
        "def f(x, w, n, m):",
        " 'Args:",
        " x: (I, I)",
        " w: (K, 3*K)",
        " u: (3, K)",
        " n: heads (8)",
        " m: (B*a,)'",
    ]
    found = documented_axes("\n".join(lines).replace("'", 3 * "'"))
    assert found == {"x": ("I", "I"), "w": ("K", "3*K"), "u": ("3", "K")}
    assert [extent(axis, {"K": 4}) for axis in found["w"]] == [4, 12]


def test_json_has_the_documented_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{written(tmp_path, RELU + WRONG_SIGMOID)}:Sigmoid", "--json", "--seed", "3"]) == 1
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert {"name", "operation", "verdict", "findings"} <= target.keys()
    (finding,) = target["findings"]
    assert {"gradient", "kind", "message", "expected", "found"} <= finding.keys()
    assert (target["name"], target["verdict"], finding["kind"]) == ("Sigmoid", "wrong", "sign")


def test_all_right_is_status_0_and_nothing_printed_by_the_file_is_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", written(tmp_path, "print('from the file')\n" + RELU), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["targets"][0]["verdict"] == "right"


def test_a_training_loop_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, RELU + "\nwhile True:\n    pass\n")
    assert main(["check", path, "--seconds", "3"]) == 2
    assert "more than 3 seconds" in last_line(capsys)


def test_what_was_not_reached_cannot_be_checked(tmp_path: Path) -> None:
    leaving = "def forward(self, x):\n        import os\n        os._exit(5)"
    ends = f"\nclass Ends:\n    {leaving}\n\n    def backward(self, d):\n        return d\n"
    report = codegen.check(written(tmp_path, RELU + ends))
    assert [(each.name, each.verdict) for each in report.targets] == [("ReLU", "right"), ("Ends", "cannot")]
    assert "ended with status 5" in report.targets[1].needs
    assert report.exit_status == 2


def test_the_users_file_is_never_run_in_this_process(tmp_path: Path) -> None:
    text = f"import os\nassert os.getpid() != {os.getpid()}\n"
    assert codegen.check(written(tmp_path, text + RELU)).targets[0].verdict == "right"


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def f(:\n", "layers.py, line 3, raises SyntaxError"),
        ("x = 1 / 0\n", "layers.py, line 3, raises ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", "raises SystemExit"),
        ("x = 1\n", "there is nothing to check in layers.py"),
    ],
)
def test_a_file_that_cannot_be_checked_is_one_line(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", written(tmp_path, text)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert told in output.err.strip().splitlines()[-1]
    assert "Traceback" not in output.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no_such_file.py"], "there is no file no_such_file.py"),
        (["FILE", "--as", "sofmax"], "there is no operation called 'sofmax'"),
        (["FILE", "--as", "dense(2,3) > rulu"], "there is no operation called 'rulu'"),
        (["FILE", "--as", "y[n] = x[n]"], "--as takes a name from `derive list` or a network, not a definition"),
        (["FILE", "--args", "n = open"], "--args is NAME=VALUE"),
        (["FILE", "--shapes", "x=3x"], "--shapes is NAME=SHAPE"),
        (["FILE:Rellu"], "did you mean 'ReLU'?"),
    ],
)
def test_what_is_typed_wrong_is_one_line(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, RELU)
    assert main(["check", *(each.replace("FILE", path) for each in arguments)]) == 2
    assert told in last_line(capsys)


NET = """
class Net:
    def forward(self, x, w1, b1, w2, b2, t):
        self.x, self.w1, self.w2, self.t = x, w1, w2, t
        self.z1 = x @ w1 + b1
        self.h1 = np.maximum(self.z1, 0)
        z2 = self.h1 @ w2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return -np.sum(t * np.log(self.p)) / len(x)

    def backward(self):
        dz2 = (self.p - self.t) / len(self.x)
        dw2 = self.h1.T @ dz2
        db2 = dz2.sum(axis=0)
        dz1 = (dz2 @ self.w2.T) * (self.z1 > 0)
        return dz1 @ self.w1.T, self.x.T @ dz1, dz1.sum(axis=0), dw2, db2
"""
NET_SHAPES = {"x": (7, 2), "w1": (2, 4), "b1": (4,), "w2": (4, 3), "b2": (3,), "t": (7, 3)}


def test_labels_of_a_shape_that_is_given_are_one_hot(tmp_path: Path) -> None:
    (target,) = codegen.check(written(tmp_path, NET), shapes=NET_SHAPES).targets
    assert (target.verdict, target.operation, target.findings) == ("right", None, ())


def test_a_network_written_by_hand_is_held_against_the_one_that_is_said(tmp_path: Path) -> None:
    other = NET.replace("class Net", "class Other").replace("np.maximum(self.z1, 0)", "np.maximum(self.z1, 0) ** 2")
    said = "dense(2,4) > relu > dense(4,3) > softmax > cce"
    first, second = codegen.check(written(tmp_path, NET + other), operation=said, shapes=NET_SHAPES).targets
    assert (first.verdict, first.operation, first.findings) == ("right", "network", ())
    assert (second.verdict, second.operation) == ("wrong", None)
    assert "forward-differs" in {each.kind for each in second.findings}


def test_arguments_are_parsed_and_not_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flag = tmp_path / "made"
    assert main(["check", written(tmp_path, RELU), "--args", f"n=open({str(flag)!r}, 'w')"]) == 2
    assert not flag.exists()


def test_what_cannot_be_guessed_is_asked_for_and_taken(tmp_path: Path) -> None:
    text = """
class Odd:
    def __init__(self, spam):
        if spam != "eggs":
            raise ValueError("spam is eggs")

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return 2 * self.x * dy
"""
    path = written(tmp_path, text)
    (target,) = codegen.check(path).targets
    assert target.verdict == "cannot"
    assert '--args "spam=..."' in target.needs
    assert codegen.check(path, args={"spam": "eggs"}).targets[0].verdict == "right"
    assert codegen.check(path, args={"spam": "eggs"}, shapes={"x": (2, 3, 4)}).targets[0].verdict == "right"


def test_the_command_runs_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "derive", "check", written(tmp_path, RELU)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "right   ReLU  (relu)  checked: dinputs\n")


# -- in Python --------------------------------------------------------------------------------------------------------


class Doubled:
    """A class of this process."""

    def forward(self, x: Any) -> Any:
        return 2 * x

    def backward(self, dy: Any) -> Any:
        return 3 * dy


def test_a_class_is_checked() -> None:
    (target,) = codegen.check(Doubled).targets
    assert (target.verdict, target.findings[0].kind) == ("wrong", "factor")
    assert "1.5 times" in target.findings[0].message


def cube_forward(x: Any) -> Any:
    return x**3, x


def cube_backward(dout: Any, cache: Any) -> Any:
    return 3 * cache**2 * dout


def test_a_pair_of_functions_is_checked() -> None:
    (target,) = codegen.check((cube_forward, cube_backward)).targets
    assert (target.name, target.verdict) == ("cube_forward", "right")


def test_any_style_is_checked_with_arrays_and_none_is_changed() -> None:
    generator = np.random.default_rng(0)
    inputs, parameters = {"x": generator.standard_normal((3, 4))}, {"w": generator.standard_normal((4, 2))}
    kept = inputs["x"].copy(), parameters["w"].copy()

    def forward(x: Any, w: Any) -> Any:
        return np.tanh(x @ w)

    def backward(upstream: Any, x: Any, w: Any) -> Any:
        inner = upstream * (1 - np.tanh(x @ w) ** 2)
        x *= 1.0
        return {"x": inner @ w.T, "w": inner.T @ x}

    (target,) = codegen.check(forward=forward, backward=backward, inputs=inputs, parameters=parameters).targets
    assert target.verdict == "wrong"
    assert [(each.gradient, each.kind) for each in target.findings] == [("w", "transpose")]
    np.testing.assert_array_equal(inputs["x"], kept[0])
    np.testing.assert_array_equal(parameters["w"], kept[1])


@pytest.mark.parametrize("target", [3, object, (len,), None])
def test_what_is_nothing_to_check_is_refused(target: Any) -> None:
    with pytest.raises(InputError, match="takes a path, a class"):
        codegen.check(target)


# -- the report -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "status"), [((RIGHT,), 0), ((RIGHT, WRONG, CANNOT), 1), ((RIGHT, CANNOT), 2), ((), 2)]
)
def test_exit_status(verdicts: tuple[str, ...], status: int) -> None:
    assert Report(tuple(Target("f", None, verdict) for verdict in verdicts)).exit_status == status


def test_a_report_comes_back_from_json() -> None:
    target = Target("f", "relu", WRONG, (Finding("dx", "sign", "wrong", "1", "-1"),), ("dx",))
    assert target_from(json.loads(Report((target,)).to_json())["targets"][0]) == target


def test_colour_is_in_the_text_only_where_asked_for() -> None:
    report = Report((Target("f", None, WRONG, (Finding("dx", "sign", "wrong"),)),))
    assert "\033[" in report.text(colour=True)
    assert "\033[" not in report.text()


def test_every_kind_is_documented() -> None:
    page = (ROOT / "docs" / "checking.md").read_text("utf-8")
    assert all(f"| `{kind}` | {meaning} |" in page for kind, meaning in KINDS.items())


NETWORK = """
import numpy as np

class Net:
    def __init__(self, inputs=2, hidden=8, classes=3):
        rng = np.random.default_rng(0)
        self.w1, self.b1 = rng.normal(size=(inputs, hidden)), np.zeros(hidden)
        self.w2, self.b2 = rng.normal(size=(hidden, classes)), np.zeros(classes)

    def forward(self, x, t):
        self.x, self.t = x, t
        self.h = np.maximum(x @ self.w1 + self.b1, 0)
        z = self.h @ self.w2 + self.b2
        z = z - z.max(axis=1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return -np.mean((t * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum(axis=1))

    def backward(self):
        dz = (self.p - self.t) / len(self.x)
        self.dw2, self.db2 = self.h.T @ dz, dz.sum(axis=0)
        dh = (dz @ self.w2.T) * (self.h > 0)
        self.dw1, self.db1 = self.x.T @ dh, dh.sum(axis=0)
"""


RECURRENT = """
class Recurrent:
    def __init__(self, n_in=3, n_hidden=4):
        self.w, self.u, self.b = 0.4 * np.ones((n_in, n_hidden)), 0.1 * np.eye(n_hidden), np.zeros(n_hidden)

    def forward(self, x, h):
        self.x, self.h, self.out = x, h, np.tanh(x @ self.w + h @ self.u + self.b)
        return self.out

    def backward(self, upstream):
        g = upstream * (1 - self.out**2)
        self.dw, self.du, self.db = self.x.T @ g, self.h.T @ g, g.sum(axis=0)
        return g @ self.w.T, g @ self.u.T
"""


def test_shapes_follow_from_what_a_class_holds_when_it_is_made(tmp_path: Path) -> None:
    text = NETWORK + RECURRENT + RECURRENT.replace("Recurrent", "Turned").replace("self.h.T @ g", "g.T @ self.h")
    network, right, turned = codegen.check(written(tmp_path, text)).targets
    assert (network.verdict, right.verdict, right.operation) == ("right", "right", "rnn-cell")
    assert (turned.verdict, turned.findings[0].kind) == ("wrong", "transpose")


@pytest.mark.parametrize(
    ("change", "verdict"), [(("", ""), "right"), (("self.p - self.t", "self.p + self.t"), "wrong")]
)
def test_a_network_is_checked_with_labels_of_a_shape_that_is_given(
    change: tuple[str, str], verdict: str, tmp_path: Path
) -> None:
    """Labels whose shape is given are labels still: rows of one 1, for which (p - t)/N is right."""
    path = written(tmp_path, NETWORK.replace(*change))
    (target,) = codegen.check(path, shapes={"x": (5, 2), "t": (5, 3)}).targets
    assert target.verdict == verdict
    assert {"dw1", "db1", "dw2", "db2"} <= {*target.checked}


def test_a_file_is_read_as_it_stands_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    """Two texts of one length within a second: what Python compiled of the first is not run for the second."""
    for sign, verdict in (("-", "right"), ("+", "wrong")):
        path = written(tmp_path, SIGMOID.replace("(1 - self.y)", f"(1 {sign} self.y)"))
        os.utime(path, (1e9, 1e9))
        assert codegen.check(path).targets[0].verdict == verdict
    assert [each.name for each in tmp_path.iterdir()] == ["layers.py"]


CLIPPED = """
class {name}:
    def forward(self, x):
        self.x = x
        return np.clip(x, -3, 3)

    def backward(self, upstream):
        return upstream{mask}
"""


def test_what_is_cut_off_far_from_0_is_no_identity(tmp_path: Path) -> None:
    """Though the forward pass is the identity where values are usual."""
    text = CLIPPED.format(name="Whole", mask="") + CLIPPED.format(name="Masked", mask=" * (np.abs(self.x) < 3)")
    whole, masked = codegen.check(written(tmp_path, text)).targets
    assert (whole.verdict, [each.kind for each in whole.findings]) == ("wrong", ["clip"])
    assert masked.verdict == "right"


def test_what_forward_hands_on_by_name_is_no_output(tmp_path: Path) -> None:
    """A file that the project writes is right, and wrong with one factor too many; its docstrings tell the shapes."""
    source = codegen.source("layer-norm", "focal", "outer")
    twice = codegen.source("layer-norm").replace("    dx = ", "    dx = 2 * ").replace("layer_norm", "twice")
    *right, wrong = codegen.check(written(tmp_path, source + twice.partition("import numpy as np")[2])).targets
    assert [(each.verdict, each.operation) for each in right] == [
        ("right", name) for name in ("layer-norm", "focal", "outer")
    ]
    assert wrong.verdict == "wrong" and wrong.findings[0].kind == "factor"
