"""Reports in a real browser: formulas are drawn, nothing is complained of, a telephone's page fits its width."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from codegen.documents import report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium, chromium-browser or google-chrome")

#: Opens every fold and tells how large things are.
MEASURE = """<script>
addEventListener("load", () => {
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  const boxes = [...document.querySelectorAll("math")].map((each) => each.getBoundingClientRect());
  const sum = document.querySelector("munderover > mo").getBoundingClientRect();
  const found = { formulas: boxes.length, width: Math.min(...boxes.map((box) => box.width)),
    height: Math.min(...boxes.map((box) => box.height)), sum: sum.height,
    page: document.documentElement.scrollWidth, window: innerWidth,
    boxes: document.querySelectorAll(".formula").length };
  parent.postMessage(JSON.stringify(found), "*");
});
</script></body>"""
#: Holds a page in a frame, which may be narrower than a browser's window, and writes down what it tells.
FRAME = """<!DOCTYPE html><html><body><pre id="found"></pre><script>
addEventListener("message", (event) => { document.querySelector("#found").textContent = event.data; });
</script><iframe style="width: {width}px; height: 800px; border: 0" srcdoc="{page}"></iframe></body></html>"""


@cache
def page() -> str:
    return report("softmax-cce", "dense").html()


def run(path: Path, *options: str) -> tuple[str, list[str]]:
    """Open a page; return the document as it has become, and what was complained of."""
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
    command += [f"--user-data-dir={path.parent / 'profile'}", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    return done.stdout, re.findall(r".*(?:CONSOLE|net::ERR).*", done.stderr)


def measured(text: str, folder: Path, width: int) -> tuple[dict[str, Any], list[str]]:
    copy = folder / "page.html"
    inner = escape(text.replace("</body>", MEASURE))
    copy.write_text(FRAME.replace("{width}", str(width)).replace("{page}", inner), "utf-8")
    dom, complaints = run(copy, "--dump-dom", "--window-size=1300,900", "--virtual-time-budget=20000")
    found = re.search(r'<pre id="found">(\{.*?)</pre>', dom)
    assert found is not None, dom[-500:]
    return json.loads(unescape(found[1])), complaints


@pytest.mark.parametrize("width", [1200, 360])
def test_formulas_are_drawn_and_the_page_fits(tmp_path: Path, width: int) -> None:
    found, complaints = measured(page(), tmp_path, width)
    assert complaints == []
    assert found["formulas"] == page().count("<math") > 80
    assert found["boxes"] > 40
    assert found["width"] > 3 and found["height"] > 5 and found["sum"] > 12
    assert found["page"] <= found["window"] == width


def test_the_check_sees_what_is_wrong(tmp_path: Path) -> None:
    wide = '<div style="width: 5000px">wide</div><script>console.error("broken")</script><math></math></main>'
    found, complaints = measured(page().replace("</main>", wide), tmp_path, 360)
    assert len(complaints) == 1 and "broken" in complaints[0]
    assert found["page"] > found["window"] and found["width"] == 0


def test_what_is_folded_is_printed(tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    path, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    path.write_text(page(), "utf-8")
    run(path, f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    text = subprocess.run(["pdftotext", "-layout", printed, "-"], capture_output=True, text=True, check=True).stdout
    assert "quotient rule" in text and "insert: the derivative by" in text
    longest = max(page().split("<pre")[-1].split("</pre>")[0].splitlines(), key=len)
    assert unescape(longest).split()[-1] in text
