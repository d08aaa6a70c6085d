"""Reports: what is to be said of operations, as a document in four formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.documents.contents import document
from codegen.documents.html import html_fragment, write_html
from codegen.documents.model import Document
from codegen.documents.phrases import check_language
from derive.catalogue import find
from derive.errors import InputError
from derive.record import Derived, Operation


@dataclass(frozen=True)
class Report:
    """A document on operations, and its formats."""

    document: Document

    def html(self) -> str:
        """Return one HTML file that needs nothing else."""
        return write_html(self.document)

    def _repr_html_(self) -> str:
        return html_fragment(self.document)


def report(*ops: str | Operation | Derived, language: str = "en", notation: str = "bar") -> Report:
    """Return a report."""
    check_language(language)
    operations = [find(op) for op in ops]
    return Report(document(operations, language, notation))
