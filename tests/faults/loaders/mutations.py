"""What goes wrong with files on their way: cut, flipped, renamed, linked, saved by another program."""

import io
import os
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from datasets.images import is_image

Change = Callable[[Path, Random], None]


def emptied(path: Path) -> None:
    """Remove whatever stands at `path`."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def replaced(make: Callable[[Path], object]) -> Change:
    """Remove what stands there and put something of another kind in its place."""

    def change(path: Path, random: Random) -> None:
        emptied(path)
        make(path)

    return change


def renamed(name: Callable[[bytes], bytes]) -> Change:
    def change(path: Path, random: Random) -> None:
        target = os.path.join(os.fsencode(path.parent), name(os.fsencode(path.name)))
        if not os.path.lexists(target):
            os.rename(os.fsencode(path), target)

    return change


def copied_file(path: str | Path, target: str | Path) -> None:
    """Copy a file; of a FIFO or the like there is nothing to copy."""
    if Path(path).is_file():
        shutil.copy(path, target)


def copied(path: Path, random: Random) -> None:
    target = path.with_name(random.choice(["0", "copy_", "x"]) + path.name)
    if not os.path.lexists(target):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):  # may have no end
            target.symlink_to(path.name)
        elif path.is_dir():
            shutil.copytree(path, target, symlinks=True, copy_function=copied_file)
        else:
            copied_file(path, target)


ANYWHERE: dict[str, Change] = {
    "removed": lambda path, random: emptied(path),
    "folder": replaced(Path.mkdir),
    "fifo": replaced(os.mkfifo),
    "device": replaced(lambda path: path.symlink_to("/dev/zero")),
    "dangling": replaced(lambda path: path.symlink_to("/nowhere/annex")),
    "onto itself": replaced(lambda path: path.symlink_to(path.name)),
    "onto its folder": replaced(lambda path: path.symlink_to("..", target_is_directory=True)),
    "empty file": replaced(Path.touch),
    "latin-1": renamed(lambda name: b"Zo\xe9" + name),
    "composed otherwise": renamed(lambda name: name.replace("é".encode(), "é".encode()).replace(b"a", "á".encode())),
    "line break": renamed(lambda name: b"two\n\x1b[31m" + name),
    "zeros": renamed(lambda name: name.lstrip(b"0") or b"0"),
    "copied": copied,
}


def cut(path: Path, random: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content) + 1)])


def flipped(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(random.randrange(1, 8) if content else 0):
        content[random.randrange(len(content))] = random.randrange(256)
    path.write_bytes(content)


def noise(path: Path, random: Random) -> None:
    path.write_bytes(random.randbytes(random.randrange(400)))


def inserted(path: Path, random: Random) -> None:
    content = path.read_bytes()
    at = random.randrange(len(content) + 1)
    path.write_bytes(
        content[:at] + random.choice([b"\0", b"\xff", b"\xe9", b"\r", b'"', b"\xe2\x80\xa8"]) + content[at:]
    )


FILES: dict[str, Change] = {"cut": cut, "flipped": flipped, "noise": noise, "inserted": inserted}


def rows(edit: Callable[[list[bytes], Random], object]) -> Change:
    """Change a text file by its lines."""

    def change(path: Path, random: Random) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        if lines:
            edit(lines, random)
        path.write_bytes(b"".join(lines))

    return change


def contradict(lines: list[bytes], random: Random) -> None:
    """Repeat a row's beginning with the end of another row."""
    one, other = random.choice(lines), random.choice(lines)
    ends = [re.search(rb"[^\s,:]+[\s,}]*$", line) for line in (one, other)]
    if all(ends):
        lines.append(one[: ends[0].start()] + other[ends[1].start() :])


def swap(lines: list[bytes], random: Random) -> None:
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def number(path: Path, random: Random) -> None:
    """Put an odd number in a number's place."""
    content = path.read_bytes()
    found = list(re.finditer(rb"-?\d+", content))
    if found:
        odd = [b"9" * 5000, b"-1", b"1e999", b"1_0", "١".encode(), b"NaN", b"99999999999999999999", b"0x1", b""]
        place = random.choice(found)
        path.write_bytes(content[: place.start()] + random.choice(odd) + content[place.end() :])


def saved(encode: Callable[[bytes], bytes]) -> Change:
    def change(path: Path, random: Random) -> None:
        path.write_bytes(encode(path.read_bytes()))

    return change


def encoded(encoding: str) -> Change:
    return saved(lambda content: content.decode("utf-8", "replace").encode(encoding, "replace"))


TEXTS: dict[str, Change] = {
    "swapped": rows(swap),
    "repeated": rows(lambda lines, random: lines.append(random.choice(lines))),
    "contradicting": rows(contradict),
    "row removed": rows(lambda lines, random: lines.pop(random.randrange(len(lines)))),
    "number": number,
    "utf-16": encoded("utf-16"),
    "utf-16 without mark": encoded("utf-16-le"),
    "utf-8 with mark": encoded("utf-8-sig"),
    "ebcdic": encoded("cp037"),
    "cp1252": saved(lambda content: content.replace(b"o", b"\xf6")),
    "old mac": saved(lambda content: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r")),
    "semicolons": saved(lambda content: b"sep=;\r\n" + content.replace(b",", b";")),
    "tabs": saved(lambda content: content.replace(b",", b"\t").replace(b" ", b"\t")),
    "one long line": saved(lambda content: content + b"x" * 300_000),
    "deep": saved(lambda content: b'[{"id":' * 50_000),
    "null": saved(lambda content: content.replace(b'"', b"", 2).replace(b"name", b"null", 1)),
    "mixed rows": saved(lambda content: content.replace(b"{", b"null, {", 1)),
}


def pictured(form: str, image: Callable[[np.ndarray], Image.Image], **options: object) -> Change:
    """Save a picture of another kind under the same name."""

    def change(path: Path, random: Random) -> None:
        grey = np.random.default_rng(random.randrange(1000)).integers(0, 256, (12, 12), dtype=np.uint8)
        buffer = io.BytesIO()
        image(grey).save(buffer, form, **options)
        path.write_bytes(buffer.getvalue())

    return change


def exif(orientation: object) -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def bomb(path: Path, random: Random) -> None:
    """A PNG that says that it has 3.6 thousand million pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)))


PICTURES: dict[str, Change] = {
    "16 bits": pictured("PNG", lambda grey: Image.fromarray(grey.astype(np.uint16) * 257)),
    "16 bits, one transparent": pictured("PNG", lambda grey: Image.fromarray(grey.astype(np.uint16)), transparency=7),
    "32 bits": pictured("TIFF", lambda grey: Image.fromarray(grey.astype(np.int32) * 70_000)),
    "float": pictured("TIFF", lambda grey: Image.fromarray(grey.astype(np.float32) / 255)),
    "not a number": pictured("TIFF", lambda grey: Image.fromarray(grey.astype(np.float32) * np.nan)),
    "lab": pictured("TIFF", lambda grey: Image.new("LAB", (12, 12))),
    "alpha": pictured("PNG", lambda grey: Image.fromarray(np.dstack([grey] * 4))),
    "palette": pictured("PNG", lambda grey: Image.fromarray(grey).convert("P"), transparency=b"\0\1\2"),
    "turned": pictured("JPEG", Image.fromarray, exif=exif(6)),
    "turned oddly": pictured("JPEG", Image.fromarray, exif=exif(77)),
    "damaged exif": pictured("JPEG", Image.fromarray, exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "animated": pictured("GIF", Image.fromarray),
    "a point": pictured("PNG", lambda grey: Image.fromarray(grey[:1, :1])),
    "bomb": bomb,
}

MUTATIONS = {"anywhere": ANYWHERE, "file": FILES, "text": TEXTS, "picture": PICTURES}


def mutate(root: Path, kind: str, name: str, target: int, seed: int) -> None:
    """Apply the mutation `name` of a kind to the `target`-th thing below `root` that it is for, if there is any.

    Label files are few and decide most: half of what may strike anything is theirs.
    """
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        found += [Path(folder, item) for item in (files if kind != "anywhere" else [*files, *folders])]
    found = sorted(path for path in found if kind == "anywhere" or path.is_file())
    lists = [path for path in found if path.is_file() and not is_image(path.name)]
    if kind == "text" or (kind != "picture" and target % 2 and lists):
        found = lists
    elif kind == "picture":
        found = [path for path in found if is_image(path.name)]
    if found:
        MUTATIONS[kind][name](found[target // 2 % len(found)], Random(seed))
