"""State folders: optimisers there and back, damage, full disks."""

import errno
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from toy_learners import fresh

from bench.training.state import Position, StateFolder
from datasets.errors import BenchError

IDENTITY = {"seed": 0}


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.LazyLinear(2))
    layers(torch.zeros(1, 3, 8, 8))
    return layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def step(module: nn.Module, optimizers: dict[str, torch.optim.Optimizer]) -> None:
    for optimizer in optimizers.values():
        optimizer.zero_grad()
        module(torch.ones(2, 3, 8, 8)).square().sum().backward()
        optimizer.step()


def optimizers(module: nn.Module) -> dict[str, torch.optim.Optimizer]:
    """Different ones, two groups, a phase with a slash in its name."""
    return {
        "a/b": torch.optim.AdamW(
            [{"params": module[0].parameters(), "lr": 0.1}, {"params": module[1].parameters()}],
            amsgrad=True,
            betas=(0.5, 0.99),
        ),
        "b": torch.optim.SGD(module[3].parameters(), 0.1, momentum=0.9),
        "none yet": torch.optim.RMSprop([nn.Parameter(torch.zeros(1))], centered=True),
    }


def position(epoch: int) -> Position:
    return Position(epoch=epoch, step=epoch, best_epoch=1, best_loss=0.1, curve=[{"epoch": epoch}])


def weights(module: nn.Module) -> list[Tensor]:
    return [value.clone() for value in module.state_dict().values()]


def test_optimizers_go_on_with_the_same_bits_and_layout(tmp_path: Path) -> None:
    module = network(0)
    running = optimizers(module)
    step(module, running)
    step(module, running)
    StateFolder(tmp_path, IDENTITY, print).save(position(1), module, running, improved=True)
    step(module, running)

    other = network(1)
    restored = optimizers(other)
    found = StateFolder(tmp_path, IDENTITY, print).restore(other, restored)
    assert found == position(1)
    assert restored["a/b"].param_groups[0]["lr"] == 0.1
    assert restored["a/b"].param_groups[1]["betas"] == (0.5, 0.99)
    step(other, restored)
    assert all(map(torch.equal, weights(module), weights(other)))
    moments = restored["a/b"].state[other[1].weight]
    assert moments["exp_avg"].stride() == other[1].weight.stride()
    assert moments["exp_avg"].is_contiguous(memory_format=torch.channels_last)


def test_best_weights_stay_those_of_the_best_epoch(tmp_path: Path) -> None:
    module = network(0)
    running = optimizers(module)
    folder = StateFolder(tmp_path, IDENTITY, print)
    folder.save(position(1), module, running, improved=True)
    best = weights(module)
    step(module, running)
    folder.save(position(2), module, running, improved=False)
    assert [path.name for path in tmp_path.glob("state-*")] == ["state-000002"]
    folder.finish({"done": True})
    other = network(1)
    assert folder.finished(other) == {"done": True}
    assert all(map(torch.equal, best, weights(other)))


def test_without_hard_links_the_best_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Path) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    test_best_weights_stay_those_of_the_best_epoch(tmp_path)


def test_leftovers_of_a_killed_writer_go(tmp_path: Path) -> None:
    (tmp_path / ".state-000003.abc.tmp").mkdir(parents=True)
    (tmp_path / ".curve.jsonl.abc.tmp").write_text("{")
    StateFolder(tmp_path, IDENTITY, print)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["learner.safetensors", "optimizers.safetensors", "best.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "one bit", "gone"])
def test_a_damaged_state_is_named_and_the_training_begins_again(tmp_path: Path, name: str, damage: str) -> None:
    module, said = network(0), []
    folder = StateFolder(tmp_path, IDENTITY, said.append)
    folder.save(position(1), module, optimizers(module), improved=True)
    path = tmp_path / "state-000001" / name
    spoil(path, damage)
    before = weights(module)
    assert folder.restore(module, optimizers(module)) == Position()
    assert all(map(torch.equal, before, weights(module)))
    assert len(said) == 1
    assert name in said[0]
    assert "damaged" in said[0]
    assert not (tmp_path / "state-000001").exists()


@pytest.mark.parametrize("name", ["best.safetensors", "state.json"])
def test_a_damaged_end_of_a_training_is_named_and_it_begins_again(tmp_path: Path, name: str) -> None:
    module, said = network(0), []
    folder = StateFolder(tmp_path, IDENTITY, said.append)
    folder.save(position(1), module, optimizers(module), improved=True)
    folder.finish({"done": True})
    spoil(tmp_path / "finished" / name, "one bit")
    assert folder.finished(network(1)) is None
    assert name in said[0]
    assert folder.restore(module, optimizers(module)) == Position()


def test_the_best_weights_keep_the_digest_that_they_were_written_with(tmp_path: Path) -> None:
    module, said = network(0), []
    running = optimizers(module)
    folder = StateFolder(tmp_path, IDENTITY, said.append)
    folder.save(position(1), module, running, improved=True)
    spoil(tmp_path / "state-000001" / "best.safetensors", "one bit")
    step(module, running)
    folder.save(position(2), module, running, improved=False)
    assert folder.restore(module, running) == Position()
    assert "best.safetensors" in said[0]


def spoil(path: Path, damage: str) -> None:
    """Damage a file; one of several names of the same content is damaged alone."""
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "one bit":
        content[-10] ^= 1
        path.write_bytes(content)


def test_weights_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path, IDENTITY, print)
    learner = fresh("denoiser")
    folder.save(position(1), learner, learner.optimizers(), improved=True)
    other = fresh("adversaries")
    with pytest.raises(BenchError, match="does not fit the learner") as caught:
        folder.restore(other, other.optimizers())
    assert "\n" not in str(caught.value)


def test_full_disk_is_one_line_and_keeps_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = network(0)
    folder = StateFolder(tmp_path, IDENTITY, print)
    folder.save(position(1), module, optimizers(module), improved=True)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BenchError, match=r"cannot write .*state-000002: .*No space left"):
        folder.save(position(2), module, optimizers(module), improved=False)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["state-000001"]
