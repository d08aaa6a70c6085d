"""How the documentation site is built: ``sphinx-build -W docs build/site``, with the extra 'docs' installed."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

import derive

project = "derivegen"
author = "The derivegen authors"
version = release = derive.__version__

# The last one brings MathJax along, so that formulas are drawn where there is no network.
extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx-mathjax-offline"]
exclude_patterns = ["_build"]

# Notebooks are stored with their outputs, which the tests hold against a run.
nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = "derivegen"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False

#: What an SVG says of itself.
DESCRIPTION = re.compile(r"<desc>(.*?)</desc>", re.DOTALL)
#: Said after the list of a folder's pages that people read, which stands in its README, for the site's contents.
PAGES_BELOW = """

```{toctree}
:hidden:
:glob:

*
```
"""


def add_pages_below(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the pages of a folder below its README."""
    if docname.endswith("/README"):
        source[0] += PAGES_BELOW


def strip_code(app: Sphinx, doctree: nodes.document) -> None:
    """Leave out what doctest needs and readers do not: the blank line that ends a block, and the marks of others."""
    for block in doctree.findall(nodes.literal_block):
        text = block.astext().rstrip("\n").replace("<BLANKLINE>", "")
        block.rawsource = text  # Sphinx colours what is its own source.
        block[:] = [nodes.Text(text)]


def describe_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Say of a notebook's pictures, which have no words on the page, what they say themselves."""
    for image in doctree.findall(nodes.image):
        path = Path(app.srcdir, image["uri"])
        if path.suffix == ".svg" and not image.get("alt"):
            words = DESCRIPTION.search(path.read_text("utf-8"))
            image["alt"] = unescape(words[1]) if words else ""


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_pages_below)
    app.connect("doctree-read", strip_code)
    app.connect("doctree-read", describe_pictures)
