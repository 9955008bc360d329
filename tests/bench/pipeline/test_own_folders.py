"""A user's own folders in what a run leaves: by name, wherever they lie and however they are called."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.commands.report import report_command
from bench.commands.why import latest_record
from bench.execution.invocations import invocations
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.tracking import sync_all
from datasets.errors import BenchError

Grid = Callable[..., tuple[int, list[Record]]]
NAME = os.fsdecode(b'a"b|<i>$x_1$ \x1b[31m:car: ' + b"caf\xe9")
SHOWN = 'a"b|<i>$x_1$ \\x1b[31m:car: caf\\xe9'


def test_nothing_that_a_run_leaves_names_where_it_ran(grid: Grid, own_tracks: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my home" / NAME
    shutil.copytree(own_tracks, folder)
    code, [record] = grid("raw_pixels", tasks=f"tracks:{folder}")
    assert code == 0
    assert (record.task, record.task_config["folder"]) == (f"tracks:{SHOWN}", f".../{SHOWN}")
    report_command(None, None, open_page=False, store=tmp_path / "store")
    (folder / "empty").mkdir()
    code, [missing] = grid("raw_pixels", tasks=f"tracks:{folder}/empty")
    assert (code, missing.status) == (1, "missing")
    assert str(missing.error).startswith("tracks:empty: no labels.csv in .../empty; expected the header")
    left = [*(tmp_path / "store").glob("*/*.*"), *(tmp_path / "tables").iterdir(), *(tmp_path / "reports").iterdir()]
    kinds = (".json", ".csv", ".md", ".html")
    texts = {path: path.read_text(encoding="utf-8") for path in left if path.suffix in kinds}
    assert len(texts) >= 2 + 2 + 4 + 2
    assert not [path for path, text in texts.items() if str(tmp_path) in text or "my home" in text]
    assert all("\x1b" not in text for text in texts.values())
    for path in (path for path in texts if path.suffix == ".json"):
        json.loads(texts[path])
    assert len(list(invocations(tmp_path / "store"))) == 2, "manifests can be read again"
    found = latest_record(Store(tmp_path / "store"), "raw_pixels", record.task, record.all_seeds)
    assert found == record


def test_two_folders_of_one_name_are_two_tasks(grid: Grid, own_tracks: Path, tmp_path: Path) -> None:
    for place in ("one", "two"):
        shutil.copytree(own_tracks, tmp_path / place / "faces")
    tasks = ",".join(f"tracks:{tmp_path / place / 'faces'}" for place in ("one", "two"))
    code, records = grid("raw_pixels", tasks=tasks)
    assert code == 0
    assert [record.task for record in records] == ["tracks:faces", "tracks:two/faces"]
    assert len({record.key for record in records}) == 2


def test_a_store_whose_name_is_no_text_keeps_everything_but_the_mirror(
    grid: Grid, tmp_path: Path, own_tracks: Path
) -> None:
    code, _ = grid("raw_pixels", store=os.fsdecode(b"st\xe9"))
    assert code == 0
    root = tmp_path / os.fsdecode(b"st\xe9")
    report_command(None, None, open_page=False, store=root)
    with pytest.raises(BenchError, match=r"MLflow cannot keep its database in .*st\\xe9, whose name is not in UTF-8"):
        sync_all(root)
