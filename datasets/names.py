"""Names that other people gave: of files and folders, in label files, in a user's shell."""

import os
import re
import unicodedata
from pathlib import Path

# What Python makes of bytes that are not in the file system's encoding.
_BYTES = re.compile("[\udc80-\udcff]+")
# Control characters, line separators and halves of surrogate pairs.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def printable(text: str) -> str:
    r"""`text` on one line and encodable: bytes of another encoding and control characters as escapes.

    >>> printable("caf\udce9"), printable("two\nlines"), printable("Zoë")
    ('caf\\xe9', 'two\\nlines', 'Zoë')
    """
    whole = _BYTES.sub(lambda run: run[0].encode("ascii", "surrogateescape").decode("utf-8", "backslashreplace"), text)
    return _UNSHOWN.sub(lambda sign: sign[0].encode("unicode_escape").decode("ascii"), whole)


def same_form(text: str) -> str:
    """`text` in Unicode's composed form (NFC): names that look alike are then equal, as macOS and Linux write them."""
    return unicodedata.normalize("NFC", text)


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
