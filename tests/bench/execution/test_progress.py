"""Lines of progress, off a terminal and on one."""

import io

import pytest
from rich.console import Console

from bench.execution.progress import RichProgress


@pytest.mark.parametrize("live", [False, True])
def test_names_with_brackets_are_shown_whole(live: bool) -> None:
    out = io.StringIO()
    with RichProgress(Console(file=out, force_terminal=live, width=100)) as progress:
        progress.cell = "pdr[features=light]"
        progress.say("drawing bbt[synthetic]")
        assert list(progress.track([1, 2], total=2, what="encode yaleb[synthetic]")) == [1, 2]
    assert "pdr[features=light]" in out.getvalue()
    assert "bbt[synthetic]" in out.getvalue()
    assert ("encode yaleb[synthetic]" in out.getvalue()) == live, "a bar, where there is room for one"
