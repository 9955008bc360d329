"""A method that only a task's labels train: nothing is encoded for it, and it is no row of a task without training."""

from collections.abc import Callable
from pathlib import Path

from bench.pipeline.records import Record

UNTAUGHT = """

class Untaught(Tiny):
    trains, supervised = False, True
"""

TASK = """
from tasks.base import Scores, TrainingTask


class Parameters(TrainingTask):
    dataset = "utkface"

    def evaluate(self, features, model, dataset, **others):
        return Scores({"features": float(features is not None), "weights": float(len(model().module.state_dict()))})
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
