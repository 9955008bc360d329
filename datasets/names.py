"""Names that other people gave: of files and folders, in label files, in a user's shell."""

import os
import re
import unicodedata
from pathlib import Path

# What Python makes of bytes that are not in the file system's encoding.
_BYTES = re.compile("[\udc80-\udcff]+")
# What is not seen, and what changes how the rest is: control characters, line separators, signs that turn the direction
# of writing, signs without width (but for the joiners, which emoji and Persian need), tags, halves of surrogate pairs,
# and what is no character at all.
_UNSHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff"
    "\ud800-\udfff]"
)
# Characters of a very long message that are shown of its beginning and of its end.
_HEAD, _TAIL = 600, 350


def printable(text: str) -> str:
    r"""`text` on one line, encodable and as it is seen: bytes of another encoding, and characters that are not seen or
    change the direction of others, as escapes.

    >>> printable("caf\udce9"), printable("two\nlines"), printable("Zoë")
    ('caf\\xe9', 'two\\nlines', 'Zoë')
    """
    whole = _BYTES.sub(lambda run: run[0].encode("ascii", "surrogateescape").decode("utf-8", "backslashreplace"), text)
    return _UNSHOWN.sub(lambda sign: sign[0].encode("unicode_escape").decode("ascii"), whole)


def message(text: str) -> str:
    """`text` as one line that a person reads to its end: printable, and of a very long one the beginning and the end,
    where errors say what was wrong and what to do.

    >>> message("a" * 19_000 + ": do this")[590:660]
    'aaaaaaaaaa [... 18,059 characters ...] aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
    """
    line = printable(text)
    left_out = len(line) - _HEAD - _TAIL
    if left_out < _TAIL:
        return line
    return f"{line[:_HEAD]} [... {left_out:,} characters ...] {line[-_TAIL:]}"


def brief(text: str) -> str:
    """`text` where it is told again elsewhere: its beginning, where it is long."""
    return text if len(text) <= _TAIL else f"{text[:_TAIL]} [...]"


def same_form(text: str) -> str:
    """`text` in Unicode's composed form (NFC): names that look alike are then equal, as macOS and Linux write them, and
    as Python reads the names of files in a locale of ASCII."""
    read = _BYTES.sub(lambda run: run[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), text)
    return unicodedata.normalize("NFC", read)


def at_home(path: Path) -> Path:
    """`path` as it is where that exists, else with a leading `~` as the home folder.

    A shell leaves `~` alone behind `tracks:` and in a variable.
    """
    if os.path.lexists(path):
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # a user who is not there
        return path
