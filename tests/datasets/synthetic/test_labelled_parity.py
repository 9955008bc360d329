"""A stand-in gives what the real dataset's loader gives: names, kinds of labels, classes, and kinds of truth."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.grid.catalogue import DATASETS
from bench.grid.request import Options
from bench.pipeline.data import open_source
from datasets.base import Content, Silent, Source
from datasets.synthetic.faces.attributes import NAMES
from datasets.synthetic.sweeps import LIGHTS

Draw = Callable[..., Path]
# These names say which people a copy has.
OWN = {"identity"}


def rafdb(folder: Path, draw: Draw) -> None:
    draw(folder / "rafdb" / "train" / "1" / "train_00001_aligned.jpg")
    draw(folder / "rafdb" / "test" / "4" / "test_0001_aligned.jpg")


def celeba(folder: Path, draw: Draw) -> None:
    folder = folder / "celeba"
    draw(folder / "img_align_celeba" / "000001.jpg")
    (folder / "list_attr_celeba.txt").write_text("\n".join(["1", " ".join(NAMES), "000001.jpg" + " -1" * 40]))
    (folder / "identity_CelebA.txt").write_text("000001.jpg 2880")
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0")


def celebamask(folder: Path, draw: Draw) -> None:
    folder = folder / "celebamask_hq"
    draw(folder / "CelebA-HQ-img" / "0.jpg")
    masks = folder / "CelebAMask-HQ-mask-anno" / "0"
    masks.mkdir(parents=True)
    Image.new("L", (16, 16), 255).save(masks / "00000_skin.png")
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text("0 5 000006.jpg")


def yaleb(folder: Path, draw: Draw) -> None:
    draw(folder / "yaleb" / "CroppedYale" / "yaleB01" / "yaleB01_P00A+035E-20.pgm", mode="L")


def both(name: str, root: Path) -> tuple[Source, Source]:
    """The real dataset below `root` and its stand-in, opened as a run opens them."""
    requests = [
        Options(methods="pdr", tasks="bbt", profile="smoke", data_root=place).request() for place in (root, None)
    ]
    real, drawn = (open_source(DATASETS.get(name), request.data_root, request.profile.subset) for request in requests)
    return real, drawn


def assert_alike(real: Content, drawn: Content) -> None:
    assert drawn.labels.keys() == real.labels.keys()
    for kind, values in real.labels.items():
        assert drawn.labels[kind].dtype == values.dtype, kind
        assert drawn.labels[kind].shape[1:] == values.shape[1:], kind
    # A drawing has truth, and names in it, that nobody knows of photographs.
    assert drawn.classes.keys() - (drawn.truth.keys() - real.truth.keys()) == real.classes.keys()
    for kind in real.classes.keys() - OWN:
        assert drawn.classes[kind] == real.classes[kind], kind
    for name, values in real.truth.items():
        assert drawn.truth[name].dtype == values.dtype, name
        assert drawn.truth[name].shape[1:] == values.shape[1:], name
    assert drawn.tracks is None is real.tracks


@pytest.mark.parametrize("layout", [rafdb, celeba, celebamask, yaleb])
def test_kinds_and_classes_are_the_real_loaders(
    layout: Callable[[Path, Draw], None], draw: Draw, tmp_path: Path
) -> None:
    layout(tmp_path, draw)
    real, drawn = both(layout.__name__, tmp_path)
    assert real.name == drawn.name == layout.__name__
    assert (real.synthetic, drawn.synthetic) == (False, True)
    assert_alike(real.read(16, Silent()), drawn.read(16, Silent()))


@pytest.mark.parametrize("name", ["rafdb", "celeba", "celebamask", "yaleb"])
def test_kinds_and_classes_are_those_of_real_photographs(name: str, real_data: Path) -> None:
    real, drawn = both(name, real_data)
    assert_alike(real.read(16, Silent()), drawn.read(16, Silent()))


def test_real_lights_are_the_same_and_fall_from_the_same_side(real_data: Path) -> None:
    for source in both("yaleb", real_data):
        content = source.read(32, Silent())
        assert {tuple(row) for row in content.truth["light"].tolist()} <= set(LIGHTS), source.label
        halves = content.images.astype(float).mean(axis=(1, 3))
        lean = halves[:, :16].mean(axis=1) - halves[:, 16:].mean(axis=1)
        azimuth = content.truth["light"][:, 0]
        aside = np.abs(azimuth) >= 25
        assert (np.sign(lean[aside]) == np.sign(azimuth[aside])).mean() > 0.95, source.label
