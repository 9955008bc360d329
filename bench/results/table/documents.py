"""A table for a document: LaTeX (booktabs), to be put into a paper with `\\input`, or a small HTML page of its own."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.results.table.cells import WORDS, has_paper, judged_cells, judged_headers, verdict
from bench.results.table.model import Score, Section, Table

ESCAPED = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
}


def to_html(table: Table, title: str) -> str:
    """A page that needs nothing else: one `table` per task, with verdicts where there are published figures."""
    loader = PackageLoader("bench.results.table", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("table.html.j2").render(
        title=title,
        table=table,
        sections=[
            (section, judged_headers(section), [(row, judged_cells(section, row)) for row in section.rows])
            for section in table.sections
        ],
    )


def to_latex(table: Table, title: str) -> str:
    """One `table` environment per task; needs `\\usepackage{booktabs}`."""
    return "\n\n".join(_environment(section, f"{title}: {section.label}", table) for section in table.sections) + "\n"


def escaped(text: str) -> str:
    """Text that LaTeX shows as it is."""
    return "".join(ESCAPED.get(sign, sign) for sign in text)


def _environment(section: Section, title: str, table: Table) -> str:
    paper = [has_paper(section, column) for column in range(len(section.metrics))]
    spans, rules, heads, start = [], [], [], 2
    for metric, both in zip(section.metrics, paper, strict=True):
        width = 4 if both else 2
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{escaped(metric.header)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        heads += ["ours", r"95\,\%", *(["paper", "verdict"] if both else [])]
        start += width
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \begin{{tabular}}{{l{'r' * (start - 2)}}}",
        r"    \toprule",
        rf"    & {' & '.join(spans)} \\",
        f"    {' '.join(rules)}",
        rf"    method & {' & '.join(heads)} \\",
        r"    \midrule",
    ]
    reference = False
    for row in section.rows:
        if row.reference and not reference:
            lines.append(r"    \midrule")
        reference = row.reference
        cells = [cell for score, both in zip(row.scores, paper, strict=True) for cell in _cells(score, both)]
        lines.append(rf"    {escaped(row.method)} & {' & '.join(cells)} \\")
    caption = " ".join([f"{title} ({table.title}).", *section.captions, *table.captions])
    return "\n".join(
        [*lines, r"    \bottomrule", r"  \end{tabular}", rf"  \caption{{{escaped(caption)}}}", r"\end{table}"]
    )


def _cells(score: Score, both: bool) -> list[str]:
    if score.value is None:
        value = WORDS[score.status]
    else:
        value = rf"\textbf{{{score.value:.3f}}}" if score.best else f"{score.value:.3f}"
    interval = "" if score.low is None or score.high is None else f"{score.low:.2f}--{score.high:.2f}"
    paper = "" if score.published is None else f"{score.published:.3f}"
    return [value, interval, *([paper, escaped(verdict(score))] if both else [])]
