"""The fixed split."""

import numpy as np
import pytest

from datasets.split import split


@pytest.mark.parametrize("n", [0, 1, 9, 10, 101, 23708])
def test_parts_are_disjoint_and_cover_everything(n: int) -> None:
    train, validation, test = split(n, 0)
    assert len(validation) == len(test) == n // 10
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation, test])), np.arange(n))
    for part in (train, validation, test):
        assert (np.diff(part) > 0).all()


def test_the_seed_alone_decides() -> None:
    first, again, other = split(100, 0)[1], split(100, 0)[1], split(100, 1)[1]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    # The stream's first draw, so that a change of the stream, which would move every checkpoint, is seen.
    assert split(20, 0)[1].tolist() == [0, 8]
