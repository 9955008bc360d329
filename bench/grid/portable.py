"""Text without a machine's folders: what a run leaves may be published, and where it ran is nobody's business."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from datasets.names import printable

# All folders of an absolute path in running text, but not what follows `//` in an address.
_FOLDERS = re.compile(r"(?<![\w.~/\\])(?:/(?!/)|[A-Za-z]:[\\/])(?:[^/\\\s:,;'\"()<>|]+[/\\])+(?=[^/\\\s])")
# A path in an argument: all of it, `=`, or behind `tracks:`, up to the next comma.
_PATH = re.compile(r"(^|[=:,])((?:/|[A-Za-z]:[\\/])[^,]*)")


def portable(argument: str) -> str:
    """A command's argument with every absolute path in it shortened: one inside the working folder becomes relative to
    it, any other keeps its last part only.

    >>> portable("tracks:/home/me/faces,bbt")
    'tracks:.../faces,bbt'
    """
    return _PATH.sub(lambda found: found[1] + _short(found[2]), argument)


def without_folders(value: Any, known: Iterable[str | Path | None] = ()) -> Any:
    """A text, or a JSON value's texts, with `...` for the folders of absolute paths.

    `known`: paths that may be named, which are found whatever signs and spaces they have.

    >>> without_folders("no image in /home/me/faces: add some")
    'no image in .../faces: add some'
    """
    if isinstance(value, str):
        places = {printable(str(place)) for place in known if place is not None and os.path.isabs(place)}
        for place in sorted(places, key=len, reverse=True):
            value = value.replace(place, f".../{Path(place).name}")
        for folder in (os.getcwd(), str(Path.home())):
            value = value.replace(f"{folder}{os.sep}", ".../") if len(Path(folder).parts) > 1 else value
        return _FOLDERS.sub(".../", value)
    if isinstance(value, dict):
        return {name: without_folders(part, known) for name, part in value.items()}
    return [without_folders(part, known) for part in value] if isinstance(value, list | tuple) else value


def last_parts(folders: Iterable[str]) -> dict[str, str]:
    """What each of a user's folders is called: one that is named from the root by as many of its last parts as tell it
    from those before it, any other as it is.

    >>> last_parts(["/a/x", "/b/x", "mine"])
    {'mine': 'mine', '/a/x': 'x', '/b/x': 'b/x'}
    """
    given = dict.fromkeys(folders)
    called = {folder: folder for folder in given if not os.path.isabs(folder)}
    for folder in [name for name in given if name not in called]:
        path = Path(os.path.normpath(folder))
        parts = path.parts[1:]
        names = ["/".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        called[folder] = next((name for name in names if name not in called.values()), str(path))
    return called


def _short(path: str) -> str:
    here, place = Path.cwd(), Path(path)
    if not place.is_absolute():
        return path
    return place.relative_to(here).as_posix() if place.is_relative_to(here) else f".../{place.name}"
