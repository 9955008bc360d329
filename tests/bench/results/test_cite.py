"""Citations come from what is cited: records, tables, runs, and methods, tasks and datasets by name."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from record_factory import record

from bench.commands.table import cite_command
from bench.execution.invocations import Invocation
from bench.grid.catalogue import DATASETS, METHODS, TASKS
from bench.pipeline.records import Citations
from bench.pipeline.store import Store
from bench.results.cite import bibtex, citations_for, citations_of, entries
from datasets.errors import BenchError
from tasks.results import Metric

OWN = "@misc{mine2026,\n  title = {Mine},\n  author = {Me},\n  year = {2026}\n}"


def every_name() -> list[str]:
    """Every built-in name, with an argument where it takes one."""
    arguments = {"timm": "resnet18", "pcc": "bbt", "attribution": "Smiling", "tracks": "mine", "images": "mine"}
    names = [*METHODS.entries(), *TASKS.entries(), *DATASETS.entries()]
    return sorted({f"{name}:{arguments[name]}" if name in arguments else name for name in names})


def test_every_citation_is_an_entry_and_every_entry_is_used(tmp_path: Path) -> None:
    named = {key for name in every_name() for key in citations_for(name, tmp_path)}
    assert named == set(entries())


@pytest.mark.parametrize("key", entries())
def test_entries_have_what_an_entry_needs(key: str) -> None:
    entry = entries()[key]
    for field in ("title", "author", "year"):
        assert re.search(rf"^  {field} = \{{.+\}},?$", entry, flags=re.MULTILINE), field
    assert entry.count("{") == entry.count("}")


def test_exactly_what_is_behind_names_and_once(tmp_path: Path) -> None:
    names = "pdr,pdr_loocc_l,pdr[features=light,view],ris,timm:resnet18"
    keys = list(dict.fromkeys(citations_for(names, tmp_path)))
    assert keys == [
        *("klinghoffer2022pdr", "wu2020unsup3d", "kato2018nmr", "chen2020simclr"),
        *("chong2021ris", "karras2020stylegan2", "tov2021e4e", "wightman2019timm"),
    ]
    assert bibtex(citations_for("vqvae,vqvae", tmp_path)).count("@") == 1


def test_a_task_brings_its_dataset_and_its_metrics(tmp_path: Path) -> None:
    keys = citations_for("bbt", tmp_path)
    assert keys[:2] == ["tapaswi2012knock", "bauml2013semi"]
    assert {"ward1963hierarchical", "sarfraz2019finch"} <= set(keys)
    assert "li2017rafdb" not in keys
    assert "bauml2013semi" in citations_for("pcc:buffy", tmp_path)


def test_a_file_of_ones_own_says_what_it_cites(tmp_path: Path) -> None:
    path = tmp_path / "cited_method.py"
    path.write_text(
        f"from methods.base import Method\n\nclass Mine(Method):\n    cites = ({OWN!r}, 'oord2017vqvae')\n"
        "    def encode(self, images):\n        return images.flatten(1)\n"
    )
    text = bibtex(citations_for(f"{path}:Mine,{path}:Mine", tmp_path))
    assert text.startswith(OWN)
    assert text.count("@") == 2


def test_records_cite_what_they_hold_and_no_more() -> None:
    declared = [Metric("accuracy", cites=("ward1963hierarchical",)), Metric("absent", cites=("chen2018mig",))]
    cited = Citations(method=["oord2017vqvae"], task=[OWN], dataset=["li2017rafdb"])
    one = record(citations=cited, declared=declared)
    other = record("vqvae", citations=cited, declared=[Metric("extra", cites=("sap",))], secondary={"extra": 0.5})
    assert citations_of([one]) == ["oord2017vqvae", "li2017rafdb", OWN, "ward1963hierarchical"]
    assert citations_of([one, other])[-1] == "sap", "of secondary metrics too"


def test_a_run_is_cited_by_its_identity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "store")
    one = record()
    one.write(store.record_path(one.key))
    now = datetime(2026, 1, 2, tzinfo=UTC)
    run = Invocation(id="a-run", started=now, argv=[], profile="mini", protocol="default", suite="s")
    run.model_copy(update={"cells": [f"records/{one.key}.json"]}).write(store.root)
    cite_command("a-run", store.root)
    assert re.findall(r"^@\w+\{([^,]+)", capsys.readouterr().out, flags=re.MULTILINE) == citations_of([one])


def test_entries_are_shown_as_they_are_and_once() -> None:
    assert bibtex([OWN, "sarfraz2019finch", f" {OWN}\n"]) == f"{OWN}\n\n{entries()['sarfraz2019finch']}"


def test_unknown_names_suggest_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"nothing named 'vqave' to cite: did you mean vqvae\?"):
        citations_for("vqave", tmp_path)
    with pytest.raises(BenchError, match=r"unknown citation 'oord2017': .* did you mean oord2017vqvae\?"):
        bibtex(["oord2017"])
    assert not list(tmp_path.iterdir()), "asking writes nothing"
