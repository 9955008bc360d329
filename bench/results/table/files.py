"""The table as Markdown for a reader and as CSV for a program."""

import csv
import io

from bench import escaping
from bench.escaping import markdown
from bench.results.table.cells import judged_cells, judged_headers, wide_cells, wide_headers
from bench.results.table.model import Section, Table

CSV_COLUMNS = (
    "task",
    "method",
    "metric",
    "reference",
    "status",
    "seeds",
    "value",
    "low",
    "high",
    "over",
    "published",
    "source",
    "difference",
    "verdict",
    "synthetic",
    "profile",
    "protocol",
    "unit",
    "better",
    "trainings",
    "sd",
    "known_sd",
    "known_trainings",
    "best",
    "p_best",
    "standing",
    "notes",
)
BETTER = {True: "higher", False: "lower", None: ""}


def to_csv(table: Table) -> str:
    """One line per (task, method, metric), numbers in full; what does not apply is empty.

    `low`, `high`: 95 % interval over what `over` says; `synthetic`: whether any data behind the value was drawn by
    the project; `reference`: whether the row is one that learned methods must beat; `unit`: of the value, empty for a
    pure number; `better`: higher, lower, or empty where neither is; `notes`: the sentences on the row; the rest is as
    in `Row` and `Score`. A name that a spreadsheet would take for a formula has an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for section in table.sections:
        for row in section.rows:
            for metric, score in zip(section.metrics, row.scores, strict=True):
                writer.writerow(
                    {
                        "task": escaping.csv(section.task),
                        "method": escaping.csv(row.method),
                        "metric": escaping.csv(metric.name),
                        "reference": _word(row.reference),
                        "status": score.status,
                        "seeds": score.seeds,
                        "value": _number(score.value),
                        "low": _number(score.low),
                        "high": _number(score.high),
                        "over": escaping.csv(score.over or ""),
                        "published": _number(score.published),
                        "source": escaping.csv(score.source or ""),
                        "difference": _number(score.difference),
                        "verdict": score.verdict,
                        "synthetic": _word(row.synthetic or section.synthetic),
                        "profile": table.profile,
                        "protocol": table.protocol,
                        "unit": escaping.csv(metric.unit),
                        "better": BETTER[metric.higher_is_better],
                        "trainings": "" if row.trainings is None else row.trainings,
                        "sd": _number(score.sd),
                        "known_sd": _number(score.known_sd),
                        "known_trainings": score.known_trainings or "",
                        "best": _word(score.best),
                        "p_best": _number(score.p_best),
                        "standing": score.standing,
                        "notes": escaping.csv("; ".join(section.notes[number - 1] for number in row.notes)),
                    }
                )
    return out.getvalue()


def to_markdown(table: Table, *, verdicts: bool = False) -> str:
    """One heading and table per task, with its captions and notes below; `verdicts` says in words what each value is
    against the published figure."""
    parts = [markdown(table.title)]
    for section in table.sections:
        parts += [f"### {markdown(section.label)}", _markdown_table(section, verdicts)]
        parts += [markdown(caption) for caption in section.captions]
        if section.notes:
            parts.append("\n".join(f"{n}. {markdown(note)}" for n, note in enumerate(section.notes, start=1)))
    parts += [markdown(caption) for caption in table.captions]
    return "\n\n".join(parts) + "\n"


def _markdown_table(section: Section, verdicts: bool) -> str:
    headers_of, cells_of = (judged_headers, judged_cells) if verdicts else (wide_headers, wide_cells)
    headers = headers_of(section)
    lines = [_line([markdown(header) for header in headers]), _line(["---", *["---:"] * (len(headers) - 1)])]
    learned = sum(not row.reference for row in section.rows)
    for number, row in enumerate(section.rows):
        if 0 < number == learned:
            lines.append(_line(["*for reference*", *[""] * (len(headers) - 1)]))
        marks = ",".join(map(str, row.notes))
        name = markdown(row.method) + (f"<sup>{marks}</sup>" if marks else "")
        lines.append(_line([name, *(f"**{text}**" if best else text for text, best in cells_of(section, row))]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _word(flag: bool) -> str:
    return "true" if flag else "false"
