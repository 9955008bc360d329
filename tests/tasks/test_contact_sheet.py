"""Where the pictures of a contact sheet are, for whatever shows them without its letters."""

import numpy as np
import pytest

from tasks.contact_sheet import LINE, SCALE, contact_sheet, panel


@pytest.mark.parametrize("title", ["", "demo"])
@pytest.mark.parametrize("rows", [(), ("yes, logit +1.20", "no")])
def test_a_panel_is_the_pictures_alone(title: str, rows: tuple[str, ...]) -> None:
    random = np.random.default_rng(0)
    columns = {name: random.integers(0, 256, (2, 5, 5, 3), dtype=np.uint8) for name in ("input", "output", "depth")}
    page = np.asarray(contact_sheet(columns, title, rows))
    found = panel(columns, title, rows)
    body = page[found.top : found.top + found.height, found.left : found.left + found.width][::SCALE, ::SCALE]
    np.testing.assert_array_equal(body, np.concatenate(np.concatenate(list(columns.values()), axis=2)))
    assert (found.columns, found.rows) == (("input", "output", "depth"), rows or ("1", "2"))
    assert (found.top, found.left > 0) == (2 * LINE if title else LINE, bool(rows))


def test_rows_that_the_sheet_does_not_name_have_names_all_the_same() -> None:
    columns = {"input": np.zeros((2, 4, 4, 3), np.uint8)}
    assert panel(columns, names=["image 7", "image 9"]).rows == ("image 7", "image 9")
    assert panel(columns, names=["image 7", "image 9"]).left == 0
