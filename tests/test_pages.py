"""The catalogue's pages in the documentation are those that its records give."""

from __future__ import annotations

from pathlib import Path

import pytest

import derive
from codegen.pages import INDEX, index_page, operation_page

FOLDER = Path(__file__).parent.parent / "docs" / "catalogue"
WRITTEN = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != INDEX)
MEND = "`derive pages docs/catalogue` writes the pages anew"


def test_every_page_is_of_an_operation() -> None:
    assert set(WRITTEN) <= set(derive.catalogue()), MEND


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_is_what_the_record_gives(name: str) -> None:
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8") == operation_page(derive.find(name)), MEND


def test_the_list_is_what_the_records_give() -> None:
    operations = [operation for name, operation in derive.catalogue().items() if name in WRITTEN]
    assert (FOLDER / f"{INDEX}.md").read_text(encoding="utf-8") == index_page(operations), MEND


def test_a_page_has_the_definition_the_gradient_the_steps_the_code_and_the_source() -> None:
    text = operation_page(derive.find("y[n] = sum(a[n,i]**2, i)"))
    for part in (
        r"$$y_{n} = \sum_{i=1}^{I} a_{n,i}^{2}$$",
        "| `a` | (N, I) |",
        r"$$\bar{a}_{n,i} = 2 \bar{y}_{n}\, a_{n,i}$$",
        "<summary>gradient of a in y</summary>",
        "1. definition",
        "def y_forward(a):",
        "def y_backward(dy, a):",
    ):
        assert part in text
    assert "Bridle" in operation_page(derive.find("softmax"))
