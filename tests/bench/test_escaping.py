"""One function per format, each judged by a reader of that format; and no output that goes by one of its own."""

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hostile import NAMES
from markdown_it import MarkdownIt

from bench import escaping
from datasets.names import printable

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", NAMES)
def test_html_shows_a_name_in_elements_and_attributes(name: str) -> None:
    found: list[tuple[str, list[tuple[str, str | None]]]] = []
    texts: list[str] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, attrs))

        def handle_data(self, data: str) -> None:
            texts.append(data)

    Page(convert_charrefs=True).feed(f'<p title="{escaping.html(name)}">{escaping.html(name)}</p>')
    shown = escaping.lines(name)
    assert found == [("p", [("title", shown)])]
    assert "".join(texts) == shown
    element = ElementTree.fromstring(f'<text x="{escaping.html(name)}">{escaping.html(name)}</text>')
    assert element.text == shown


@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_a_name_in_a_cell_a_line_and_as_code(name: str) -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    shown = printable(name).strip()
    plain, code = escaping.markdown(name), escaping.markdown_code(name)
    rows = f"| a | b |\n|---|---|\n| {plain} | {code} |\n\n{plain}\n\n### {plain}\n"
    tokens = reader.parse(rows)
    inlines = [token for token in tokens if token.type == "inline"]
    kinds = [[part.type for part in token.children or []] for token in inlines]
    assert all(set(kind) <= {"text", "text_special", "code_inline"} for kind in kinds), kinds
    texts = ["".join(part.content for part in token.children or []) for token in inlines]
    assert texts == ["a", "b", shown, printable(name) if "code_inline" in kinds[3] else shown, shown, shown]
    assert not re.search(r"(?<!\\):[\w+-]+:", plain), "a name of an emoji"
    assert not re.search(r"(?<!\\)\$", plain), "mathematics"


@pytest.mark.parametrize("name", NAMES)
def test_latex_has_no_special_sign_of_a_name(name: str) -> None:
    text = escaping.latex(name)
    commands = r"\\(?:textasciitilde|textasciicircum|textbackslash|textless|textgreater|textbar|textasciigrave)\{\}"
    rest = re.sub(commands, "", text)
    rest = re.sub(r"\\[&%$#_{}]", "", rest)
    rest = re.sub(r"^\{([\[*])\}|-\{\}(?=-)", r"", rest)
    assert not re.search(r"[\\&%$#_{}~^<>|`]|--", rest), text
    assert text[:1] not in ("[", "*")
    assert printable(text) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_spreadsheet_finds_no_formula_in_a_name(name: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([escaping.csv(name), "next"])
    [[field, beside]] = csv.reader(io.StringIO(out.getvalue()))
    assert beside == "next"
    assert field.lstrip()[:1] not in tuple("=+-@＝＋－＠\t\r")
    assert field.removeprefix("'") == printable(name).removeprefix("'")


@pytest.mark.parametrize("name", NAMES)
def test_mlflow_takes_a_name(name: str) -> None:
    from mlflow.utils.validation import _validate_length_limit, _validate_param_name

    _validate_param_name(escaping.mlflow(name))
    _validate_length_limit("name", 250, escaping.mlflow(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_can_be_called_by_a_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{escaping.file_name(name)}-0.png"
    path.write_bytes(b"")
    assert list(tmp_path.iterdir()) == [path]
    assert path.name.isascii()


@pytest.mark.parametrize("name", NAMES)
def test_a_terminal_is_sent_lines_and_nothing_else(name: str) -> None:
    text = escaping.lines(name)
    assert "".join(printable(line) for line in text.replace("\t", "").split("\n")) == re.sub(r"[\n\t]", "", text)
    assert text.count("\n") == name.count("\n")
    text.encode("utf-8")


def test_no_module_escapes_or_prints_by_itself() -> None:
    """What is written with `print`, `typer.echo`, a plain console or another function for escaping passes by the one
    door of its format."""
    own = {"bench/escaping.py", "bench/streams.py", "bench/terminal.py"}
    passing = re.compile(
        r"(?<![\w.])print\(|typer\.echo|(?<![\w.])Console\(|html\.escape|rich\.markup|from markupsafe import escape"
    )
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "bench").rglob("*.py")
        if passing.search(path.read_text(encoding="utf-8"))
    }
    assert found - own == set()
