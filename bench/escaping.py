"""Text that comes from outside (names of files, labels, a user's own tasks and methods) on its way into an output: one
function per format, which every such text goes through, so that it is shown as it is and does nothing there.

All of them write out what is not seen, such as control characters and signs that turn the direction of writing
(`datasets.names.printable`). Light to import.
"""

import re
import unicodedata
from html import escape

from datasets.names import printable

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "–": "--",
}
# What is markup wherever it stands; underscores that do not stand within a word; brackets that make a link; signs that
# make a list, a heading or a rule at the beginning; names of emoji; entities.
_MARKDOWN = re.compile(
    r"[\\|*<>`$~#]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])|!(?=\[)|^[+=-]|(?<=\d)[.)](?=\s)|:(?=[\w+-]+:)|&(?=#?\w+;)"
)
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@")


def lines(text: str) -> str:
    """Text of several lines as a terminal or a page shows it: line ends and tabs stay, all else as `printable` has it.

    >>> lines("Zoë\\n\\x1b[31mred")
    'Zoë\\n\\\\x1b[31mred'
    """
    return "".join(part if part in "\n\t" else printable(part) for part in re.split(r"([\n\t])", text))


def html(text: str) -> str:
    """For HTML and SVG, within elements and quoted attributes; line ends stay.

    >>> html('a" onload="b')
    'a&quot; onload=&quot;b'
    """
    return escape(lines(text))


def markdown(text: str) -> str:
    """For a line, or a cell of a table, in Markdown.

    >>> markdown("a|b *c* pdr_loocc _x_")
    'a\\\\|b \\\\*c\\\\* pdr_loocc \\\\_x\\\\_'
    """
    return _MARKDOWN.sub(lambda sign: f"\\{sign[0]}", printable(text).strip())


def markdown_code(text: str) -> str:
    """As code in a cell of a Markdown table; as plain text where it cannot be code.

    >>> markdown_code("timm:a|b")
    '`timm:a\\\\|b`'
    """
    plain = printable(text)
    return markdown(text) if "`" in plain or "\\" in plain else f"`{plain.replace('|', chr(92) + '|')}`"


def latex(text: str) -> str:
    r"""For running text and cells in LaTeX.

    >>> latex("50 % of a_b"), latex("[x] --y")
    ('50 \\% of a\\_b', '{[}x] -{}-y')
    """
    plain = re.sub(r"-(?=-)", "-\0", printable(text))
    escaped = "".join(_LATEX.get(sign, sign) for sign in plain).replace("\0", "{}")
    # At the beginning of a cell, `[` and `*` would belong to the line break before it.
    return f"{{{escaped[0]}}}{escaped[1:]}" if escaped[:1] in ("[", "*") else escaped


def csv(text: str) -> str:
    """For a field of a CSV file (the csv module sees to quotes): a spreadsheet takes it for text.

    >>> csv("=1+1"), csv("pdr")
    ("'=1+1", 'pdr')
    """
    plain = printable(text)
    # Also as full-width signs, which spreadsheets of East Asia take for the same.
    start = unicodedata.normalize("NFKC", plain.lstrip()[:1])
    return f"'{plain}" if start in _FORMULA else plain


def file_name(text: str) -> str:
    """For a part of a file's name on any system, at most 100 letters, digits and `_-.`; anything else becomes `-`.

    >>> file_name("mine.py:Tiny/tracks:my faces")
    'mine.py-Tiny-tracks-my-faces'
    """
    return re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII)[:100]


def mlflow(name: str) -> str:
    """For a name that every MLflow backend takes, one that makes files of names too: letters, digits and `_-./ `, at
    most 250 of them; anything else becomes `_`, and so does a part between slashes that is empty or made of dots.

    >>> mlflow("accuracy@100"), mlflow("../x")
    ('accuracy_100', '_/x')
    """
    plain = re.sub(r"[^\w\-./ ]", "_", name[:250], flags=re.ASCII)
    return "/".join(part if part not in ("", ".", "..") else "_" for part in plain.split("/"))
