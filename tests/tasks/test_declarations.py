"""What each registered task says of itself before it runs: what it asks of a method, and its metrics."""

import ast
from pathlib import Path

import pytest

import tasks
from bench.grid.catalogue import TASKS
from methods.base import CAPABILITIES
from tasks.base import Task

# Needed, taken besides, and whether something is trained.
FEATURES: tuple[set[str], set[str], bool] = ({"features"}, set(), False)
# With a labelled training part, which trains the encoder of a method that has no features before.
TAUGHT: tuple[set[str], set[str], bool] = (set(), {"features", "encoder"}, True)
ASKED: dict[str, tuple[set[str], set[str], bool]] = {
    **dict.fromkeys(("bbt", "buffy", "yaleb", "view_sweep", "shapenet_cars"), FEATURES),
    **dict.fromkeys(("rafdb", "celeba"), TAUGHT),
    **dict.fromkeys(("tracks", "images"), FEATURES),
    "celeba_linear": TAUGHT,
    "celeba_mask": ({"pyramid"}, set(), True),
    **dict.fromkeys(
        ("few_shot_parts", "few_shot_car_parts", "keypoints", "car_keypoints"),
        ({"pixel_features"}, {"training_pairs", "pyramid"}, True),
    ),
    "pcc": ({"groups"}, set(), False),
    "disentanglement": (set(), {"features", "groups"}, False),
    **dict.fromkeys(("truth", "truth_unmatched"), ({"derender"}, set[str](), False)),
    **{
        f"{task}{kind}{world}": ({task}, set[str](), False)
        for task in ("novel_view", "relight")
        for kind in ("", "_cars")
        for world in ("", "_unmatched")
    },
    **dict.fromkeys(("factor_codes", "factor_codes_cars"), ({"scene_factors"}, set[str](), False)),
    "attribution": ({"groups"}, {"group_encoders"}, True),
}
CITED = {
    **dict.fromkeys(("accuracy", "hungarian", "f1", "nmi"), ("ward1963hierarchical",)),
    **dict.fromkeys(("ami", "ami@*", "lost"), ("vinh2010ami",)),
    "ari": ("hubert1985ari",),
    "knn": ("cover1967knn",),
    **dict.fromkeys(("verification_auc", "verification_eer", "verification_tar_at_far1"), ("fawcett2006roc",)),
    "stability": ("benhur2002stability", "hubert1985ari"),
    **dict.fromkeys(("balanced_accuracy", "balanced_accuracy_*"), ("brodersen2010balanced",)),
    "knn_balanced_accuracy": ("cover1967knn", "brodersen2010balanced"),
    "knn_average_precision": ("cover1967knn",),
    **dict.fromkeys(("finch_nmi", "finch_purity"), ("sarfraz2019finch",)),
    **dict.fromkeys(("dci_disentanglement", "dci_completeness", "dci_informativeness"), ("eastwood2018dci",)),
    **dict.fromkeys(("side_percent", "normal_deg"), ("wu2020unsup3d",)),
    **dict.fromkeys(("ssim", "ssim_whole"), ("wang2004ssim",)),
    "mig": ("chen2018mig",),
    "sap": ("kumar2018sap",),
    "mean_pcc": ("klinghoffer2022pdr",),
    "in_use": ("burda2016iwae",),
    "head_accuracy": ("sundararajan2017ig", "selvaraju2017gradcam"),
}
CHANCE_CORRECTED = {"ami", "ari", "ami@*", "lost", "stability"}
LESS_IS_BETTER = {
    *("mean_pcc", "lost", "verification_eer"),
    *("azimuth_drift", "elevation_drift", "light_drift"),
    *("mean_pcc", "lost", "verification_eer", "l2_loss", "distance"),
    *("side_percent", "normal_deg", "light_deg", "view_deg", "view_aligned_deg"),
    *("l1", "l1_whole"),
}


def made(name: str) -> Task:
    entry = TASKS.entries()[name]
    cls = entry.load()
    task = cls(cls.Config(**{entry.argument: "Smiling"})) if entry.argument else cls()
    assert isinstance(task, Task), f"{name} is no task"
    return task


def test_every_registered_task_is_looked_at() -> None:
    assert set(ASKED) == set(TASKS.entries())


@pytest.mark.parametrize("name", ASKED)
def test_what_a_task_asks_of_a_method(name: str) -> None:
    task = made(name)
    assert (set(task.requires), set(task.uses), task.trains) == ASKED[name]
    assert task.requires | task.uses <= CAPABILITIES.keys()
    assert task.encodes == ("features" in ASKED[name][0] | ASKED[name][1])


@pytest.mark.parametrize("name", ASKED)
def test_directions_and_publications_of_metrics(name: str) -> None:
    for metric in (*made(name).metrics, *made(name).secondary):
        assert metric.cites == CITED.get(metric.name, ()), metric.name
        expected = None if metric.name in ("share_*", "in_use") else metric.name not in {*LESS_IS_BETTER, "albedo_rmse"}
        assert metric.higher_is_better == expected, metric.name
        assert metric.header == metric.name
        assert metric.chance_corrected >= (metric.name in CHANCE_CORRECTED), metric.name


def test_angles_are_of_at_most_half_a_turn_and_percent_without_end() -> None:
    found = {metric.name: (metric.unit, metric.low, metric.high) for metric in made("truth").metrics}
    assert found.pop("side_percent") == ("%", 0, None)
    assert found.pop("albedo_rmse") == ("", 0, 1)
    assert set(found.values()) == {("degrees", 0, 180)}
    [lost] = [metric for metric in made("yaleb").secondary if metric.name == "lost"]
    assert (lost.low, lost.high) == (None, None), "a difference of scores that have no lower end"


def test_every_publication_is_in_the_list_of_references() -> None:
    text = (Path(__file__).parents[2] / "results" / "paper" / "references.bib").read_text(encoding="utf-8")
    for key in {key for keys in CITED.values() for key in keys}:
        assert f"{{{key}," in text, key


# The training contract, and what lets packages import where torchvision's operators do not match torch.
ALLOWED = ("methods.learning", "methods.torchvision_compat")


def test_tasks_know_of_methods_nothing_but_the_training_contract() -> None:
    for path in Path(tasks.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        for name in names:
            assert name.partition(".")[0] != "bench", f"{path} imports {name}"
            assert not name.startswith("methods") or name in ALLOWED, f"{path} imports {name}"
