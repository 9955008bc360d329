"""Methods that share a checkpoint and derive artifacts, tasks that train, rows of some tasks only."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.grid.catalogue import METHODS
from bench.grid.registry import Entry
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.errors import BenchError

Grid = Callable[..., tuple[int, list[Record]]]

SHARING = '''


class Derived(Tiny):
    """Tiny's features less their mean over the training images."""

    shares = Tiny
    derives_from = "utkface"

    def derive(self, dataset, *, seed, progress):
        from methods.base import to_float

        device = next(self.module.parameters()).device
        return {"mean": super().encode(to_float(dataset.images[:32].copy(), device)).mean(dim=0)}

    def use(self, derived):
        self.mean = derived["mean"]

    def notes(self):
        return [*super().notes(), f"less a mean of {len(self.mean)} values"]

    def pictures(self, images):
        return {"input": images}

    def encode(self, images):
        return super().encode(images) - self.mean
'''

TRAINING = '''
import numpy as np
import torch
from torch import nn

from methods.learning import Schedule, SupervisedLearner
from tasks.base import Metric, Scores, Task


class Probe(SupervisedLearner):
    def __init__(self, width):
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(width, 1)

    def optimizers(self):
        return {"head": torch.optim.Adam(self.parameters(), lr=0.1)}

    def forward(self, inputs, targets, *, phase, step):
        return {"loss": (self.head(inputs) - targets).square().mean()}


class Brightness(Task):
    """How well a linear probe on the features tells how bright an image is."""

    dataset = "utkface"
    metrics = (Metric("explained"),)
    uses = frozenset({"encoder"})
    trains = True

    def frames(self, dataset, *, seed):
        return np.sort(np.random.default_rng(seed).permutation(len(dataset))[:100])

    def evaluate(self, inputs):
        images = inputs.dataset.images[inputs.frames]
        targets = images.mean(axis=(1, 2, 3), keepdims=True).reshape(-1, 1).astype(np.float32) / 255
        rows = np.array(inputs.features)
        probe = Probe(rows.shape[1])
        schedule = Schedule(batch_size=20, max_epochs=40, flip=False, holdout=False, precision="32-true")
        summary = inputs.trainer.train_supervised(probe, rows, targets, schedule, name="probe")
        with torch.no_grad():
            left = (probe.head(torch.from_numpy(rows)).numpy() - targets).var() / targets.var()
        assert inputs.model().encoder is not None
        return Scores({"explained": float(max(0.0, 1 - left))}, details={"steps": summary["steps"]})


class Pyramidal(Brightness):
    requires = frozenset({"pyramid"})
'''


@pytest.fixture
def sharing(own_methods: Path) -> Path:
    path = own_methods.with_name("own_sharing.py")
    path.write_text(own_methods.read_text() + SHARING)
    return path


@pytest.fixture
def own_task(tmp_path: Path) -> Path:
    path = tmp_path / "own_task.py"
    path.write_text(TRAINING)
    return path


def test_one_checkpoint_serves_two_methods(grid: Grid, sharing: Path, tmp_path: Path) -> None:
    methods = f"{sharing}:Tiny,{sharing}:Derived"
    code, [plain, derived] = grid(methods)
    assert code == 0
    assert derived.weights_sha256 == plain.weights_sha256
    assert derived.stages["fit"] == plain.stages["fit"]
    assert len(list((tmp_path / "store").glob("checkpoints/*"))) == 1
    assert derived.ingredients["derive"]["weights"] == plain.weights_sha256
    [folder] = Store(tmp_path / "store").root.glob("derived/*")
    assert [path.name for path in folder.glob("*.png")] == ["own_sharing.py-Derived-seed0.png"]
    assert derived.notes == [*plain.notes, f"less a mean of {derived.feature_size} values"]
    assert grid(methods)[1] == [plain, derived], "nothing is computed twice"


def test_a_task_trains_on_features(grid: Grid, own_methods: Path, own_task: Path, tmp_path: Path) -> None:
    code, [record, _] = grid(f"{own_methods}:Tiny,raw_pixels", tasks=f"{own_task}:Brightness")
    assert code == 0, record.error
    assert record.details["steps"] == 40 * 100 // 20
    assert record.metrics["explained"] > 0.5
    assert not list((tmp_path / "store" / "evaluations").iterdir()), "progress is gone once it is finished"
    there = grid(f"{own_methods}:Tiny", tasks=f"{own_task}:Brightness", store="elsewhere")[1][0]
    assert there.metrics == record.metrics, "the same seed gives the same bits"
    assert grid(f"{own_methods}:Tiny", tasks=f"{own_task}:Brightness")[1] == [record]


def test_methods_without_a_pyramid_are_not_applicable(grid: Grid, own_methods: Path, own_task: Path) -> None:
    code, [record] = grid(f"{own_methods}:Tiny", tasks=f"{own_task}:Pyramidal")
    assert (code, record.status) == (0, "not_applicable")
    assert record.error == "own_methods.py:Tiny has no feature pyramid to segment with"
    assert not record.stages, "nothing is trained for a cell that has nothing to say"


def test_rows_of_some_tasks_only(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("odd_row", "methods.baselines:RawPixels", "", tasks=("elsewhere",))
    monkeypatch.setitem(METHODS.entries(), "odd_row", entry)
    _, records = grid("odd_row,raw_pixels")
    assert [record.method for record in records] == ["raw_pixels"]
    with pytest.raises(BenchError, match="nothing to run: odd_row is a row of elsewhere only"):
        grid("odd_row")


def test_variants_that_only_encode_differently_share_a_checkpoint(grid: Grid) -> None:
    quick = ["pdr.schedule.max_steps=2", "pdr.nf=16"]
    code, records = grid("pdr,pdr[features=light],pdr[features=geometry,view]", settings=quick)
    assert code == 0
    assert len({record.weights_sha256 for record in records}) == 1
    assert [record.method_config["features"] for record in records] == [
        ["geometry", "albedo"],
        ["light"],
        ["geometry", "view"],
    ]
    assert len({record.stages["encode"].key for record in records}) == 3
    assert records[1].name == "pdr[features=light]/" + records[0].task + "/0"
