"""Documents of derivations: one model, and a writer for each format."""

from codegen.documents.report import Report, check_format, report

__all__ = ["Report", "check_format", "report"]
