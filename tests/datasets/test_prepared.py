"""Preparing: once, whole, bounded, repeatable, and healed when damaged."""

import json
import multiprocessing
import os
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from datasets.base import Content, Progress, Silent, Source
from datasets.errors import BenchError
from datasets.folders import ImageFolder, TrackFolder
from datasets.prepared import content_digest, find_prepared, mend, open_prepared, prepare, prepared_folder, verify
from datasets.rows import FolderOfRows, in_memory
from datasets.sealed import Damaged
from datasets.synthetic.sources import UTKFaceStandIn


class Drawn(Source):
    """Numbers in place of images; counts how often it is read in a file, so that other processes count too."""

    name = "drawn"
    synthetic = True
    world = "without a camera"

    def __init__(self, n: int = 5, log: Path | None = None, seconds: float = 0.0) -> None:
        self.n, self.log, self.seconds = n, log, seconds

    def fingerprint(self) -> dict[str, int]:
        return {"n": self.n}

    def read(self, size: int, progress: Progress) -> Content:
        if self.log is not None:
            with self.log.open("a") as handle:
                handle.write("read\n")
            time.sleep(self.seconds)
        random = np.random.default_rng(self.n)
        return Content(
            images=random.integers(0, 256, (self.n, size, size, 3), dtype=np.uint8),
            labels={"identity": np.arange(self.n) % 2, "age": np.full(self.n, -1)},
            classes={"identity": ("a", "b")},
            tracks=np.arange(self.n) // 2,
            track_names=tuple(f"t{index}" for index in range((self.n + 1) // 2)),
            truth={"depth": random.random((self.n, size, size), dtype=np.float32)},
            skipped={"torn": 2},
        )


def test_what_is_opened_is_what_was_read(tmp_path: Path) -> None:
    source = Drawn()
    content = source.read(8, Silent())
    first = prepare(source, 8, tmp_path, Silent())
    again = prepare(source, 8, tmp_path, Silent())
    for dataset in (first, again, find_prepared(source, 8, tmp_path), open_prepared(first.folder)):
        assert dataset is not None
        np.testing.assert_array_equal(dataset.images, content.images)
        np.testing.assert_array_equal(dataset.labels["identity"], content.labels["identity"])
        np.testing.assert_array_equal(dataset.labels["age"], content.labels["age"])
        np.testing.assert_array_equal(dataset.tracks, content.tracks)
        np.testing.assert_array_equal(dataset.truth["depth"], content.truth["depth"])
        assert dataset.classes == content.classes
        assert dataset.track_names == content.track_names
        assert dataset.skipped == {"torn": 2}
        assert (dataset.label, dataset.size, len(dataset)) == ("drawn[synthetic]", 8, 5)
        assert dataset.world == "without a camera"
        assert dataset.digest == content_digest(content)
        assert isinstance(dataset.images, np.memmap)
        assert not dataset.images.flags.writeable


def test_it_is_read_once_per_fingerprint_and_size(tmp_path: Path) -> None:
    log, store = tmp_path / "log", tmp_path / "store"
    for n, size in [(5, 8), (5, 8), (5, 4), (6, 8), (5, 8)]:
        prepare(Drawn(n, log), size, store, Silent())
    assert log.read_text().split() == ["read"] * 3


def test_a_dry_look_writes_nothing(tmp_path: Path) -> None:
    assert find_prepared(Drawn(), 8, tmp_path / "store") is None
    assert not (tmp_path / "store").exists()


def test_no_absolute_path_is_stored(draw, tmp_path: Path) -> None:
    draw(tmp_path / "mine" / "x" / "0.png")
    dataset = prepare(ImageFolder.open(tmp_path / "mine"), 8, tmp_path / "store", Silent())
    assert str(tmp_path) not in (dataset.folder / "meta.json").read_text()


def test_the_digest_knows_content_and_nothing_else(draw, tmp_path: Path) -> None:
    def fill(folder: Path, order: list[int]) -> None:
        for index in order:
            draw(folder / f"t{index % 2}" / f"{index}.png", seed=index)
        (folder / "labels.csv").write_text("track,label\nt0,x\nt1,y\n")

    def digest(folder: Path) -> str:
        return prepare(TrackFolder.open(folder), 8, tmp_path / "store", Silent()).digest

    fill(tmp_path / "one", [0, 1, 2, 3])
    fill(tmp_path / "elsewhere" / "two", [3, 1, 0, 2])
    assert digest(tmp_path / "one") == digest(tmp_path / "elsewhere" / "two")

    before = digest(tmp_path / "one")
    os.utime(tmp_path / "one" / "t0" / "0.png", ns=(1, 1))
    assert digest(tmp_path / "one") == before
    (tmp_path / "one" / "labels.csv").write_text("track,label\nt0,y\nt1,x\n")
    assert digest(tmp_path / "one") != before


@pytest.mark.parametrize("column", ["images", "labels", "classes", "tracks", "track_names", "truth"])
def test_the_digest_changes_with_every_part(column: str) -> None:
    def altered(column: str) -> Content:
        content = Drawn().read(4, Silent())
        if column in ("images", "tracks"):
            getattr(content, column)[1] += 1
        elif column == "classes":
            content.classes["identity"] = ("a", "c")
        elif column == "track_names":
            object.__setattr__(content, "track_names", ("t0", "t1", "t9"))
        elif column:
            next(iter(getattr(content, column).values()))[1] += 1
        return content

    assert content_digest(altered("")) == content_digest(Drawn().read(4, Silent()))
    assert content_digest(altered(column)) != content_digest(altered(""))


@pytest.mark.parametrize("damage", ["truncated", "no labels", "no meta", "bad meta", "old format", "empty folder"])
def test_a_damaged_folder_is_refused_and_made_again(tmp_path: Path, told, damage: str) -> None:
    dataset = prepare(Drawn(), 8, tmp_path, Silent())
    folder, digest = dataset.folder, dataset.digest
    if damage == "truncated":
        os.truncate(folder / "images.npy", 300)
    elif damage == "no labels":
        (folder / "label-identity.npy").unlink()
    elif damage == "no meta":
        (folder / "meta.json").unlink()
    elif damage == "bad meta":
        (folder / "meta.json").write_text('{"format":')
    elif damage == "old format":
        meta = json.loads((folder / "meta.json").read_text())
        (folder / "meta.json").write_text(json.dumps({**meta, "format": 0}))
    else:
        shutil.rmtree(folder)
        folder.mkdir()
    with pytest.raises(Damaged, match="is damaged"):
        open_prepared(folder)
    assert find_prepared(Drawn(), 8, tmp_path) is None
    healed = prepare(Drawn(), 8, tmp_path, told)
    assert healed.digest == digest == content_digest(healed)
    assert "damaged" in told.lines[0]


def _prepare_and_tell(store: Path, log: Path, queue) -> None:
    dataset = prepare(Drawn(5, log, seconds=0.5), 8, store, Silent())
    queue.put((dataset.digest, int(dataset.images.astype(np.int64).sum())))


def test_two_processes_read_once_and_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [
        context.Process(target=_prepare_and_tell, args=(tmp_path / "store", tmp_path / "log", queue)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    found = [queue.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join()
    assert found[0] == found[1]
    assert (tmp_path / "log").read_text().split() == ["read"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    folder = prepared_folder(Drawn(), 8, tmp_path)
    left = tmp_path / f".{folder.name}.0123.tmp"
    left.mkdir()
    (left / "images.npy").write_bytes(b"half")
    prepare(Drawn(), 8, tmp_path, Silent())
    assert not left.exists()
    assert not list(tmp_path.glob(".*"))


def test_a_disk_that_takes_no_more_is_one_clear_error_and_leaves_nothing(tmp_path: Path, draw) -> None:
    draw(tmp_path / "mine" / "x" / "0.png")

    source, store = ImageFolder.open(tmp_path / "mine"), tmp_path / "store"
    store.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))  # an image of 64 x 64 pixels takes 12288 bytes
    try:
        with pytest.raises(BenchError, match=r"cannot write .*: File too large"):
            prepare(source, 64, store, Silent())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert find_prepared(source, 64, store) is None
    assert not [path for path in store.iterdir() if path.suffix != ".lock"]
    assert len(prepare(source, 64, store, Silent())) == 1


def test_a_store_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="cannot write to"):
        prepare(Drawn(), 8, tmp_path / "file" / "store", Silent())


def test_a_lock_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    folder = prepared_folder(Drawn(), 8, tmp_path)
    folder.with_name(f"{folder.name}.lock").mkdir()
    with pytest.raises(BenchError, match=f"cannot write to {tmp_path}: "):
        prepare(Drawn(), 8, tmp_path, Silent())


def test_rows_grow_in_a_file_as_in_memory(tmp_path: Path) -> None:
    rows = np.arange(24, dtype=np.int16).reshape(4, 2, 3)
    folder = FolderOfRows(tmp_path)
    arrays = []
    for opened in (folder("a", (2, 3), np.int16), in_memory("a", (2, 3), np.int16)):
        opened.append(rows[:1])
        opened.append(rows[1:])
        with pytest.raises(ValueError, match="do not fit"):
            opened.append(rows.astype(np.int32))
        arrays.append(opened.array())
        np.testing.assert_array_equal(arrays[-1], rows)
    assert folder.holds("a", arrays[0])
    assert not folder.holds("a", arrays[1])
    assert not folder.holds("a", arrays[0][:2])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), rows)


@pytest.mark.parametrize("name", ["images", "label-age", "tracks", "truth-depth"])
@pytest.mark.parametrize("rest", [b"", b"\x93NUMPY\1\0v\0{'descr': ('", None])
def test_an_emptied_or_torn_array_is_made_again(tmp_path: Path, name: str, rest: bytes | None) -> None:
    dataset = prepare(Drawn(), 8, tmp_path, Silent())
    path = dataset.folder / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:90] if rest is None else rest)
    assert find_prepared(Drawn(), 8, tmp_path) is None
    assert prepare(Drawn(), 8, tmp_path, Silent()).digest == dataset.digest


@pytest.mark.parametrize("text", ['{"format": 1, "count": 1e999}', "[" * 100_000, "9" * 5000, "[]", '"\\ud800"'])
def test_odd_json_is_damage(tmp_path: Path, text: str) -> None:
    dataset = prepare(Drawn(), 8, tmp_path, Silent())
    (dataset.folder / "meta.json").write_text(text)
    with pytest.raises(Damaged, match="is damaged"):
        open_prepared(dataset.folder)
    assert prepare(Drawn(), 8, tmp_path, Silent()).digest == dataset.digest


@pytest.mark.parametrize("name", ["images", "label-age", "tracks", "truth-depth"])
def test_one_flipped_bit_is_found_and_mended(tmp_path: Path, told, name: str) -> None:
    dataset = prepare(Drawn(), 8, tmp_path, Silent())
    verify(dataset)
    assert not mend(dataset, told)
    path = dataset.folder / f"{name}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    damaged = open_prepared(dataset.folder)
    with pytest.raises(Damaged, match="its arrays are not what was written"):
        verify(damaged)
    assert mend(damaged, told)
    assert "damaged" in told.lines[0]
    verify(healed := prepare(Drawn(), 8, tmp_path, told))
    assert healed.digest == dataset.digest


def test_a_prepared_dataset_whose_description_was_edited_is_made_again(tmp_path: Path) -> None:
    dataset = prepare(Drawn(), 8, tmp_path, Silent())
    meta = dataset.folder / "meta.json"
    meta.write_text(meta.read_text().replace(dataset.digest, "0" * 64))
    assert find_prepared(Drawn(), 8, tmp_path) is None
    assert prepare(Drawn(), 8, tmp_path, Silent()).digest == dataset.digest


def test_a_stand_ins_ground_truth_lies_in_its_folder_once(tmp_path: Path) -> None:
    dataset = prepare(UTKFaceStandIn("smoke"), 16, tmp_path, Silent())
    expected = {"meta.json", "images.npy", *(f"label-{kind}.npy" for kind in dataset.labels)}
    assert {path.name for path in dataset.folder.iterdir()} == expected | {
        f"truth-{name}.npy" for name in dataset.truth
    }
