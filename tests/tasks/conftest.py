"""What every task's scores must be, whatever the task: declared, and JSON."""

from collections.abc import Callable
from fnmatch import fnmatch

import pytest
from pydantic import TypeAdapter

from tasks.base import Scores, Task
from tasks.results import Caption, Chart, PerItem

Check = Callable[[Task, Scores], list[str]]


@pytest.fixture
def checked() -> Check:
    """A function that asserts of a task's scores that what the task declared holds, and returns the captions filled in.

    Every metric is declared, by name or pattern, and in its range; all that is declared by name of a task's main
    metrics is scored; intervals belong to scores; and what goes into the record survives JSON.
    """

    def check(task: Task, scores: Scores) -> list[str]:
        for declared, values in ((task.metrics, scores.metrics), (task.secondary, scores.secondary)):
            for name, value in values.items():
                own = [metric for metric in declared if fnmatch(name, metric.name)]
                assert len(own) == 1, f"{name} is declared {len(own)} times"
                assert own[0].low is None or value >= own[0].low, f"{name} {value} is below its range"
                assert own[0].high is None or value <= own[0].high + 1e-12, f"{name} {value} is above its range"
        places = [[fnmatch(name, metric.name) for metric in task.metrics].index(True) for name in scores.metrics]
        assert places == sorted(places), "scores are in the order of their declarations"
        assert not scores.metrics.keys() & scores.secondary.keys(), "a number is a metric or a secondary one"
        assert scores.intervals.keys() <= scores.metrics.keys() | scores.secondary.keys()
        for kind, given in (
            (list[Chart], list(scores.charts)),
            (list[Caption], list(scores.captions)),
            (PerItem, scores.per_item),
        ):
            adapter = TypeAdapter[object](kind)
            assert adapter.validate_json(adapter.dump_json(given)) == given, f"{kind} does not survive JSON"
        for picture in scores.pictures.values():
            assert picture.caption.endswith("."), "a caption is a sentence"
        return [caption.text.format(**caption.values) for caption in scores.captions]

    return check
