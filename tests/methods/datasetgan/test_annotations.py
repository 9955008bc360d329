"""Masks of annotated samples, in every form that people's tools write them, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.errors import BenchError
from datasets.palette import palette
from methods.datasetgan.annotations import described, read_masks
from methods.datasetgan.config import DatasetGANConfig
from methods.datasetgan.method import DatasetGAN
from methods.datasetgan.samples import annotated, write_samples
from methods.stylegan2.networks import Networks

CLASSES = ("background", "skin", "nose")
SIDE, DRAWN = 64, 512


@pytest.fixture
def networks() -> Networks:
    return made(0)


def made(seed: int) -> Networks:
    torch.manual_seed(seed)
    method = DatasetGAN(DatasetGANConfig(**DatasetGAN.for_profile("smoke", "faces")))
    method.module.average_latent()
    return method.module.eval()


@pytest.fixture
def folder(networks: Networks, tmp_path: Path) -> Path:
    write_samples(networks, tmp_path / "samples", 4, CLASSES, seed=1, truncation=0.7)
    return tmp_path / "samples"


def expected() -> np.ndarray:
    """A box of class 1 in the left half, on it a smaller one of class 2."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[8:40, 4:32] = 1
    mask[16:24, 8:16] = 2
    return mask


def corners(top: int, left: int, bottom: int, right: int) -> list[tuple[float, float]]:
    """Of a box in pixels of the enlarged sample, its last row and column included."""
    k = DRAWN // SIDE
    return [
        *((left * k, top * k), (right * k - 1, top * k)),
        *((right * k - 1, bottom * k - 1), (left * k, bottom * k - 1)),
    ]


BOXES = ((8, 4, 40, 32, "skin"), (16, 8, 24, 16, "nose"))


def write(folder: Path, form: str, name: str = "sample-01") -> None:
    masks, mask = folder / "masks", expected()
    large = np.kron(mask, np.ones((DRAWN // SIDE, DRAWN // SIDE), np.uint8))
    if form == "indexed":
        image = Image.fromarray(mask)
        image.putpalette(palette(3).ravel().tolist())
        image.save(masks / f"{name}.png")
    elif form == "grey":
        Image.fromarray(large).save(masks / f"{name}.png")
    elif form == "colours":
        Image.fromarray(palette(3)[large]).save(masks / f"{name}.png")
    elif form == "labelme":
        shapes = [{"label": label, "shape_type": "polygon", "points": corners(*box)} for *box, label in BOXES[:1]] + [
            {"label": label, "shape_type": "rectangle", "points": [corners(*box)[0], corners(*box)[2]]}
            for *box, label in BOXES[1:]
        ]
        (masks / f"{name}.json").write_text(
            json.dumps({"shapes": shapes, "imageWidth": DRAWN, "imageHeight": DRAWN, "imageData": None})
        )
    elif form == "cvat images":
        drawn = "".join(
            f'<polygon label="{label}" z_order="{order}" points="'
            + ";".join(f"{x},{y}" for x, y in corners(*box))
            + '"/>'
            for order, (*box, label) in reversed(list(enumerate(BOXES)))
        )
        (masks / "annotations.xml").write_text(
            f'<?xml version="1.0"?><annotations><version>1.1</version><meta/>'
            f'<image id="0" name="sample-00.png" width="{DRAWN}" height="{DRAWN}"></image>'
            f'<image id="1" name="{name}.png" width="{DRAWN}" height="{DRAWN}">{drawn}</image></annotations>'
        )
    else:
        (masks / "SegmentationClass").mkdir()
        own = np.array([(0, 0, 0), (250, 50, 83), (36, 179, 83)], np.uint8)
        Image.fromarray(own[large]).save(masks / "SegmentationClass" / f"{name}.png")
        lines = [f"{label}:{','.join(map(str, colour))}::" for label, colour in zip(CLASSES, own, strict=True)]
        (masks / "labelmap.txt").write_text("\n".join(["# label:color_rgb:parts:actions", *lines]))


@pytest.mark.parametrize("form", ["indexed", "grey", "colours", "labelme", "cvat images", "cvat masks"])
def test_every_form_gives_the_same_mask(folder: Path, form: str) -> None:
    write(folder, form)
    masks = read_masks(folder, described(folder), SIDE)
    assert list(masks) == [1], "samples without a mask are left out"
    np.testing.assert_array_equal(masks[1], expected())


def test_samples_are_made_again_from_their_latents_and_noise(networks: Networks, folder: Path) -> None:
    with Image.open(folder / "images" / "sample-03.png") as image:
        assert image.size == (DRAWN, DRAWN)
    for name in ("sample-01", "sample-03"):
        write(folder, "indexed", name)
    found = annotated(networks, folder, 16, SIDE)
    assert len(found.latents.w_plus) == len(found.labels) == 2
    assert found.notes == ("taught by 2 annotated samples of the generator; 2 of 4 samples have no mask",)
    assert len(annotated(networks, folder, 1, SIDE).labels) == 1
    with pytest.raises(BenchError, match="drawn by another generator"):
        annotated(made(1), folder, 16, SIDE)


def test_no_mask_at_all_says_where_they_belong(networks: Networks, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"masks has no mask of any sample: expected NAME\.png"):
        annotated(networks, folder, 16, SIDE)
    with pytest.raises(BenchError, match="expected a folder that `bench annotate datasetgan --out DIR` wrote"):
        annotated(networks, tmp_path, 16, SIDE)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("sample-00.png", np.full((4, 4), 7, np.uint8), "holds 7, which is no class's number: classes.json has 0 back"),
        ("sample-00.png", np.full((4, 4, 3), 7, np.uint8), r"holds the colour \(7, 7, 7\), which is no class's"),
        ("sample-00.png", "no image", "cannot be read as an image"),
        ("sample-00.json", "[]", "is no file of LabelMe's"),
        ("sample-00.json", '{"shapes": [], "imageWidth": 0, "imageHeight": 5}', "an image of 0 x 5 pixels"),
        (
            "sample-00.json",
            '{"shapes": [{"label": "beard", "points": [[0,0],[1,0],[1,1]]}], "imageWidth": 9, "imageHeight": 9}',
            "no class 'beard'",
        ),
        (
            "sample-00.json",
            '{"shapes": [{"label": "nose", "shape_type": "line", "points": [[0,0],[1,0]]}], "imageWidth": 9, '
            '"imageHeight": 9}',
            "has a line of 2 points: expected polygons",
        ),
        (
            "sample-00.json",
            '{"shapes": [{"label": "nose", "points": [[0,0],[1,0],[NaN,1]]}], "imageWidth": 9, "imageHeight": 9}',
            "a corner that is not finite",
        ),
        ("annotations.xml", "<annotations>", "is no export of CVAT"),
        (
            "annotations.xml",
            '<annotations><image name="sample-00.png" width="9" height="9"><mask label="nose"/></image></annotations>',
            "has a mask: expected polygons",
        ),
        ("labelmap.txt", "nose:red", "line 1: 'nose:red', expected name:red,green,blue::"),
    ],
)
def test_masks_that_are_none(folder: Path, name: str, content: str | np.ndarray, text: str) -> None:
    path = folder / "masks" / name
    if isinstance(content, str):
        path.write_text(content)
    else:
        Image.fromarray(content).save(path)
    with pytest.raises(BenchError, match=text) as caught:
        read_masks(folder, described(folder), SIDE)
    assert "\n" not in str(caught.value)
