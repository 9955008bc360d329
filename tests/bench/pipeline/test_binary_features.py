"""A binary method through the whole harness: stored a bit each, read as numbers."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bench.pipeline.encode import open_features
from bench.pipeline.records import Record
from datasets.packed import PackedBits

Grid = Callable[..., tuple[int, list[Record]]]

BINARY = '''
from methods.base import Method


class Above(Method):
    """Which values are above a level, as numbers."""

    stateless = True

    def encode(self, images):
        return (images[:, :, ::3, ::3] > 0.45).float().flatten(1)


class AboveBits(Above):
    binary = True
'''


def test_binary_features_score_as_others_do(grid: Grid, tmp_path: Path) -> None:
    methods, folder = tmp_path / "own_binary.py", tmp_path / "own_images"
    methods.write_text(BINARY)
    rng = np.random.default_rng(0)
    for item in range(20):
        name = ("red", "blue", "grey")[item % 3]
        (folder / name).mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, 120, (64, 64, 3))
        image[..., item % 3] += rng.integers(0, 90)
        Image.fromarray(image.astype(np.uint8)).save(folder / name / f"{item}.png")
    code, [plain, bits] = grid(f"{methods}:Above,{methods}:AboveBits", tasks=f"images:{folder}")
    assert code == 0, (plain.error, bits.error)
    assert bits.metrics == plain.metrics
    assert bits.feature_size == plain.feature_size == 3 * 22 * 22
    wide, packed = (tmp_path / "store" / "features" / record.stages["encode"].key for record in (plain, bits))
    assert [json.loads((path / "features.json").read_text())["form"] for path in (wide, packed)] == ["float32", "bits"]
    assert (packed / "features.npy").stat().st_size < (wide / "features.npy").stat().st_size / 25
    one, other = open_features("one", wide), open_features("other", packed)
    assert one is not None
    assert other is not None
    assert isinstance(other.values, PackedBits)
    np.testing.assert_array_equal(one.values, np.asarray(other.values))
