"""What a training leaves on disk, so that it can be killed at any moment and go on with the same bits.

    FOLDER/state-000012/   everything after 12 epochs: learner, optimisers, best learner, position
    FOLDER/finished/       the best learner and the summary, once training has ended
    FOLDER/curve.jsonl     one line per epoch, for people

One rename makes a folder appear, with all that belongs together in it, so a reader never meets the weights of one
epoch beside the counters of another. Random number generators need no saving: each epoch has streams of its own.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bench.training.tensors import read_tensors, write_tensors
from datasets.errors import BenchError
from datasets.files import atomic_folder, atomic_path, remove
from datasets.sealed import Damaged, check_files, digests, read_sealed, write_sealed

STATE = "state.json"
LEARNER, OPTIMIZERS, BEST = "learner.safetensors", "optimizers.safetensors", "best.safetensors"


@dataclass
class Position:
    """How far a training is, after a whole number of epochs.

    Attributes
    ----------
    epoch, step: epochs and optimiser steps done.
    best_epoch, best_loss: the epoch (from 1) with the lowest validation loss, and that loss.
    seconds: wall time spent in training and validation, by all runs together.
    training_seconds, images: time of the training steps alone, and images that they saw.
    curve: one entry per epoch: mean losses, seconds, speed.
    """

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_loss: float | None = None
    seconds: float = 0.0
    training_seconds: float = 0.0
    images: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)


class StateFolder:
    """The folder of one training. Only one process at a time may use it (the harness holds a lock).

    `identity` is JSON saying which training this is; going on with another one's state is a `BenchError`. A damaged
    state is told to `say` and removed: the training begins again.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.identity = json.loads(json.dumps(identity))
        self.lines = 0  # of the curve on disk
        for leftover in folder.glob(".*.tmp"):  # of a process that was killed while writing
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()

    def save(
        self, position: Position, learner: nn.Module, optimizers: Mapping[str, Optimizer], *, improved: bool
    ) -> None:
        """Commit the state after an epoch; `improved` says that this epoch is the best so far."""
        before = self._latest()
        target = self._at(position.epoch)
        with atomic_folder(target) as temporary:
            write_tensors(temporary / LEARNER, learner.state_dict())
            tensors: dict[str, Tensor] = {}
            settings = {phase: _pack(optimizer, phase, tensors) for phase, optimizer in optimizers.items()}
            write_tensors(temporary / OPTIMIZERS, tensors)
            files = digests(temporary.iterdir())
            if improved:
                _link(temporary / LEARNER, temporary / BEST)
                files[BEST] = files[LEARNER]
            else:
                assert before is not None, "the first epoch is the best so far"
                _link(before / BEST, temporary / BEST)
                files[BEST] = read_sealed(before / STATE)["files"][BEST]
            state = {"identity": self.identity, "position": asdict(position), "optimizers": settings, "files": files}
            write_sealed(temporary / STATE, state)
        for old in self._states():
            if old != target:
                shutil.rmtree(old)
        with (self.folder / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.writelines(_line(entry) for entry in position.curve[self.lines :])
        self.lines = len(position.curve)

    def restore(self, learner: nn.Module, optimizers: Mapping[str, Optimizer]) -> Position:
        """Load the latest state into learner and optimisers; a fresh `Position` where there is none."""
        latest = self._latest()
        state = None if latest is None else self._whole(latest)
        if latest is None or state is None:
            position = Position()
        else:
            position = Position(**state["position"])
            _load(learner, latest / LEARNER)
            tensors = read_tensors(latest / OPTIMIZERS)
            for phase, optimizer in optimizers.items():
                _unpack(optimizer, phase, state["optimizers"][phase], tensors)
        # A kill may have come between the commit of an epoch and its line.
        with atomic_path(self.folder / "curve.jsonl") as path:
            path.write_text("".join(map(_line, position.curve)), encoding="utf-8")
        self.lines = len(position.curve)
        return position

    def finish(self, summary: dict[str, Any]) -> None:
        """Keep only the best learner and `summary`."""
        latest = self._latest()
        assert latest is not None, "a training ends after at least one epoch"
        digest = read_sealed(latest / STATE)["files"][BEST]
        check_files(latest, {BEST: digest})
        with atomic_folder(self.folder / "finished") as temporary:
            _link(latest / BEST, temporary / BEST)
            state = {"identity": self.identity, "summary": summary, "files": {BEST: digest}}
            write_sealed(temporary / STATE, state)
        for old in self._states():
            shutil.rmtree(old)

    def finished(self, learner: nn.Module) -> dict[str, Any] | None:
        """If training has ended, its summary, with the best learner loaded; else None."""
        folder = self.folder / "finished"
        state = self._whole(folder) if folder.is_dir() else None
        if state is None:
            return None
        _load(learner, folder / BEST)
        return dict(state["summary"])

    def _at(self, epoch: int) -> Path:
        return self.folder / f"state-{epoch:06d}"

    def _states(self) -> list[Path]:
        return sorted(self.folder.glob("state-*"))

    def _latest(self) -> Path | None:
        return max(self._states(), default=None)

    def _whole(self, folder: Path) -> dict[str, Any] | None:
        """A state's JSON, of our identity; None, and the folder removed, where any file of it is damaged."""
        try:
            state = read_sealed(folder / STATE)
            check_files(folder, state["files"])
        except (Damaged, FileNotFoundError) as damage:
            reason = damage if isinstance(damage, Damaged) else f"{folder} is damaged (no {STATE})"
            self.say(f"warning: {reason}: the training begins again")
            remove(folder)
            return None
        theirs = state["identity"]
        for name in {**theirs, **self.identity}:
            if theirs.get(name) != self.identity.get(name):
                raise BenchError(
                    f"{folder} is the state of another training ({name} was {theirs.get(name)}, "
                    f"now {self.identity.get(name)}): delete that folder, or train in another one"
                )
        return state


def _line(entry: dict[str, Any]) -> str:
    """An epoch of the curve as a line of JSON."""
    return json.dumps(entry, sort_keys=True) + "\n"


def _link(source: Path, target: Path) -> None:
    """A second name for a file that never changes; a copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _load(learner: nn.Module, path: Path) -> None:
    try:
        learner.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise BenchError(f"{path} does not fit the learner ({first}): delete {path.parent} and run again") from error


def _pack(optimizer: Optimizer, phase: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """An optimiser's state: tensors go into `tensors` under `phase/parameter/name`, the rest is returned as JSON."""
    state = optimizer.state_dict()
    values: dict[str, dict[str, Any]] = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{phase}/{index}/{name}"] = value.detach().to("cpu", copy=True).contiguous()
            else:
                values.setdefault(str(index), {})[name] = value
    return {"param_groups": state["param_groups"], "values": values}


def _unpack(optimizer: Optimizer, phase: str, packed: dict[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Undo `_pack`."""
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in packed["values"].items()}
    for path, tensor in tensors.items():
        owner, index, name = path.rsplit("/", 2)
        if owner == phase:
            state.setdefault(int(index), {})[name] = tensor
    groups = [
        {**saved, "betas": tuple(saved["betas"])} if "betas" in saved else saved for saved in packed["param_groups"]
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for parameter, entries in optimizer.state.items():
        _keep_layout(parameter, entries)


def _keep_layout(parameter: Tensor, entries: dict[str, Any]) -> None:
    """Lay moments out in memory as their parameter is (channels last, say), as they were before saving: another
    layout sends the update through another kernel, whose last bits may differ."""
    for name, value in entries.items():
        if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
            entries[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def shapes_of(state: Mapping[str, Tensor]) -> Iterable[str]:
    """`name:shape` of each tensor in order, which tells architectures apart."""
    return (f"{name}:{'x'.join(map(str, value.shape))}" for name, value in state.items())
