"""Batches and the thread that makes them."""

import threading
import time

import numpy as np
import pytest
import torch
from toy_learners import images

from bench.training.batches import Batches, gather, prefetched
from methods.base import to_float

CPU = torch.device("cpu")


def test_batches_equal_to_float() -> None:
    """Training and encoding see the same numbers, bit for bit, in the same memory order."""
    ((batch, _),) = Batches(images(12), 12, CPU).validation(np.arange(12))
    assert torch.equal(batch, to_float(images(12)))
    assert batch.stride() == to_float(images(12)).stride()


def test_all_byte_values_convert_alike() -> None:
    bytes_ = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    ((batch, _),) = Batches(bytes_, 1, CPU).validation(np.array([0]))
    assert torch.equal(batch, to_float(bytes_))


def test_an_epoch_is_a_permutation_without_the_incomplete_batch() -> None:
    batches = Batches(images(20), 6, CPU)
    chosen = np.arange(3, 20)
    assert batches.per_epoch(len(chosen)) == 2
    made = [batch for batch, _ in batches.training(chosen, 2, np.random.default_rng(0), None)]
    assert [len(batch) for batch in made] == [6, 6]
    everything = to_float(images(20)).flatten(1)
    found = [(everything == row).all(1).nonzero()[0].item() for row in torch.cat(made).flatten(1)]
    assert len(set(found)) == 12
    assert set(found) <= set(chosen.tolist())
    assert found != sorted(found)


def test_fewer_images_than_a_batch_make_one_batch() -> None:
    batches = Batches(images(5), 64, CPU)
    assert batches.per_epoch(5) == 1
    ((batch, _),) = batches.training(np.arange(5), 1, np.random.default_rng(0), None)
    assert len(batch) == 5


def test_validation_keeps_order_and_the_last_smaller_batch() -> None:
    made = [batch for batch, _ in Batches(images(7), 3, CPU).validation(np.arange(7))]
    assert [len(batch) for batch in made] == [3, 3, 1]
    assert torch.equal(torch.cat(made), to_float(images(7)))


def test_gather_mirrors_columns_and_leaves_the_source_alone() -> None:
    source = images(4)
    before = source.copy()
    batch = gather(source, np.array([2, 0]), np.array([True, False]))
    np.testing.assert_array_equal(batch[0], before[2][:, ::-1])
    np.testing.assert_array_equal(batch[1], before[0])
    np.testing.assert_array_equal(source, before)


def test_prefetched_keeps_order_and_stays_a_bounded_way_ahead() -> None:
    made: list[int] = []
    iterator = prefetched(lambda i: made.append(i) or i, range(10), ahead=2)
    for expected in range(10):
        assert next(iterator) == expected
        time.sleep(0.005)
        assert len(made) <= expected + 3
    with pytest.raises(StopIteration):
        next(iterator)


def test_prefetched_raises_the_error_where_it_is_due_and_ends_its_thread() -> None:
    def make(i: int) -> float:
        return 1 / (2 - i)

    iterator = prefetched(make, range(5))
    assert [next(iterator), next(iterator)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(iterator)
    early = prefetched(make, range(5))
    next(early)
    early.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]
