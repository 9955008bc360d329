"""Which cells a request means: the rows whose seeds are nearly free run more of them."""

from collections.abc import Callable
from pathlib import Path

from bench.grid.catalogue import METHODS
from bench.grid.request import Options
from bench.grid.seeds import Seeds, extended
from bench.pipeline.cell import cells
from bench.pipeline.records import Record
from bench.pipeline.store import Store


def planned(tmp_path: Path, **options: object) -> list[str]:
    values = {"methods": "pdr", "tasks": "buffy", "profile": "smoke", **options}
    return [cell.name for cell in cells(Options(**values).request(), Store(tmp_path / "store"))]  # type: ignore[arg-type]


def test_chance_and_random_init_always_run_five(tmp_path: Path) -> None:
    assert {entry.name: entry.trainings for entry in METHODS.baselines()} == {
        "chance": 5,
        "raw_pixels": 1,
        "random_init": 5,
        # Rows of moved scenes alone.
        **dict.fromkeys(("unchanged", "training_mean", "retrieval"), 1),
    }
    names = planned(tmp_path)
    assert names[:4] == ["pdr/buffy/0", "chance/buffy/0", "raw_pixels/buffy/0", "random_init/buffy/0"], (
        "as asked, first"
    )
    added = [f"{method}/buffy/{seed}" for seed in range(1, 5) for method in ("chance", "random_init")]
    assert names[4:] == added
    assert planned(tmp_path, methods="random_init,pdr") == [
        "random_init/buffy/0",
        "pdr/buffy/0",
        "chance/buffy/0",
        "raw_pixels/buffy/0",
        *(f"{method}/buffy/{seed}" for seed in range(1, 5) for method in ("random_init", "chance")),
    ]
    assert len(planned(tmp_path, seeds="0-4")) == len(planned(tmp_path, seeds="0-4", methods="pdr,random_init")) == 20


def test_without_reference_rows_what_is_named_is_run(tmp_path: Path) -> None:
    assert planned(tmp_path, methods="random_init", baselines=False) == ["random_init/buffy/0"]


def test_a_row_of_some_tasks_is_one_of_theirs_with_settings_too(tmp_path: Path) -> None:
    settings = ["few_shot_parts.labelled_images=5,16"]
    names = planned(
        tmp_path, methods="unet_few_labels", tasks="few_shot_parts,buffy", settings=settings, baselines=False
    )
    assert names == [
        "unet_few_labels/few_shot_parts[labelled_images=5]/0",
        "unet_few_labels/few_shot_parts[labelled_images=16]/0",
    ]


def test_added_seeds_vary_what_the_others_do() -> None:
    together = tuple(Seeds(number, number, number) for number in (7, 1))
    assert [str(seeds) for seeds in extended(together, 5)] == ["7", "1", "0", "2", "3"]
    apart = tuple(Seeds(number, 4, 9) for number in (0, 1))
    assert extended(apart, 4) == tuple(Seeds(number, 4, 9) for number in (0, 1, 2, 3))
    drawn = tuple(Seeds(0, 0, number) for number in range(3))
    assert extended(drawn, 3) == (*drawn, Seeds(1, 0, 0), Seeds(2, 0, 0))
    assert extended(together, 1) == extended(together, 2) == together


def test_seeds_of_chance_and_random_init_differ_and_those_of_pixels_do_not(
    grid: Callable[..., tuple[int, list[Record]]],
) -> None:
    code, records = grid("chance,random_init,raw_pixels", tasks="buffy", seeds="0,1")
    assert code == 0, [record.error for record in records]
    by_method: dict[str, list[Record]] = {}
    for record in records:
        by_method.setdefault(record.method, []).append(record)
    for method, own in by_method.items():
        assert [record.varies_with_seed for record in own] == [method != "raw_pixels"] * 2
        assert (own[0].metrics == own[1].metrics) == (method == "raw_pixels")
