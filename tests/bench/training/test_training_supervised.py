"""The shared loop on inputs with targets: nothing held out, the last epoch kept, the same bits after a kill."""

import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from safetensors.torch import load_file
from torch import Tensor, nn
from toy_learners import fresh, images
from toy_learners import schedule as unsupervised
from toy_supervised import Regressor, brightness, schedule, train_until

from bench.training import loop
from bench.training.loop import FabricTrainer
from datasets.base import Silent
from datasets.errors import BenchError, Divergence
from datasets.files import read_json
from methods.base import to_float
from methods.learning import Losses, SupervisedLearner


def trainer(folder: Path, **changes: Any) -> FabricTrainer:
    return FabricTrainer(folder, **{"seed": 3, "device": "cpu", **changes})


def rows(count: int) -> np.ndarray:
    """Features that tell their own number."""
    return np.arange(count, dtype=np.float32)[:, None] + np.array([0.0, 0.123456789], dtype=np.float32)


class Watched(SupervisedLearner):
    """Keeps what it is given; its weight counts its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.steps: list[int] = []

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"all": torch.optim.SGD([self.weight], 1.0)}

    def forward(self, inputs: Tensor, targets: Tensor, *, phase: str, step: int) -> Losses:
        assert self.training
        self.seen.append((inputs.clone(), targets.clone()))
        self.steps.append(step)
        return {"loss": -self.weight}

    def epochs(self, count: int) -> list[list[int]]:
        """The targets of each of `count` epochs."""
        drawn = torch.cat([targets for _, targets in self.seen]).tolist()
        return [list(part) for part in np.array(drawn).reshape(count, -1)]


def weights(learner: nn.Module) -> list[Tensor]:
    return list(learner.state_dict().values())


def test_trains_on_everything_to_the_end(tmp_path: Path) -> None:
    learner = Regressor()
    summary = trainer(tmp_path).train_supervised(learner, images(), brightness(images()), schedule(max_epochs=12))
    assert (summary["steps"], summary["epochs"], summary["stopped_because"]) == (12 * 7, 12, "max_epochs")
    assert (summary["best_epoch"], summary["best_loss"]) == (12, None)
    parts = summary["split"]
    assert (parts["train"], parts["validation"], parts["test"]) == (60, 0, 0)
    curve = summary["curve"]
    assert [entry["validation"] for entry in curve] == [{}] * 12
    assert curve[-1]["train"]["loss"] < 0.2 * curve[0]["train"]["loss"]
    with torch.no_grad():
        left = (learner.net(to_float(images())) - torch.from_numpy(brightness(images()))).square().mean()
    assert left < 0.02
    assert not learner.training
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_each_input_comes_with_its_target_and_once_an_epoch(tmp_path: Path) -> None:
    learner = Watched()
    trainer(tmp_path).train_supervised(learner, rows(24), np.arange(24, dtype=np.int8), schedule(max_epochs=3))
    assert learner.steps == list(range(9))
    for inputs, targets in learner.seen:
        assert inputs.dtype == torch.float32
        assert targets.dtype == torch.int8
        assert torch.equal(inputs, torch.from_numpy(rows(24))[targets.long()])
    epochs = learner.epochs(3)
    assert all(sorted(epoch) == list(range(24)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_images_come_with_their_targets(tmp_path: Path) -> None:
    learner = Watched()
    trainer(tmp_path).train_supervised(learner, images(), np.arange(60), schedule(max_epochs=1))
    assert len(learner.seen) == 7
    for inputs, targets in learner.seen:
        assert torch.equal(inputs, to_float(images()[targets.numpy()]))


def test_another_epoch_leaves_out_other_inputs(tmp_path: Path) -> None:
    learner = Watched()
    trainer(tmp_path).train_supervised(learner, rows(28), np.arange(28), schedule(max_epochs=3))
    epochs = learner.epochs(3)
    assert [len(set(epoch)) for epoch in epochs] == [24, 24, 24]
    assert set().union(*epochs) == set(range(28))


def test_fewer_inputs_than_a_batch_and_a_single_one(tmp_path: Path) -> None:
    for count in (5, 1):
        learner = Watched()
        summary = trainer(tmp_path / str(count)).train_supervised(learner, rows(count), np.arange(count), schedule())
        assert summary["steps"] == 4
        assert all(len(inputs) == count for inputs, _ in learner.seen)


def test_the_last_epoch_is_kept_and_steps_end_it(tmp_path: Path) -> None:
    learner = Watched()
    summary = trainer(tmp_path).train_supervised(learner, rows(24), np.arange(24), schedule(max_steps=7))
    assert (summary["steps"], summary["epochs"], summary["stopped_because"]) == (7, 3, "max_steps")
    assert learner.weight.item() == 7


def test_a_training_on_images_alone_may_hold_nothing_out(tmp_path: Path) -> None:
    learner = fresh("denoiser")
    learner.validate = None  # type: ignore[assignment]  # calling it would fail
    summary = trainer(tmp_path).train(learner, images(9), unsupervised(holdout=False, batch_size=3))
    assert (summary["steps"], summary["best_loss"], summary["split"]["train"]) == (12, None, 9)


@pytest.mark.parametrize("wrong", [{"flip": True}, {"holdout": True}])
def test_mirroring_and_holding_out_are_refused(tmp_path: Path, wrong: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="flip=False and holdout=False"):
        trainer(tmp_path).train_supervised(Watched(), rows(9), np.arange(9), schedule(**wrong))


def test_targets_must_be_as_many_as_inputs(tmp_path: Path) -> None:
    with pytest.raises((ValueError, TypeCheckError)):  # without the tests' checks of shapes, a ValueError
        trainer(tmp_path).train_supervised(Watched(), rows(9), np.arange(8), schedule())
    with pytest.raises(BenchError, match="0 images are too few to train on: at least 1 are needed"):
        trainer(tmp_path).train_supervised(Watched(), rows(0), np.arange(0), schedule())


def test_divergence_names_the_step(tmp_path: Path) -> None:
    class Diverging(Watched):
        def forward(self, inputs: Tensor, targets: Tensor, *, phase: str, step: int) -> Losses:
            loss = super().forward(inputs, targets, phase=phase, step=step)["loss"]
            return {"loss": loss * float("nan") if step == 5 else loss}

    with pytest.raises(Divergence, match=r"probe: the training loss is not finite at step 5 \(epoch 2, batch 3 of 3"):
        trainer(tmp_path).train_supervised(Diverging(), rows(24), np.arange(24), schedule(), name="probe")


def test_inputs_keep_their_precision_under_autocast(tmp_path: Path) -> None:
    learner = Watched()
    summary = trainer(tmp_path).train_supervised(
        learner, rows(8), np.arange(8), schedule(max_steps=1, precision="bf16-mixed")
    )
    assert summary["precision"] == "bf16-mixed"
    ((inputs, targets),) = learner.seen
    assert torch.equal(inputs, torch.from_numpy(rows(8))[targets])


def test_memory_maps_train_to_the_same_bits(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", images())
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    learners = []
    for name, array in [("memory", images()), ("map", mapped)]:
        learners.append(Regressor())
        trainer(tmp_path / name).train_supervised(learners[-1], array, brightness(images()), schedule(max_steps=9))
    assert all(map(torch.equal, *map(weights, learners)))


def test_seeds_and_stages_have_orders_of_their_own(tmp_path: Path) -> None:
    orders = []
    for number, (seed, name) in enumerate([(3, "one"), (3, "one"), (3, "two"), (4, "one")]):
        learner = Watched()
        place = trainer(tmp_path / str(number), seed=seed)
        place.train_supervised(learner, rows(24), np.arange(24), schedule(max_epochs=1), name=name)
        orders.append(tuple(learner.epochs(1)[0]))
    assert orders[0] == orders[1]
    assert len(set(orders)) == 3


class Said(Silent):
    """Keeps what is said; raises what Ctrl-C raises in a chosen batch of the whole training."""

    def __init__(self, stop: int = 0) -> None:
        self.said: list[str] = []
        self.left = stop

    def track(self, items: Any, *, total: int, what: str) -> Any:
        for item in items:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            yield item

    def say(self, text: str) -> None:
        self.said.append(text)


def test_small_trainings_say_nothing_and_large_ones_a_line_per_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = Said(), Said()
    trainer(tmp_path / "small", progress=small).train_supervised(Watched(), rows(24), np.arange(24), schedule())
    monkeypatch.setattr(loop, "SMALL", 24)
    trainer(tmp_path / "large", progress=large).train_supervised(Watched(), rows(24), np.arange(24), schedule())
    assert small.said == []
    assert len(large.said) == 4
    assert large.said[0].startswith("train: epoch 1/4, step 3/12, loss ")
    assert "validation" not in large.said[0]


def curve(folder: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (folder / "train" / "curve.jsonl").read_text().splitlines()]


def test_a_short_training_writes_its_state_once_and_its_whole_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []
    save = loop.StateFolder.save
    monkeypatch.setattr(
        loop.StateFolder,
        "save",
        lambda self, position, *rest, **how: saved.append(position.epoch) or save(self, position, *rest, **how),
    )
    trainer(tmp_path).train_supervised(Watched(), rows(24), np.arange(24), schedule(max_epochs=9))
    assert saved == [9]
    assert curve(tmp_path) == list(range(1, 10))
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["curve.jsonl", "finished"]


def test_interrupted_after_a_saved_epoch_it_goes_on_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    progress = Said(stop=17)  # an epoch has 7 batches
    data = images(), brightness(images())
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path / "cut", progress=progress).train_supervised(Regressor(), *data, schedule())
    assert curve(tmp_path / "cut") == [1, 2]
    resumed, whole = Regressor(), Regressor()
    trainer(tmp_path / "cut", progress=progress).train_supervised(resumed, *data, schedule())
    trainer(tmp_path / "whole").train_supervised(whole, *data, schedule())
    assert progress.said == ["train: going on after epoch 2"]
    assert all(map(torch.equal, weights(resumed), weights(whole)))
    assert curve(tmp_path / "cut") == curve(tmp_path / "whole") == [1, 2, 3, 4]


def test_a_finished_training_is_loaded(tmp_path: Path) -> None:
    data = images(), brightness(images())
    first, again = Regressor(), Regressor()
    summary = trainer(tmp_path).train_supervised(first, *data, schedule())
    again.forward = None  # type: ignore[assignment]  # calling it would fail
    assert trainer(tmp_path).train_supervised(again, *data, schedule()) == summary
    assert all(map(torch.equal, weights(first), weights(again)))


@pytest.fixture(scope="module")
def processes() -> Any:
    """Processes forked from one that has imported everything and computed nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["toy_learners", "toy_supervised"])
    with pytest.MonkeyPatch.context() as patch:  # what it preloads is looked for on PYTHONPATH alone
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        yield context


@pytest.mark.parametrize("often", [True, False], ids=["every epoch saved", "none saved yet"])
def test_killed_training_ends_with_the_same_bits(processes: Any, tmp_path: Path, often: bool) -> None:
    def run(point: str, folder: Path) -> int | None:
        folder.mkdir(exist_ok=True)
        if often:
            (folder / "save every epoch").touch()
        process = processes.Process(target=train_until, args=(point, folder))
        process.start()
        process.join(60)
        return process.exitcode

    assert run("the end", tmp_path / "whole") == 0
    assert run("in an epoch", tmp_path / "cut") == -signal.SIGKILL
    states = [path.name for path in (tmp_path / "cut" / "progress" / "train").glob("state-*")]
    assert states == (["state-000002"] if often else [])
    assert run("the end", tmp_path / "cut") == 0
    expected, found = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    losses = [[e["train"] for e in read_json(tmp_path / name / "summary.json")["curve"]] for name in ("whole", "cut")]
    assert losses[0] == losses[1]
    assert curve(tmp_path / "cut" / "progress") == [1, 2, 3, 4]
