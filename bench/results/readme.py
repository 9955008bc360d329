"""README's table and the sentences under it, from a committed `table.csv`: neither is typed, so neither can drift."""

import csv
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.escaping import markdown, markdown_code
from bench.results.table.compared import BASELINE
from bench.results.trainings import ENOUGH
from datasets.errors import BenchError
from datasets.files import write_text

# The metric that is shown, and characters in a line of README.
METRIC, WIDTH = "accuracy", 120

Line = Mapping[str, str]


def readme_table(path: Path) -> str:
    """Accuracy by method and task with its 95 % interval, and how many trainings stand behind a row, where the file
    says so; bold as in the tables."""
    lines = _lines(path)
    labels = {
        line["task"]: f"{line['task']}[synthetic]" if line["synthetic"] == "true" else line["task"] for line in lines
    }
    rows: dict[str, dict[str, str]] = {}
    trainings: dict[str, set[int]] = {}
    for line in lines:
        rows.setdefault(line["method"], {})[line["task"]] = _cell(line)
        if line["value"]:
            trainings.setdefault(line["method"], set()).add(_trainings(line))
    counted = any("trainings" in line for line in lines)
    heads = ["method", *["trainings"] * counted, *labels.values()]
    shown = [f"| {' | '.join(map(markdown, heads))} |", "|---" * len(heads) + "|"]
    for method, cells in rows.items():
        counts = " or ".join(str(count or "none") for count in sorted(trainings.get(method, ())))
        own = [markdown_code(method), *[counts] * counted, *(cells.get(task, "") for task in labels)]
        shown.append(f"| {' | '.join(own)} |")
    return "\n".join(shown)


def readme_text(path: Path) -> str:
    """What the numbers of the table say, in lines of README's width: which trained rows beat `random_init`, on which
    tasks, and which do not; of rows of one or two trainings, that nothing is told of them."""
    lines = [line for line in _lines(path) if line["value"]]
    trained = [line for line in lines if line["reference"] != "true"]
    few = list(dict.fromkeys(line["method"] for line in trained if _few(line)))
    judged = [line for line in trained if not _few(line) and line.get("standing")]
    sentences = []
    if judged:
        sentences.append(
            f"Better than `{BASELINE}` at 5 % (paired by seed and unit, Holm's correction over the rows): "
            f"{_by_task(judged, 'better')}. Worse: {_by_task(judged, 'worse')}. "
            "The other rows of at least three trainings cannot be told from it."
        )
    if few:
        everyone = len(few) == len({line["method"] for line in trained})
        who = "Every trained row is" if everyone else f"{_names(few)} {'is' if len(few) == 1 else 'are'}"
        one = {_trainings(line) for line in trained if _few(line)} == {1}
        sentences.append(
            f"{who} of {'one training' if one else 'one or two trainings'}, by which nothing is told apart: an "
            f"interval over tracks or images does not say how another training would come out ({ENOUGH} are needed)."
        )
        above = [line for line in trained if _few(line) and _above_baseline(line, lines)]
        sentences.append(
            f"By value alone, which another training may turn round, above `{BASELINE}` are "
            f"{_by_task(trained, None, above)}; the others are not."
        )
    for task in dict.fromkeys(line["task"] for line in lines):
        values = {line["value"] for line in lines if line["task"] == task}
        if len(values) == 1 and len([line for line in lines if line["task"] == task]) > 1:
            sentences.append(
                f"On {markdown(task)} all rows have the same {METRIC}, chance too, so that it tells nothing there."
            )
    return textwrap.fill(" ".join(sentences), WIDTH, break_long_words=False, break_on_hyphens=False)


def update_readme(readme: Path, name: str, text: str) -> None:
    """Put a text between README's markers `<!-- NAME -->` and `<!-- end -->`."""
    whole = readme.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->\n", "\n<!-- end -->"
    if begin not in whole:
        raise BenchError(f"{readme} has no marker {begin.strip()}")
    head, _, rest = whole.partition(begin)
    write_text(readme, head + begin + text + rest[rest.index(end) :])


def _lines(path: Path) -> list[Line]:
    with path.open(encoding="utf-8", newline="") as handle:
        return [line for line in csv.DictReader(handle) if line["metric"] == METRIC]


def _cell(line: Line) -> str:
    if not line["value"]:
        return line["status"].replace("not_applicable", "n/a")
    text = f"{float(line['value']):.3f}"
    if line.get("best") == "true":
        text = f"**{text}**"
    return f"{text} ({float(line['low']):.2f}–{float(line['high']):.2f})" if line["low"] else text


def _trainings(line: Line) -> int:
    """Tables of before trainings were counted have seeds, each a training."""
    return int(line.get("trainings") or line["seeds"])


def _few(line: Line) -> bool:
    return 0 < _trainings(line) < ENOUGH


def _above_baseline(line: Line, lines: Iterable[Line]) -> bool:
    """Whether a value is better than `random_init`'s on its task."""
    found = [float(other["value"]) for other in lines if (other["task"], other["method"]) == (line["task"], BASELINE)]
    return bool(found) and float(line["value"]) > found[0]


def _by_task(lines: Sequence[Line], standing: str | None, chosen: Sequence[Line] | None = None) -> str:
    """Which methods on which task, `none` where there are none: those of a standing, or those chosen."""
    found = [line for line in lines if line.get("standing") == standing] if chosen is None else chosen
    by_methods: dict[tuple[str, ...], list[str]] = {}
    for task in dict.fromkeys(line["task"] for line in lines):
        by_methods.setdefault(tuple(line["method"] for line in found if line["task"] == task), []).append(task)
    return "; ".join(
        f"{_names(methods)} on {_joined([markdown(task) for task in tasks])}" for methods, tasks in by_methods.items()
    )


def _names(methods: Sequence[str]) -> str:
    return _joined([markdown_code(method) for method in methods]) or "none"


def _joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
