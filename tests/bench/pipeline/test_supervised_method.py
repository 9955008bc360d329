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


def test_the_ceiling_is_a_row_where_the_protocol_has_labels_to_train_with(
    grid: Callable[..., tuple[int, list[Record]]], tmp_path: Path
) -> None:
    code, records = grid("supervised_resnet18", tasks="bbt,yaleb,shapenet_cars,celeba_mask,rafdb,celeba")
    assert code == 0, [record.error for record in records]
    status = {record.task: record.status for record in records}
    assert status == {
        **dict.fromkeys(("bbt", "yaleb", "shapenet_cars", "celeba_mask"), "not_applicable"),
        **dict.fromkeys(("rafdb", "celeba"), "ok"),
    }
    errors = {record.task: str(record.error) for record in records}
    for task in ("bbt", "yaleb", "shapenet_cars"):
        assert errors[task].endswith(
            f"has no features before a task's labels train it, and {task} has none to train it with"
        )
    assert "has no feature pyramid" in errors["celeba_mask"]
    for record in records[-2:]:
        assert record.details["taught"]["images"] == 48
        assert record.details["taught"]["steps"] == 4
        assert "a ceiling: trained with the labels of the training split's 48 images" in record.notes
        assert record.feature_size is None
    assert not list((tmp_path / "store").glob("features/**/*.npy"))
    again = grid("supervised_resnet18", tasks="rafdb", store="elsewhere")[1][0]
    assert again.metrics == records[4].metrics
