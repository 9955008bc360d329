"""What a stage finds does not depend on what ran before it."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.pipeline.computing import computing


def disturb(folder: Path) -> None:
    """Change whatever a careless method might."""
    os.chdir(folder)
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True)
    torch.set_grad_enabled(False)
    torch.set_num_threads(2)
    torch.set_default_device("meta")
    np.seterr(all="raise")
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)


def drawn() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]  # noqa: NPY002


def settings() -> list[object]:
    return [
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        np.geterr(),
        Path.cwd(),
    ]


def test_a_stage_leaves_everything_as_it_was(tmp_path: Path) -> None:
    before, states = settings(), (random.getstate(), torch.get_rng_state())
    with computing(seed=5):
        disturb(tmp_path)
    assert settings() == before
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])


def test_a_stage_begins_alike_whatever_ran_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with computing(seed=5):
        fresh, numbers = settings(), drawn()
    with computing(seed=6):
        assert drawn() != numbers
    with computing(seed=0):  # what is around the next stage is disturbed, as by a module when it is imported
        disturb(tmp_path)
        with computing(seed=5):
            assert settings() == fresh
            assert drawn() == numbers
