"""The documentation's folders: the README of each lists all of its pages, under their titles, in their order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
LINK = re.compile(r"\[([^\]]*)\]\(([\w.-]+\.(?:md|ipynb))\)")


def title_of(page: Path) -> str:
    """Return a page's first heading, without the number before it."""
    text = page.read_text("utf-8")
    if page.suffix == ".ipynb":
        text = "".join(json.loads(text)["cells"][0]["source"])
    return re.sub(r"^# (?:\d+\. )?", "", text.splitlines()[0])


def pages_of(folder: Path) -> list[tuple[str, str]]:
    """Return the titles and names of a folder's pages in their order."""
    pages = sorted(page for page in folder.iterdir() if page.suffix in (".md", ".ipynb") and page.stem != "README")
    return [(title_of(page), page.name) for page in pages]


@pytest.mark.parametrize("folder", ["decisions", "notebooks"])
def test_a_folder_lists_its_pages(folder: str) -> None:
    pages = pages_of(DOCS / folder)
    assert len(pages) >= 5
    assert LINK.findall((DOCS / folder / "README.md").read_text("utf-8")) == pages
    assert LINK.findall("- [Another title](0001-nodes.md)") != pages[:1]


def test_every_page_is_in_the_contents() -> None:
    contents = re.findall(r"^[\w/]+$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(name for name in contents if "/" not in name) == sorted(
        page.stem for page in DOCS.glob("*.md") if page.stem != "index"
    )
