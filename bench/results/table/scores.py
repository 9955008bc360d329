"""One score of a table: its interval, the published figure beside it, and what may be said of the two."""

from collections.abc import Sequence

from bench.pipeline.records import Record
from bench.results.published import published
from bench.results.spread import Spreads
from bench.results.table.departures import as_in_the_paper
from bench.results.table.model import UNLIKE, Score, Status, Verdict
from bench.results.trainings import Trainings
from tasks.results import Metric


def score(
    method: str, task: str, metric: Metric, records: Sequence[Record], row: Trainings | None, spreads: Spreads
) -> Score:
    """One metric of one row; `row` is None where no record has it.

    The interval of less than three trainings, and of a row without any, is over the units of the test set alone.
    """
    figure = published(method, task, metric.name)
    paper, source = (figure.value, figure.source) if figure is not None else (None, None)
    if row is None:
        # A record that succeeded without this metric has nothing to say in this column.
        states = [record.status for record in records if record.status != "ok"]
        status: Status = states[0] if states else "not_applicable" if records else "not_run"
        return Score(status, published=paper, source=source)
    value = row.mean
    low, high, over = interval(metric, row)
    unlike: Verdict = "" if paper is None else _why_not(row.records)
    known = None
    usual = all(_drawn(record) and not (record.method_settings or record.task_settings) for record in row.records)
    if row.number and not row.compared and usual:
        known = spreads.of(method, task, metric.name)
    return Score(
        "ok",
        len(row.records),
        value,
        low,
        high,
        over,
        sd=row.sd,
        known_sd=None if known is None else known[0],
        known_trainings=0 if known is None else known[1],
        published=paper,
        source=source,
        difference=value - paper if paper is not None and not unlike else None,
        verdict="" if paper is None else unlike or _verdict(row, low, high, paper),
    )


def interval(metric: Metric, row: Trainings) -> tuple[float | None, float | None, str | None]:
    """The 95 % interval of a row's mean and what it covers: that of the one record that there is (or of equal ones), as
    it stands; else the mean and its quantile of Student's t, within the metric's range."""
    own = row.records[0].intervals.get(metric.name)
    if len(set(row.values.values())) == 1 and own is not None:
        return own.low, own.high, own.over
    if not row.estimate.parts:
        return None, None, None
    half = row.estimate.half
    sources = [row.over] * row.several + [row.unit or row.records[0].per_item.unit] * bool(row.units)
    return *_within(metric, row.mean - half, row.mean, row.mean + half), " and ".join(sources)


def _within(metric: Metric, low: float, value: float, high: float) -> tuple[float, float]:
    """An interval cut to a metric's range, as far as the value itself keeps to it."""
    if metric.low is not None and value >= metric.low:
        low = max(low, metric.low)
    if metric.high is not None and value <= metric.high:
        high = min(high, metric.high)
    return low, high


def _why_not(records: Sequence[Record]) -> Verdict:
    """Why a row is not beside its published figure; empty where it is: of real data, trained and tested as there."""
    if any(record.synthetic for record in records):
        return "synthetic: not comparable"
    return "" if all(map(as_in_the_paper, records)) else UNLIKE


def _verdict(row: Trainings, low: float | None, high: float | None, paper: float) -> Verdict:
    """Whether the published figure lies in the value's 95 % interval, or the value is above or below it.

    Only of enough trainings. Without an interval only the same figure is within noise.
    """
    if not row.compared:
        return "too few trainings"
    value = row.mean
    if (value if low is None else low) <= paper <= (value if high is None else high):
        return "within noise"
    return "above" if value > paper else "below"


def _drawn(record: Record) -> bool:
    return record.dataset is not None and record.dataset.synthetic
