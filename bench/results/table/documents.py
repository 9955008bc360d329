"""A table for a document: LaTeX (booktabs), to be put into a paper with `\\input`, or a small HTML page of its own."""

import re

from bench.escaping import latex
from bench.results.pages import template
from bench.results.table.cells import has_paper, has_sd, texts, trainings
from bench.results.table.model import Row, Section, Table
from bench.results.table.stacked import stacked, verdict


def to_html(table: Table, title: str) -> str:
    """A page that needs nothing else: one `table` per task, with verdicts where there are published figures."""
    return template("bench.results.table", "table.html.j2").render(
        title=title,
        table=table,
        sections=[stacked(section, verdict) for section in table.sections],
    )


def to_latex(table: Table, title: str) -> str:
    """One `table` environment per task, small and with a label, notes below; needs `\\usepackage{booktabs}`."""
    return "\n\n".join(_environment(section, f"{title}: {section.label}", table) for section in table.sections) + "\n"


def _environment(section: Section, title: str, table: Table) -> str:
    spans, rules, heads, start = [], [], [], 3
    for column, metric in enumerate(section.metrics):
        own = ["ours", r"95\,\%", *["sd"] * has_sd(section, column)]
        own += ["paper", "verdict"] * has_paper(section, column)
        width = len(own)
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{latex(metric.header)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        heads += own
        start += width
    lines = [
        r"\begin{table}",
        r"  \centering",
        r"  \footnotesize",
        r"  \setlength{\tabcolsep}{3pt}",
        rf"  \begin{{tabular}}{{ll{'r' * (start - 3)}}}",
        r"    \toprule",
        rf"    & & {' & '.join(spans)} \\",
        f"    {' '.join(rules)}",
        rf"    method & trainings & {' & '.join(heads)} \\",
        r"    \midrule",
    ]
    reference = False
    for row in section.rows:
        if row.reference and not reference:
            lines.append(r"    \midrule")
        reference = row.reference
        cells = [trainings(row), *(cell for column in range(len(row.scores)) for cell in _cells(section, row, column))]
        marks = rf"\textsuperscript{{{','.join(map(str, row.notes))}}}" if row.notes else ""
        lines.append(rf"    {latex(row.method)}{marks} & {' & '.join(cells)} \\")
    lines += [r"    \bottomrule", r"  \end{tabular}"]
    notes = [rf"\textsuperscript{{{number}}}~{latex(note)}" for number, note in enumerate(section.notes, start=1)]
    if notes:
        lines.append(r"  \par\smallskip\parbox{\linewidth}{\raggedright " + r"\\ ".join(notes) + "}")
    caption = " ".join([f"{title} ({table.title}).", *section.captions, *table.captions])
    label = re.sub(r"[^a-z0-9]+", "-", section.task.lower()).strip("-")
    return "\n".join([*lines, rf"  \caption{{{latex(caption)}}}", rf"  \label{{tab:{label}}}", r"\end{table}"])


def _cells(section: Section, row: Row, column: int) -> list[str]:
    """One metric of one row: ours, its interval, and what else the column has."""
    score = row.scores[column]
    text = texts(score)
    value = rf"\textbf{{{text.value}}}" if text.best else text.value
    found = [value, latex(text.interval), *[text.sd] * has_sd(section, column)]
    return found + [text.paper, latex(score.verdict)] * has_paper(section, column)
