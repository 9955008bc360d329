"""What lies in a folder, links that lead nowhere included: nothing is opened, and nothing is passed over in silence."""

import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple

from datasets.errors import BenchError
from datasets.images import is_image

# How reading a link fails whose target is not there, or that leads back onto itself.
_NOWHERE = (errno.ENOENT, errno.ELOOP)


class ImageFile(NamedTuple):
    """One file: its name below the dataset's folder (`/` between parts), size in bytes, modification time in ns.

    The size is -1 of what has an image's name and is no file, such as a link whose target is not there: it is listed,
    so that it is counted among the unreadable images.
    """

    name: str
    size: int
    mtime_ns: int


def list_images(folder: Path, prefix: str = "") -> list[ImageFile]:
    """What has an image's name right in `folder`, by name; `prefix` is put before the names.

    Raises a BenchError if the folder is unreadable; behind a link to nothing there is no image.
    """
    found = [_image_file(entry, prefix) for entry in _entries(folder) if is_image(entry.name)]
    return sorted(found, key=lambda file: file.name)


def list_folders(folder: Path) -> list[str]:
    """Names of the folders right in `folder`, sorted, hidden ones left out.

    A link to nothing counts as a folder without an image, unless it has an image's name. Raises a BenchError if
    `folder` is unreadable.
    """
    entries = [entry for entry in _entries(folder) if not entry.name.startswith(".")]
    return sorted(entry.name for entry in entries if _is_folder(entry))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies right in `folder`."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        if error.errno in _NOWHERE and folder.is_symlink():
            return []
        raise BenchError(f"cannot read {folder}: {error.strerror or error}") from error


def _image_file(entry: os.DirEntry[str], prefix: str) -> ImageFile:
    """What is known of an image without opening it."""
    try:
        status = entry.stat()
    except OSError:  # a link to nothing or onto itself, or a file that has just gone
        return ImageFile(prefix + entry.name, -1, 0)
    if not stat.S_ISREG(status.st_mode):
        return ImageFile(prefix + entry.name, -1, 0)
    return ImageFile(prefix + entry.name, status.st_size, status.st_mtime_ns)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether there is a folder, or a link that leads nowhere and may stand for one."""
    try:
        if entry.is_dir():
            return True
        if not entry.is_symlink() or is_image(entry.name):
            return False
        entry.stat()
    except OSError as error:
        return error.errno in _NOWHERE and not is_image(entry.name)
    return False
