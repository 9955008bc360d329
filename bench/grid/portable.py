"""Text without a machine's folders: what a run leaves may be published, and where it ran is nobody's business."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
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
        places = {printable(str(place)) for place in known if place is not None and _tells(place)}
        for place in sorted(places, key=len, reverse=True):
            value = value.replace(place, f".../{Path(place).name}")
        for folder in filter(_tells, _own_folders()):
            value = value.replace(f"{folder}{os.sep}", ".../")
        return _FOLDERS.sub(".../", value)
    if isinstance(value, dict):
        return {name: without_folders(part, known) for name, part in value.items()}
    return [without_folders(part, known) for part in value] if isinstance(value, list | tuple) else value


def _tells(place: str | Path) -> bool:
    """Whether a path says anything of a machine: from the root on, and more than the root."""
    return os.path.isabs(place) and len(Path(place).parts) > 1


def _own_folders() -> list[str]:
    """The working folder and the user's, as far as there are such."""
    found = []
    with suppress(OSError):  # the working folder was removed
        found.append(os.getcwd())
    with suppress(RuntimeError):  # neither $HOME nor an account
        found.append(str(Path.home()))
    return found


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
    place = Path(path)
    if not place.is_absolute():
        return path
    with suppress(OSError):  # the working folder was removed
        here = Path.cwd()
        if place.is_relative_to(here):
            return place.relative_to(here).as_posix()
    return f".../{place.name}"
