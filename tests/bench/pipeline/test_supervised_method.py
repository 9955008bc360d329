"""A method that only a task's labels train: nothing is encoded for it, and it is no row of a task without training."""

from collections.abc import Callable
from pathlib import Path

from bench.pipeline.records import Record

UNTAUGHT = """

class Untaught(Tiny):
    trains = False
    provides = frozenset({"encoder"})

    def encoder(self):
        return self.module
"""

TASK = """
from tasks.base import Metric, Scores, Task


class Parameters(Task):
    dataset = "utkface"
    requires = frozenset()
    uses = frozenset({"features", "encoder"})
    metrics = (Metric("features"), Metric("weights", high=None))

    def evaluate(self, inputs):
        weights = len(inputs.model().module.state_dict())
        return Scores({"features": float(inputs.has_features), "weights": float(weights)})
"""


def test_nothing_is_encoded_before_labels_train_it(
    grid: Callable[..., tuple[int, list[Record]]], own_methods: Path, tmp_path: Path
) -> None:
    methods, task = tmp_path / "untaught.py", tmp_path / "parameters.py"
    methods.write_text(own_methods.read_text() + UNTAUGHT)
    task.write_text(TASK)
    code, [trained] = grid(f"{methods}:Untaught", tasks=f"{task}:Parameters")
    assert (code, trained.status, trained.metrics) == (0, "ok", {"features": 0.0, "weights": 4.0})
    assert trained.feature_size is None
    assert not list((tmp_path / "store").glob("features/**/*.npy"))
    [clustered] = grid(f"{methods}:Untaught")[1]
    assert clustered.status == "not_applicable"
    assert "no features before a task's labels train it" in str(clustered.error)
