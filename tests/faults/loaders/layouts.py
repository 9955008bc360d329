"""A small, whole copy of every layout that the loaders read, drawn in milliseconds."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from datasets.base import Source
from datasets.celeba import CelebA
from datasets.celebamask import CelebAMaskHQ
from datasets.folders import ImageFolder, TrackFolder
from datasets.rafdb import RAFDB
from datasets.shapenet_cars import ShapeNetCars
from datasets.tv import BBT, Buffy, Series
from datasets.utkface import UTKFace
from datasets.yaleb import YaleB


@dataclass(frozen=True)
class Layout:
    """How a layout is drawn into an empty folder and how it is opened there."""

    draw: Callable[[Path], None]
    open: Callable[[Path], Source]


@cache
def picture(seed: int, form: str = "JPEG", mode: str = "RGB") -> bytes:
    """A random picture of 12 x 12 pixels, encoded."""
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form)
    return buffer.getvalue()


def write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def utkface(root: Path) -> None:
    for seed, name in enumerate(("24_0_1_1.jpg.chip.jpg", "39_1_3_2.jpg.chip.jpg", "61_1_3.jpg.chip.jpg")):
        write(root / "utkface" / "UTKFace" / name, picture(seed))


def series(cls: type[Series]) -> Layout:
    def draw(root: Path) -> None:
        media = root / "tv" / "multimedia"
        rows = [(7, cls.people[1]), (12, cls.people[0]), (40, cls.people[1]), (5, "kurt")]
        lines = ["CVHCI_TRACKLABELS_V1", *(f"{track} {person}" for track, person in rows)]
        write(media / cls.label_file, "\n".join(lines) + "\n")
        for seed, (track, _) in enumerate(rows):
            for frame in range(2):
                name = f"{cls.series}_{track}_face/{frame:05d}.png"
                write(media / f"{cls.series}_tracks" / name, picture(2 * seed + frame, "PNG"))

    return Layout(draw, cls.open)


def rafdb(root: Path) -> None:
    rows = {"train_00001": 5, "train_00002": 1, "test_0001": 4}
    for seed, name in enumerate(rows):
        write(root / "rafdb" / "Image" / "aligned" / f"{name}_aligned.jpg", picture(seed))
    lines = "".join(f"{name}.jpg {value}\r\n" for name, value in rows.items())
    write(root / "rafdb" / "EmoLabel" / "list_patition_label.txt", lines)


def rafdb_sorted(root: Path) -> None:
    for seed, name in enumerate(("train/5/train_00001", "train/1/train_00002", "test/4/test_0001")):
        write(root / "rafdb" / f"{name}_aligned.jpg", picture(seed))


def celeba(root: Path) -> None:
    folder, names = root / "celeba", [f"{index:06d}.jpg" for index in range(1, 5)]
    for seed, name in enumerate(names):
        write(folder / "img_align_celeba" / name, picture(seed))
    rows = [f"{name} " + " ".join(("-1", " 1")[(seed + column) % 2] for column in range(40)) for seed, name in
            enumerate(names)]  # fmt: skip
    attributes = " ".join(f"Attribute_{column}" for column in range(40))
    write(folder / "list_attr_celeba.txt", "\n".join([str(len(names)), attributes, *rows, ""]))
    write(folder / "identity_CelebA.txt", "".join(f"{name} {7 * seed}\r\n" for seed, name in enumerate(names)))
    write(folder / "list_eval_partition.txt", "".join(f"{name} {seed % 3}\r\n" for seed, name in enumerate(names)))


def celebamask(root: Path) -> None:
    folder, originals = root / "celebamask_hq", {0: 5, 7: 162_771, 2001: 182_638}
    for index in originals:
        write(folder / "CelebA-HQ-img" / f"{index}.jpg", picture(index))
        for part in ("skin", "hair"):
            name = f"{index // 2000}/{index:05d}_{part}.png"
            write(folder / "CelebAMask-HQ-mask-anno" / name, picture(index, "PNG", "L"))
    rows = "".join(f"{index}\t{original}\t{original + 1:06d}.jpg\n" for index, original in originals.items())
    write(folder / "CelebA-HQ-to-CelebA-mapping.txt", "idx\torig_idx\torig_file\n" + rows)


def shapenet(form: str) -> Callable[[Path], None]:
    def draw(root: Path) -> None:
        folder, names = (
            root / "shapenet_cars",
            {"a1": "Ferrari F40", "b2": "police car", "c3": "sedan, coupe", "d4": ""},
        )
        for seed, (part, model) in enumerate(zip(("train", "val", "test", "test"), names, strict=True)):
            write(folder / "syncar" / part / f"{model}/0.png", picture(seed, "PNG"))
        if form == "csv":
            write(folder / "m.csv", "fullId,name\n" + "".join(f'3dw.{m},"{name}"\n' for m, name in names.items()))
        else:
            rows = [{"id": model, "name": name or None} for model, name in names.items()]
            write(folder / "m.json", json.dumps(names if form == "object" else rows, indent=1))

    return draw


def yaleb(root: Path) -> None:
    for person in ("yaleB01", "yaleB13"):
        for light in ("A+035E-20", "A-005E+10"):
            write(root / "yaleb" / "CroppedYale" / person / f"{person}_P00{light}.pgm", picture(3, "PPM", "L"))


def tracks(root: Path) -> None:
    rows = {"001": "zoe", "002": "anna", "café": "zoe"}
    for seed, track in enumerate(rows):
        for frame in range(2):
            write(root / track / f"{frame}.png", picture(2 * seed + frame, "PNG"))
    write(root / "labels.csv", "track,label\n" + "".join(f"{track},{label}\n" for track, label in rows.items()))


def images(root: Path) -> None:
    for seed, name in enumerate(("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png")):
        write(root / name, picture(seed, "PNG"))


LAYOUTS = {
    "utkface": Layout(utkface, UTKFace.open),
    "bbt": series(BBT),
    "buffy": series(Buffy),
    "rafdb": Layout(rafdb, RAFDB.open),
    "rafdb_sorted": Layout(rafdb_sorted, RAFDB.open),
    "celeba": Layout(celeba, CelebA.open),
    "celebamask": Layout(celebamask, CelebAMaskHQ.open),
    "shapenet_csv": Layout(shapenet("csv"), ShapeNetCars.open),
    "shapenet_list": Layout(shapenet("list"), ShapeNetCars.open),
    "shapenet_object": Layout(shapenet("object"), ShapeNetCars.open),
    "yaleb": Layout(yaleb, YaleB.open),
    "tracks": Layout(tracks, TrackFolder.open),
    "images": Layout(images, ImageFolder.open),
}
