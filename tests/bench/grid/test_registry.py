"""Names, wildcards, near misses, files and entry points."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.grid.catalogue import DATASETS, METHODS, PROFILES, TASKS
from bench.grid.registry import Entry, Registry, load_object, varied
from datasets.errors import BenchError
from methods.dcign.config import GROUPS
from methods.pdr.config import PARAMETERS

REGISTRY = Registry(
    "method",
    [
        Entry("pdr", "json:dumps", "", "pdr", choices={"features": ("light", "view")}),
        Entry("pdr_loocc_l", "json:dumps", "", "pdr", {"loocc": "l"}),
        Entry("chance", "json:dumps", "", baseline=True),
        Entry("timm", "json:dumps", "", argument="model"),
        Entry("pcc", "json:dumps", "", argument="dataset", usual=("bbt", "buffy")),
        Entry("simclr", "json:dumps", "", group="controls"),
        Entry("dcign", "json:dumps", "", group="graphics"),
        Entry("vicreg", "json:dumps", "", group="controls"),
    ],
)


def names(text: str) -> list[str]:
    return [entry.name for entry in REGISTRY.select(text)]


def test_select_keeps_the_order_and_drops_repeats() -> None:
    assert names("pdr_loocc_l,pdr,pdr_loocc_l") == ["pdr_loocc_l", "pdr"]
    assert names("pdr*") == ["pdr", "pdr_loocc_l"]
    assert names("all") == ["pdr", "pdr_loocc_l", "pcc:bbt", "pcc:buffy"]
    assert names("all,chance") == ["pdr", "pdr_loocc_l", "pcc:bbt", "pcc:buffy", "chance"]


def test_groups_stand_for_rows_that_all_leaves_out() -> None:
    assert names("controls") == ["simclr", "vicreg"]
    assert names("graphics,controls") == ["dcign", "simclr", "vicreg"]
    assert names("every") == ["pdr", "pdr_loocc_l", "pcc:bbt", "pcc:buffy", "simclr", "dcign", "vicreg"]
    assert list(REGISTRY.groups()) == ["all", "controls", "graphics", "every"]


def test_no_group_has_the_name_of_an_entry() -> None:
    for registry in (METHODS, TASKS, DATASETS):
        assert not registry.groups().keys() & registry.entries().keys()


def test_a_star_goes_through_the_subsets_of_a_set_of_names() -> None:
    assert names("chance,pdr[nf=8;features=*]") == [
        "chance",
        "pdr[nf=8;features=light]",
        "pdr[nf=8;features=view]",
        "pdr[nf=8;features=light,view]",
    ]
    assert REGISTRY.select("pdr[features=*]")[-1].variant == REGISTRY.get("pdr[features=light,view]").variant
    for text in ("pdr[nf=*]", "chance[features=*]"):
        with pytest.raises(BenchError, match="cannot go through"):
            REGISTRY.select(text)


def test_the_sets_of_names_are_the_methods_own() -> None:
    for entry in METHODS.entries().values():
        for name, choices in entry.choices.items():
            values = METHODS.get(f"{entry.name}[{name}={','.join(choices)}]").variant
            config = entry.load().Config(**values)
            assert set(getattr(config, name)) == set(choices)
            assert choices == (GROUPS if entry.family == "dcign" else PARAMETERS)


def test_an_entry_with_an_argument_sets_its_field() -> None:
    entry = REGISTRY.get("timm:resnet18")
    assert (entry.name, dict(entry.preset), entry.family) == ("timm:resnet18", {"model": "resnet18"}, "timm")
    with pytest.raises(BenchError, match="timm:MODEL"):
        REGISTRY.get("timm")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pdr_looc_l", "did you mean pdr_loocc_l"),
        ("zzz", "known: chance"),
        ("x*", "no method matches"),
        ("", "no method"),
    ],
)
def test_an_unknown_name_says_what_is_known(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        REGISTRY.select(text)


def test_a_class_in_a_file_is_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("class Mine:\n    pass\n")
    entry = REGISTRY.get(f"{path}:Mine")
    assert entry.name == "mine.py:Mine"
    assert entry.load().__name__ == "Mine"
    with pytest.raises(BenchError, match="has no Other"):
        REGISTRY.get(f"{path}:Other").load()
    with pytest.raises(BenchError, match="no such file"):
        REGISTRY.get("absent.py:Mine").load()


@pytest.mark.parametrize("registry", [METHODS, TASKS, DATASETS], ids=lambda registry: registry.kind)
def test_every_builtin_target_exists(registry: Registry) -> None:
    for entry in registry.entries().values():
        assert entry.target or entry.stand_in, entry.name
        if entry.target:
            assert callable(entry.load()), f"{entry.name}: {entry.target}"
        if entry.stand_in:
            assert callable(entry.load_stand_in()), f"{entry.name}: {entry.stand_in}"


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from bench.cli.app import app\n"
        "try: app(['list', 'methods'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'mlflow', 'pandas', 'sklearn', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pdr_loocc_lv" in done.stdout


def test_profiles_are_named_by_their_keys() -> None:
    assert all(name == profile.name for name, profile in PROFILES.items())


def test_two_files_of_one_name(tmp_path: Path) -> None:
    for folder, value in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_name.py").write_text(f"value = {value}\n")
    assert load_object(f"{tmp_path}/a/same_name.py:value", "a") == load_object(f"{tmp_path}/b/same_name.py:value", "b")
    with pytest.raises(BenchError, match="have the same name: rename one"):
        load_object(f"{tmp_path}/c/same_name.py:value", "c")


def test_settings_in_brackets_make_a_variant() -> None:
    entry, other = METHODS.select("pdr[features=light,view;schedule.max_steps=3],raw_pixels")
    assert entry.name == "pdr[features=light,view;schedule.max_steps=3]"
    assert entry.variant == {"features": ["light", "view"], "schedule": {"max_steps": 3}}
    assert (entry.target, entry.family, other.name) == (METHODS.get("pdr").target, "pdr", "raw_pixels")
    with pytest.raises(BenchError, match="did you mean pdr"):
        METHODS.get("pd[features=light]")
    with pytest.raises(BenchError, match=r"expected pdr\[KEY=VALUE\]"):
        METHODS.get("pdr[light]")


ODD = [
    "faces [2024]",
    "a,b",
    "what?",
    "all*",
    "images:x",
    "faces[",
    "a]b",
    "x=*]",
    "mine.py:C",
    "one, two,",
    " spaced ",
]


@pytest.mark.parametrize("kind", ["tracks", "images"])
def test_a_folder_that_is_there_is_no_syntax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ODD:
        (tmp_path / name).mkdir()
        for registry in (TASKS, DATASETS):
            (entry,) = registry.select(f"{kind}:{name}")
            assert (entry.name, entry.preset["folder"], entry.variant) == (f"{kind}:{name}", name, {})
            assert registry.get(f"{kind}:{name}") == entry
    chosen = TASKS.select(",".join(["bbt", *(f"{kind}:{name}" for name in ODD), "buffy"]))
    assert [entry.preset.get("folder") for entry in chosen] == [None, *ODD, None]
    assert len(TASKS.select(f"{kind}:a,{kind}:b")) == 2, "none of these is there"


def test_settings_come_behind_the_name_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces [2024]").mkdir()
    (entry,) = TASKS.select("tracks:faces [2024][normalise=l2]")
    assert entry.preset["folder"] == "faces [2024]"
    assert entry.variant == {"normalise": "l2"}
    with pytest.raises(BenchError, match=r"expected tracks:faces \[2024\]\[KEY=VALUE\]"):
        TASKS.select("tracks:faces [2024][2025]")
    (plain,) = TASKS.select("tracks:faces [2024]")
    assert varied(plain, "normalise", "l2") == entry
    assert varied(entry, "stability", "true").name == "tracks:faces [2024][normalise=l2;stability=true]"


def test_home_is_where_a_tilde_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a,b [1]").mkdir()
    (entry,) = TASKS.select("tracks:~/a,b [1]")
    assert entry.preset["folder"] == "~/a,b [1]"


def test_long_lists_are_split_at_once() -> None:
    with pytest.raises(BenchError, match="unknown task"):
        TASKS.select("tracks:" + "a," * 50_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n    pass\n", r"importing .*own\.py failed \(SyntaxError: .*\), line 1"),
        ("import os\n\n1 / 0\n", r"failed \(ZeroDivisionError: division by zero\), line 3"),
        ("import sys\nsys.exit(3)\n", r"failed \(SystemExit: 3\), line 2"),
        ("from tasks.base import Nothing\n", r"failed \(ImportError: cannot import name 'Nothing'.*\), line 1"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(BenchError, match=message) as caught:
        load_object(f"{tmp_path / 'own.py'}:Own", "own.py:Own")
    assert "\n" not in str(caught.value)


def test_settings_behind_a_file_leave_its_folder_out(tmp_path: Path) -> None:
    assert METHODS.get(f"{tmp_path}/mine.py:Mine[width=3]").name == "mine.py:Mine[width=3]"
