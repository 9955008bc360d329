"""A run's options in a file: what it may say, what goes before it, and that an old run's file repeats the run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.commands import run as run_room
from bench.execution.invocations import config_of, invocations
from bench.grid.config import read_config
from bench.grid.request import Options
from datasets.errors import BenchError

TOML = """
methods = ["vqvae", "raw_pixels"]
tasks = "bbt"
profile = "smoke"
seeds = [0, 1]
data-root = "~/data"
baselines = false
limit = 12
[set.vqvae.schedule]
max_steps = 2
flip = true
[sweep.vqvae]
width = [4, 8]
"""
YAML = """
methods: vqvae,raw_pixels
tasks: bbt
profile: smoke
seeds: 0,1
data_root: ~/data
baselines: false
limit: 12
set: [vqvae.schedule.max_steps=2, vqvae.schedule.flip=true]
sweep: {vqvae.width: [4, 8]}
"""


def written(folder: Path, text: str, name: str = "run.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_and_yaml_say_the_same(tmp_path: Path) -> None:
    toml, yaml = read_config(written(tmp_path, TOML)), read_config(written(tmp_path, YAML, "run.yml"))
    assert toml == {**yaml, "sweep": ["vqvae.width=[4, 8]"]}
    assert (toml["methods"], toml["seeds"], toml["limit"]) == ("vqvae,raw_pixels", "0,1", 12)
    assert toml["set_"] == ["vqvae.schedule.max_steps=2", "vqvae.schedule.flip=true"]
    assert "tasks" in toml
    assert "jobs" not in toml, "what a file leaves out is as on the command line"


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("method = 'pdr'", "a.toml", r"no option 'method': did you mean methods\?"),
        ("limit = 0", "a.toml", "limit = 0: Input should be greater than or equal to 1"),
        ("baselines = 'perhaps'", "a.toml", "baselines = 'perhaps': Input should be a valid boolean"),
        ("methods = ", "a.toml", r"not TOML \("),
        ("methods: [", "a.yaml", r"not YAML \("),
        ("- pdr", "a.yaml", "expected options by name"),
        ("a: &a [*a]", "a.yaml", "no option 'a'"),
        ("!!python/object/apply:os.getcwd []", "a.yaml", r"not YAML \("),
        ("methods: pdr", "a.json", "expected a file that ends with .toml, .yaml or .yml"),
    ],
)
def test_what_is_no_file_of_options_is_one_line(tmp_path: Path, text: str, name: str, message: str) -> None:
    with pytest.raises(BenchError, match=message) as caught:
        read_config(written(tmp_path, text, name))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="No such file"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(BenchError, match="Is a directory"):
        read_config(tmp_path.rename(tmp_path.with_suffix(".toml")))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, object]]:
    """What `bench run` with some arguments asks for, in an environment that has other data and another store."""

    def run(*arguments: str) -> dict[str, object]:
        found: dict[str, object] = {}
        monkeypatch.setattr(run_room, "run_command", lambda **values: found.update(values) or 0)
        done = CliRunner().invoke(app, ["run", *arguments], env={"BENCH_DATA": "/elsewhere", "BENCH_STORE": "/other"})
        assert done.exit_code == 0, done.output
        return found

    return run


def test_the_command_line_goes_before_the_file_and_the_file_before_the_rest(
    asked: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    file = str(written(tmp_path, TOML))
    found = asked("--config", file, "--seeds", "7", "--set", "vqvae.width=3")
    assert (found["methods"], found["seeds"], found["settings"]) == ("vqvae,raw_pixels", "7", ["vqvae.width=3"])
    assert found["data_root"] == Path.home() / "data", "not the environment's"
    assert found["store"] == Path("/other"), "which the file says nothing of"
    assert found["profile"] == "smoke"
    assert found["jobs"] == 0


def test_real_data_on_the_command_line_go_before_a_file_with_synthetic_ones(
    asked: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    file = str(written(tmp_path, "data = 'synthetic'"))
    assert asked("--config", file)["data"] == "synthetic"
    found = asked("--config", file, "--data-root", str(tmp_path))
    assert (found["data"], found["data_root"]) == (None, tmp_path)


def test_an_old_run_is_repeated_by_the_file_beside_it(
    grid: Callable[..., tuple[int, list]], own_methods: Path, tmp_path: Path
) -> None:
    options = {"seeds": "0,1", "settings": ["Tiny.schedule.max_epochs=1"], "sweep": ["Tiny.width=2,3"], "limit": 9}
    code, first = grid(f"{own_methods}:Tiny,raw_pixels", **options)
    assert code == 0
    store = tmp_path / "store"
    (old,) = invocations(store)
    done = CliRunner().invoke(app, ["run", "--config", str(config_of(store, old.id)), "--store", str(store)])
    assert done.exit_code == 0, done.output
    assert "6 of 6 cells, 6 from the cache" in " ".join(done.output.split())
    new = max(invocations(store), key=lambda run: run.id)
    assert new.records(store) == first
    again = [config_of(store, run.id).read_text(encoding="utf-8") for run in (old, new)]
    assert again[0] == again[1]


def test_a_value_of_a_file_means_what_it_says(tmp_path: Path) -> None:
    text = json.dumps({"methods": "pdr", "set": {"pdr": {"features": ["light", "view"], "weights": "12", "nf": 8}}})
    values = read_config(written(tmp_path, text, "run.yaml"))
    settings = Options(methods="pdr", settings=values["set_"], profile="smoke").request().settings
    assert settings == {"pdr": {"features": ["light", "view"], "weights": "12", "nf": 8}}
