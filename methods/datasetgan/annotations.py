"""A folder of generated samples that a person annotates, and what the person's tool wrote.

    images/NAME.png      the samples, enlarged
    latents.safetensors  their codes and noise maps
    classes.json         the classes with number, name and colour, and the side of the samples
    masks/               what is to be filled

Masks are taken as indexed (or grey) PNG of class numbers or PNG in the classes' colours, `masks/NAME.png`; as LabelMe's
`masks/NAME.json`; and as CVAT exports them, unpacked into `masks/`: "Segmentation mask 1.1" (`SegmentationClass/`,
`labelmap.txt`) or "CVAT for images 1.1" (`annotations.xml`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, UnidentifiedImageError

from datasets.errors import BenchError

IMAGES, MASKS, LATENTS, CLASSES = "images", "masks", "latents.safetensors", "classes.json"
LABELMAP, CVAT_MASKS, CVAT_XML = "labelmap.txt", "SegmentationClass", "annotations.xml"

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Described:
    """What `classes.json` says: class numbers by name and by colour, the samples' names, and their side in pixels."""

    numbers: Mapping[str, int]
    colours: Mapping[Colour, int]
    names: tuple[str, ...]
    side: int


@dataclass(frozen=True)
class Shape:
    """A polygon of a class, in pixels of an image of the size given (width, height)."""

    number: int
    points: tuple[Point, ...]
    size: tuple[int, int]


def described(folder: Path) -> Described:
    """Read `classes.json`. Raises BenchError where it is missing or is none."""
    path = folder / CLASSES
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        classes = [(int(one["number"]), str(one["name"]), tuple(map(int, one["colour"]))) for one in found["classes"]]
        names, side = tuple(map(str, found["samples"])), int(found["side"])
    except OSError as error:
        raise BenchError(
            f"{path}: {error.strerror}; expected a folder that `bench annotate datasetgan --out DIR` wrote"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{path} is not as `bench annotate` wrote it ({error}): draw the samples again") from error
    return Described(
        {name: number for number, name, _ in classes},
        {(colour[0], colour[1], colour[2]): number for number, _, colour in classes},
        names,
        side,
    )


def read_masks(folder: Path, about: Described, side: int) -> dict[int, UInt8[np.ndarray, "side side"]]:
    """The masks that are there, by the sample's place in `about.names`, brought to `side` px by nearest neighbour.

    Raises BenchError where a mask holds what is no class, or cannot be read, naming the file.
    """
    masks = folder / MASKS
    colours = _labelmap(masks / LABELMAP, about) if (masks / LABELMAP).is_file() else about.colours
    drawn = _cvat(masks / CVAT_XML, about) if (masks / CVAT_XML).is_file() else {}
    found = {}
    for place, name in enumerate(about.names):
        for path in (masks / f"{name}.png", masks / CVAT_MASKS / f"{name}.png"):
            if path.is_file():
                found[place] = _resized(_image(path, about, colours), side)
                break
        else:
            if (path := masks / f"{name}.json").is_file():
                found[place] = _resized(painted(_labelme(path, about)), side)
            elif name in drawn:
                found[place] = _resized(painted(drawn[name]), side)
    return found


def painted(shapes: Sequence[Shape]) -> UInt8[np.ndarray, "h w"]:
    """Shapes of one image on background, later over earlier."""
    page = Image.new("L", shapes[0].size)
    draw = ImageDraw.Draw(page)
    for shape in shapes:
        draw.polygon([tuple(point) for point in shape.points], fill=shape.number)
    return np.asarray(page)


def _image(path: Path, about: Described, colours: Mapping[Colour, int]) -> UInt8[np.ndarray, "h w"]:
    """A mask of class numbers, or of colours."""
    try:
        with Image.open(path) as image:
            if image.mode in ("P", "L", "1"):
                numbers = np.asarray(image if image.mode != "1" else image.convert("L"))
            else:
                numbers = _numbered(np.asarray(image.convert("RGB")), colours, path)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise BenchError(f"{path} cannot be read as an image ({error})") from error
    wrong = sorted(set(np.unique(numbers).tolist()) - set(about.numbers.values()))
    if wrong:
        raise BenchError(f"{path} holds {wrong[0]}, which is no class's number: {CLASSES} has {_known(about)}")
    return np.asarray(numbers, dtype=np.uint8)


def _numbered(
    pixels: UInt8[np.ndarray, "h w 3"], colours: Mapping[Colour, int], path: Path
) -> UInt8[np.ndarray, "h w"]:
    """Colours as class numbers."""
    packed = pixels.astype(np.int64) @ np.array([65536, 256, 1])
    known = {red * 65536 + green * 256 + blue: number for (red, green, blue), number in colours.items()}
    values = np.unique(packed)
    for value in values.tolist():
        if value not in known:
            colour = (value // 65536, value // 256 % 256, value % 256)
            raise BenchError(f"{path} holds the colour {colour}, which is no class's: save it without smoothing")
    table = np.array([known[value] for value in values.tolist()], dtype=np.uint8)
    return np.asarray(table[np.searchsorted(values, packed)])


def _labelmap(path: Path, about: Described) -> dict[Colour, int]:
    """CVAT's colours: lines `name:red,green,blue::`."""
    found: dict[Colour, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        parts = rest.partition(":")[0].split(",")
        if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
            raise BenchError(f"{path}, line {number}: {line[:60]!r}, expected name:red,green,blue::")
        red, green, blue = map(int, parts)
        found[red, green, blue] = _number(name, about, f"{path}, line {number}")
    return found


def _labelme(path: Path, about: Described) -> list[Shape]:
    """LabelMe's polygons and rectangles."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        size = (int(found["imageWidth"]), int(found["imageHeight"]))
        read = [
            (str(one["label"]), str(one.get("shape_type", "polygon")), [(float(x), float(y)) for x, y in one["points"]])
            for one in found["shapes"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(
            f"{path} is no file of LabelMe's ({error}): expected shapes, imageWidth, imageHeight"
        ) from error
    shapes = [Shape(0, (), size)]
    for label, kind, points in read:
        shapes.append(Shape(_number(label, about, str(path)), _outline(kind, points, path), size))
    return _sound(shapes, path)


def _cvat(path: Path, about: Described) -> dict[str, list[Shape]]:
    """CVAT's polygons and boxes, by the image's name without its ending, in the order of their z."""
    try:
        root = ElementTree.parse(path).getroot()
        found: dict[str, list[Shape]] = {}
        for image in root.iter("image"):
            name = Path(image.attrib["name"]).stem
            size = (int(image.attrib["width"]), int(image.attrib["height"]))
            shapes = [Shape(0, (), size)]
            for one in sorted(image, key=lambda node: int(node.attrib.get("z_order", 0))):
                if one.tag == "polygon":
                    points = [tuple(map(float, pair.split(","))) for pair in one.attrib["points"].split(";")]
                elif one.tag == "box":
                    points = [tuple(float(one.attrib[f"{axis}{end}"]) for axis in "xy") for end in ("tl", "br")]
                else:
                    raise BenchError(f"{path}: {name} has a {one.tag}: expected polygons, or masks as PNG")
                number = _number(one.attrib["label"], about, str(path))
                kind = "polygon" if one.tag == "polygon" else "rectangle"
                shapes.append(Shape(number, _outline(kind, [(x, y) for x, y in points], path), size))
            if len(shapes) > 1:  # an image that nobody has touched is listed too
                found[name] = _sound(shapes, path)
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise BenchError(f"{path} is no export of CVAT for images 1.1 ({error})") from error
    return found


def _outline(kind: str, points: Sequence[Point], path: Path) -> tuple[Point, ...]:
    """The corners of a shape."""
    if kind == "rectangle" and len(points) == 2:
        (left, top), (right, bottom) = points
        return ((left, top), (right, top), (right, bottom), (left, bottom))
    if kind != "polygon" or len(points) < 3:
        raise BenchError(f"{path} has a {kind} of {len(points)} points: expected polygons of three at least")
    return tuple(points)


def _sound(shapes: list[Shape], path: Path) -> list[Shape]:
    """The shapes, drawable: the first is empty background."""
    width, height = shapes[0].size
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise BenchError(f"{path}: an image of {width} x {height} pixels")
    if not all(np.isfinite(point).all() for shape in shapes for point in shape.points):
        raise BenchError(f"{path} has a corner that is not finite")
    corner = ((-1.0, -1.0), (-2.0, -1.0), (-2.0, -2.0))  # outside: draws nothing
    return [Shape(0, corner, shapes[0].size), *shapes[1:]]


def _number(name: str, about: Described, where: str) -> int:
    """The number of a class by name."""
    if name not in about.numbers:
        raise BenchError(f"{where}: no class {name!r}: {CLASSES} has {_known(about)}")
    return about.numbers[name]


def _known(about: Described) -> str:
    return ", ".join(f"{number} {name}" for name, number in about.numbers.items())


def _resized(mask: UInt8[np.ndarray, "h w"], side: int) -> UInt8[np.ndarray, "side side"]:
    """A square mask at `side` px."""
    return np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
