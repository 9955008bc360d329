"""Manifests of runs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from record_factory import record

from bench.execution.invocations import Invocation, invocations, new_id, path_of, portable, relative
from datasets.errors import BenchError


def manifest(identity: str = "a", **changes: object) -> Invocation:
    fields = {"id": identity, "started": datetime(2026, 1, 2, tzinfo=UTC), "argv": ["run"], "profile": "mini"}
    return Invocation(**{**fields, "protocol": "default", "suite": "tests", **changes})


def test_a_manifest_comes_back_as_it_was_and_finds_its_records(tmp_path: Path) -> None:
    kept = record()
    kept.write(tmp_path / "records" / f"{kept.key}.json")
    run = manifest(cells=relative([tmp_path / "records" / f"{kept.key}.json"], tmp_path))
    run.write(tmp_path)
    assert list(invocations(tmp_path)) == [run]
    assert run.records(tmp_path) == [kept]


def test_what_is_wrong_with_a_manifest_is_one_line_and_holds_up_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = manifest()
    run.write(tmp_path)
    path_of(tmp_path, "0").write_text("{}")
    with pytest.raises(BenchError, match="not an invocation of schema 1"):
        Invocation.read(path_of(tmp_path, "0"))
    assert list(invocations(tmp_path)) == [run]
    assert capsys.readouterr().err.count("0.json is not an invocation of schema 1") == 1
    edited = path_of(tmp_path, run.id)
    edited.write_text(edited.read_text().replace(run.profile, "other"))
    with pytest.raises(BenchError, match="does not fit its seal"):
        Invocation.read(edited)
    with pytest.raises(BenchError, match="no such invocation"):
        Invocation.read(path_of(tmp_path, "b"))
    with pytest.raises(BenchError, match="is gone"):
        manifest(cells=["records/x.json"]).records(tmp_path)


def test_identities_sort_by_time_and_differ_within_a_second() -> None:
    early, late = datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    assert new_id(early) < new_id(late)
    assert new_id(early) != new_id(early)
    manifest(new_id(early))


def test_arguments_lose_the_machines_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["run", "--data-root", "/data/faces/real", f"--store={tmp_path}/store", "--set", "pdr.nf=16"]
    assert portable(given) == ["run", "--data-root", ".../real", "--store=store", "--set", "pdr.nf=16"]


def test_files_beside_the_store_are_named_from_it(tmp_path: Path) -> None:
    assert relative([tmp_path / "tables" / "t.csv"], tmp_path / "store") == ["../tables/t.csv"]
