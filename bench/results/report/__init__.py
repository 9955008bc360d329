"""One self-contained HTML page of a run: numbers, pictures, costs and provenance. It needs no network to be read."""

from bench.results.report.page import report_path, write_report

__all__ = ["report_path", "write_report"]
