"""The shared loop: stopping, the best epoch, divergence, interruption, phases, precision, repeatability."""

import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_learners import Adversaries, Denoiser, fresh, images, schedule

from bench.training import loop
from bench.training.loop import FabricTrainer
from datasets.base import Silent
from datasets.errors import BenchError, Divergence
from datasets.files import read_json
from datasets.split import split
from methods.base import Learner, Losses, to_float


def trainer(folder: Path, **changes: Any) -> FabricTrainer:
    return FabricTrainer(folder, **{"seed": 3, "device": "cpu", **changes})


class Scripted(Learner):
    """A learner whose validation losses follow a script, and whose weight counts its steps."""

    def __init__(self, *script: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.script = script
        self.batches: list[Tensor] = []
        self.bad_steps: tuple[int, ...] = ()

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"all": torch.optim.SGD([self.weight], 1.0)}

    def forward(self, images: Tensor, *, phase: str, step: int, generator: torch.Generator) -> Losses:
        self.batches.append(images.clone())
        scale = float("nan") if step in self.bad_steps else -1.0  # the gradient -1 counts steps upwards
        return {"loss": self.weight * scale, "part": torch.tensor(0.25)}

    def validate(self, images: Tensor) -> Losses:
        steps = round(self.weight.item())
        return {"loss": torch.tensor(self.script[steps // 6 - 1])}


def test_training_lowers_the_loss_and_reports_it(tmp_path: Path) -> None:
    learner = fresh("denoiser")
    summary = trainer(tmp_path).train(learner, images(), schedule())
    assert (summary["steps"], summary["epochs"], summary["stopped_because"]) == (24, 4, "max_epochs")
    curve = summary["curve"]
    assert [entry["step"] for entry in curve] == [6, 12, 18, 24]
    assert curve[-1]["validation"]["loss"] < 0.5 * curve[0]["validation"]["loss"]
    assert set(curve[0]["train"]) == {"loss", "rmse"}
    assert (summary["split"]["train"], summary["split"]["validation"], summary["split"]["test"]) == (48, 6, 6)
    assert summary["images_per_second"] > 0
    # The learner is left at its best epoch, in eval mode, without gradients.
    _, validation, _ = split(60, 3)
    with torch.no_grad():
        loss = learner.validate(to_float(images()[validation]))["loss"].item()
    assert loss == pytest.approx(summary["best_loss"], rel=1e-5)
    assert not learner.training
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_epochs_are_cut_at_max_steps(tmp_path: Path) -> None:
    learner = fresh("denoiser")
    summary = trainer(tmp_path).train(learner, images(), schedule(max_steps=8))
    assert (summary["steps"], summary["epochs"], summary["stopped_because"]) == (8, 2, "max_steps")
    assert [entry["step"] for entry in summary["curve"]] == [6, 8]
    short = trainer(tmp_path / "short").train(fresh("denoiser"), images(), schedule(max_steps=2))
    assert (short["steps"], short["epochs"]) == (2, 1)
    assert short["curve"][0]["validation"]["loss"] > 0


def test_patience_stops_and_the_first_best_epoch_is_restored(tmp_path: Path) -> None:
    learner = Scripted(3.0, 1.0, 2.0, 1.0, 0.5)
    summary = trainer(tmp_path).train(learner, images(), schedule(patience=2, max_epochs=9))
    assert (summary["epochs"], summary["best_epoch"], summary["best_loss"]) == (4, 2, 1.0)
    assert summary["stopped_because"] == "patience"
    assert learner.weight.item() == 12.0  # the steps of two epochs


def test_finished_training_is_loaded_and_not_repeated(tmp_path: Path) -> None:
    first = fresh("denoiser")
    summary = trainer(tmp_path).train(first, images(), schedule())
    again = Denoiser()
    again.forward = None  # type: ignore[assignment]  # calling it would fail
    assert trainer(tmp_path).train(again, images(), schedule()) == summary
    assert all(torch.equal(first.state_dict()[name], value) for name, value in again.state_dict().items())
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["curve.jsonl", "finished"]


def test_stages_have_folders_of_their_own(tmp_path: Path) -> None:
    one = trainer(tmp_path).train(Scripted(1.0), images(), schedule(max_epochs=1), name="one")
    two = trainer(tmp_path).train(Scripted(2.0), images(), schedule(max_epochs=1), name="two")
    assert (one["best_loss"], two["best_loss"]) == (1.0, 2.0)


@pytest.mark.parametrize("every", [1, 4, 16])
def test_divergence_names_step_batch_and_parts(every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is the right one, however late the losses are looked at."""
    monkeypatch.setitem(loop.CHECK_EVERY, "cpu", every)
    learner = Scripted(1.0, 1.0)
    learner.bad_steps = (9, 10)
    with pytest.raises(Divergence, match=re.escape("toy: the training loss is not finite at step 9")) as caught:
        trainer(tmp_path, label="toy").train(learner, images(), schedule())
    assert "(epoch 2, batch 4 of 6): loss=nan, part=0.25;" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert read_json(tmp_path / "train" / "state-000001" / "state.json")["position"]["step"] == 6


def test_divergence_in_validation(tmp_path: Path) -> None:
    with pytest.raises(Divergence, match="the validation loss is not finite at step 12 "):
        trainer(tmp_path).train(Scripted(1.0, float("inf")), images(), schedule())


def test_divergence_of_a_phase_names_the_phase(tmp_path: Path) -> None:
    learner = fresh("adversaries")
    with torch.no_grad():
        learner.maker[2].bias.fill_(float("nan"))
    with pytest.raises(Divergence, match="batch 1 of 6, phase critic"):
        trainer(tmp_path).train(learner, images(), schedule())


class Interrupted(Silent):
    """Raises what Ctrl-C raises, in the third batch of the second epoch."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.left = 9

    def track(self, items: Iterable[Any], *, total: int, what: str) -> Iterator[Any]:
        for item in items:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            yield item

    def say(self, text: str) -> None:
        self.said.append(text)


def test_interrupt_keeps_the_last_epoch_and_leaves_no_thread(tmp_path: Path) -> None:
    progress = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, progress=progress).train(fresh("denoiser"), images(), schedule())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]
    assert [path.name for path in (tmp_path / "train").glob("state-*")] == ["state-000001"]
    resumed = fresh("denoiser")
    trainer(tmp_path, progress=progress).train(resumed, images(), schedule())
    assert "train: going on after epoch 1" in progress.said
    assert re.match(
        r"train: epoch 1/4, step 6/24, loss [\d.]+, validation [\d.]+ \(best .*images/s, at most", progress.said[0]
    )
    whole = fresh("denoiser")
    trainer(tmp_path / "whole").train(whole, images(), schedule())
    assert all(torch.equal(resumed.state_dict()[name], value) for name, value in whole.state_dict().items())


def test_same_seed_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    learners = []
    for number, seed in enumerate([3, 3, 4]):
        learner = fresh("denoiser")
        torch.manual_seed(number)  # the caller's generator plays no part
        trainer(tmp_path / str(number), seed=seed).train(learner, images(), schedule(max_epochs=1))
        learners.append(learner.net[0].weight)
    assert torch.equal(learners[0], learners[1])
    assert not torch.equal(learners[0], learners[2])


def test_each_epoch_stage_and_seed_has_chance_of_its_own(tmp_path: Path) -> None:
    drawn: list[float] = []

    class Drawing(Scripted):
        def forward(self, images: Tensor, *, phase: str, step: int, generator: torch.Generator) -> Losses:
            drawn.append(torch.rand((), generator=generator).item())
            return super().forward(images, phase=phase, step=step, generator=generator)

    for seed, name in [(3, "one"), (3, "two"), (4, "one")]:
        trainer(tmp_path / str(seed), seed=seed).train(Drawing(*[1.0] * 2), images(), schedule(max_epochs=2), name=name)
    assert len(drawn) == 36
    assert len(set(drawn)) == 36


def test_the_callers_settings_and_generators_are_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    learner = Scripted(1.0)
    trainer(tmp_path).train(learner, images(), schedule(max_epochs=1))
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_phases_take_turns_on_each_batch(tmp_path: Path) -> None:
    """In their order, on the same batch, with gradients only for what the phase trains."""
    calls: list[tuple[str, int]] = []

    class Watched(Adversaries):
        def forward(self, images: Tensor, *, phase: str, step: int, generator: torch.Generator) -> Losses:
            calls.append((phase, step))
            assert [p.requires_grad for p in self.critic.parameters()] == [phase == "critic"] * 2
            assert {p.requires_grad for p in self.maker.parameters()} == {phase == "maker"}
            return super().forward(images, phase=phase, step=step, generator=generator)

        def after_step(self) -> None:
            assert all(p.requires_grad for p in self.parameters())
            calls.append(("after", calls[-1][1]))

    summary = trainer(tmp_path).train(Watched(), images(), schedule(max_steps=3))
    assert calls == [(name, step) for step in range(3) for name in ("critic", "maker", "after")]
    assert set(summary["curve"][0]["train"]) == {"critic/loss", "critic/real", "maker/loss"}


def test_bf16_runs_networks_but_not_images_in_bfloat16(tmp_path: Path) -> None:
    """A reconstruction's target must keep its 8 bits, which bfloat16 would round."""
    seen: list[tuple[Tensor, torch.dtype]] = []

    class Watched(Denoiser):
        def forward(self, images: Tensor, *, phase: str, step: int, generator: torch.Generator) -> Losses:
            seen.append((images, self.net(images).dtype))
            return super().forward(images, phase=phase, step=step, generator=generator)

        def validate(self, images: Tensor) -> Losses:
            seen.append((images, self.net(images).dtype))
            return super().validate(images)

    summary = trainer(tmp_path).train(Watched(), images(), schedule(max_steps=1, precision="bf16-mixed"))
    assert summary["precision"] == "bf16-mixed"
    assert len(seen) == 2
    for batch, dtype in seen:
        assert dtype == torch.bfloat16
        assert batch.dtype == torch.float32
        assert batch.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal((batch * 255).round() / 255, batch)
        assert not batch.is_inference()


def test_learner_sees_training_images_only_and_flips_half(tmp_path: Path) -> None:
    train, _, _ = split(60, 3)
    pictures = to_float(images()[train])
    both = torch.cat([pictures, pictures.flip(3)])
    for flip in (True, False):
        learner = Scripted(*[1.0] * 4)
        trainer(tmp_path / str(flip)).train(learner, images(), schedule(flip=flip))
        rows = torch.cat(learner.batches).flatten(1)
        found = [(both.flatten(1) == row).all(1).nonzero()[0].item() for row in rows]
        flipped = np.mean([index >= 48 for index in found])
        assert 0.35 < flipped < 0.65 if flip else flipped == 0
        for epoch in range(4):
            assert sorted(index % 48 for index in found[48 * epoch : 48 * (epoch + 1)]) == list(range(48))


def test_too_few_images_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="3 images are too few"):
        trainer(tmp_path).train(Scripted(1.0), images(3), schedule())


def test_state_of_another_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, progress=Interrupted()).train(fresh("denoiser"), images(), schedule())
    with pytest.raises(BenchError, match=r"state of another training .*seed was 3, now 4.*delete that folder"):
        trainer(tmp_path, seed=4).train(fresh("denoiser"), images(), schedule())
    with pytest.raises(BenchError, match="learner was"):
        trainer(tmp_path).train(fresh("adversaries"), images(), schedule())


def test_memory_mapped_images_train_to_the_same_bits(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", images())
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    weights = []
    for name, array in [("memory", images()), ("map", mapped)]:
        learner = fresh("denoiser")
        trainer(tmp_path / name).train(learner, array, schedule(max_steps=3))
        weights.append(learner.net[0].weight)
    assert torch.equal(*weights)
