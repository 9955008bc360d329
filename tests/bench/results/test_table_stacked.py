"""Tables on pages: intervals below values, no column that holds nothing, one line for all that does not apply."""

from typing import Any

from record_factory import record

from bench.results.table import build
from bench.results.table.documents import to_html
from bench.results.table.stacked import Cell, difference, stacked, verdict
from tasks.results import Metric

ONE: dict[str, Any] = {"declared": [Metric("accuracy")], "metrics": {"accuracy": 0.5}}
AS_IN_THE_PAPER: dict[str, Any] = {"profile": "paper", "method_config": {}, "task_config": {}}


def alone(method: str, **changes: Any) -> Any:
    return record(method, **{**ONE, **AS_IN_THE_PAPER, **changes})


def test_intervals_stand_below_values_and_differences_below_published_figures() -> None:
    (real,) = build([alone("pdr")]).sections
    page = stacked(real, difference)
    assert page.headers == ("accuracy", "paper")
    row = page.rows[0]
    assert (row.name, row.trainings) == ("pdr", "1 training")
    assert row.cells == (Cell("0.500", ("0.48–0.52",)), Cell("0.575", ("-0.075",), words=True))
    (drawn,) = build([alone("pdr", synthetic=True)]).sections
    assert stacked(drawn, difference).rows[0].cells[1] == Cell("0.575", words=True), "no difference, so no line for it"
    assert stacked(drawn, verdict).rows[0].cells[1].below == ("synthetic: not comparable",)


def test_where_nothing_is_published_there_is_no_column_for_it() -> None:
    (own,) = build([alone("pdr", task="own")]).sections
    assert stacked(own, difference).headers == ("accuracy",)


def test_what_does_not_apply_is_one_line_and_takes_its_notes_along() -> None:
    n_a: dict[str, Any] = {"status": "not_applicable", "metrics": {}}
    records = [
        alone("vqvae", task="own", error="vqvae has none", **{**n_a, "declared": ONE["declared"]}),
        alone("pdr", task="own", notes=["a small model"]),
        alone("own", task="own", error="own has none", **{**n_a, "declared": ONE["declared"]}),
    ]
    table = build(records)
    page = stacked(table.sections[0], difference)
    learned = [row for row in page.rows if not row.reference]
    assert [(row.name, row.notes) for row in learned] == [("pdr", (1,))]
    assert page.notes == ("a small model",)
    methods, reasons = page.inapplicable
    assert methods == ("vqvae", "own")
    assert reasons == ("not applicable: vqvae has none", "not applicable: own has none")
    text = to_html(table, "own")
    assert text.count("<summary>Not applicable to vqvae, own</summary>") == 1
    assert text.count("<tr>") == 2, "the head and one row; those of references have a class"


def test_what_was_not_run_is_one_line() -> None:
    table = build([alone("pdr", task="own")])
    page = stacked(table.sections[0], difference)
    assert [row.name for row in page.rows] == ["pdr"]
    assert page.not_run == ("chance", "raw_pixels", "random_init")
    assert "<p>Not run: chance, raw_pixels, random_init.</p>" in to_html(table, "own")


def test_a_row_that_failed_or_has_a_published_figure_is_kept() -> None:
    n_a: dict[str, Any] = {"status": "not_applicable", "metrics": {}, "error": "x", "declared": ONE["declared"]}
    (section,) = build([alone("pdr", **n_a), alone("vqvae", status="failed", error="broke", metrics={})]).sections
    page = stacked(section, difference)
    learned = [row for row in page.rows if not row.reference]
    assert [(row.name, row.cells[0].text) for row in learned] == [("vqvae", "failed"), ("pdr", "n/a")]
    assert page.inapplicable == ((), ())
