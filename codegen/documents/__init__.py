"""Documents of derivations: one model, and a writer for each format."""

from codegen.documents.report import Report, report

__all__ = ["Report", "report"]
