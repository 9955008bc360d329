"""What the table's numbers are, and which records it refuses to put side by side."""

import json
from pathlib import Path

import numpy as np
import pytest
from record_factory import of_schema_1, record
from scipy import stats

from bench.grid.catalogue import METHODS
from bench.pipeline.records import DatasetInfo, Interval, Record
from bench.results.published import published
from bench.results.spread import Spread, Spreads
from bench.results.table import Row, Score, Section, build
from datasets.errors import BenchError
from tasks.results import Caption, Metric

AS_IN_THE_PAPER = {"profile": "paper", "method_config": {}, "task_config": {}}
REFERENCE_ROWS = ("chance", "raw_pixels", "random_init")
OF_SCENES_RENDERED_ANEW = ("unchanged", "training_mean", "retrieval")


def row_of(section: Section, method: str) -> Row:
    (row,) = [row for row in section.rows if row.method == method]
    return row


def test_rows_stand_in_the_papers_order_with_the_reference_rows_last() -> None:
    names = ["zebra", "random_init", "pdr_loocc_lv", "apple", "pdr", "vqvae"]
    (section,) = build([record(name) for name in names]).sections
    assert [row.method for row in section.rows] == ["vqvae", "pdr", "pdr_loocc_lv", "apple", "zebra", *REFERENCE_ROWS]
    assert [row.reference for row in section.rows] == [False] * 5 + [True] * 3
    assert row_of(section, "chance").status == "not_run"
    assert section.names == ("accuracy", "f1", "nmi")


def test_a_value_on_real_data_stands_beside_the_papers_and_its_difference() -> None:
    (section,) = build([record("pdr_loocc_l", value=0.65, **AS_IN_THE_PAPER)]).sections
    score = row_of(section, "pdr_loocc_l").scores[0]
    assert score.published == 0.6252
    assert score.source == "PDR table 1"
    assert score.difference == pytest.approx(0.65 - 0.6252)
    assert (score.low, score.high, score.over, score.seeds) == (0.63, 0.67, "tracks", 1)


@pytest.mark.parametrize("which", ["dataset", "training_dataset"])
def test_synthetic_data_anywhere_behind_a_value_leave_no_difference(which: str) -> None:
    drawn = DatasetInfo(name="bbt", synthetic=True, digest="d", images=1)
    (section,) = build([record("pdr", **{which: drawn})]).sections
    row = row_of(section, "pdr")
    assert row.scores[0].published == 0.5754
    assert row.scores[0].difference is None
    assert row.synthetic
    assert section.label == ("bbt[synthetic]" if which == "dataset" else "bbt")


def test_the_papers_nmi_of_an_unnamed_variant_is_no_rows_figure() -> None:
    (section,) = build([record(name, "buffy") for name in ("pdr", "pdr_loocc_l", "pdr_loocc_lv", "vqvae")]).sections
    nmi = section.names.index("nmi")
    assert [row.scores[nmi].published for row in section.rows if not row.reference] == [0.13, None, None, None]
    assert any("0.43" in text and "does not name" in text for text in build([record("pdr", "buffy")]).captions)


def test_three_trainings_give_their_mean_with_an_interval_over_them_and_the_tracks() -> None:
    values = [0.50, 0.53, 0.59]
    table = build([record("pdr", seed=seed, value=value) for seed, value in enumerate(values)])
    row = row_of(table.sections[0], "pdr")
    score = row.scores[0]
    spread, units = np.var(values, ddof=1) / 3, (0.02 / stats.norm.ppf(0.975)) ** 2
    most = spread * 2 / stats.chi2.ppf(0.25, 2)
    half = stats.t.ppf(0.975, (most + units) ** 2 / (most**2 / 2)) * np.sqrt(spread + units)
    assert score.value == pytest.approx(0.54)
    assert (score.low, score.high) == pytest.approx((0.54 - half, 0.54 + half), rel=1e-4)
    assert (score.over, score.seeds, row.trainings) == ("seeds and tracks", 3, 3)
    assert score.sd == pytest.approx(np.std(values, ddof=1))
    assert table.seeds == ("0", "1", "2")


def test_one_or_two_trainings_have_an_interval_over_tracks_alone() -> None:
    for count in (1, 2):
        table = build([record("pdr", seed=seed, value=0.5 + 0.1 * seed) for seed in range(count)])
        row = row_of(table.sections[0], "pdr")
        score = row.scores[0]
        assert (row.trainings, score.over, score.sd) == (count, "tracks", None)
        assert score.high - score.low == pytest.approx(0.04)
        assert "95 % intervals: over tracks alone." in table.captions
        assert "Of fewer than 3 trainings, so neither ranked nor judged: pdr." in table.captions


def test_what_is_known_of_other_trainings_stands_beside_one() -> None:
    spreads = Spreads(profile="mini", methods={"pdr": {"bbt": Spread(trainings=5, sd={"accuracy": 0.021})}})
    one = record("pdr", synthetic=True)
    score = row_of(build([one], spreads=spreads).sections[0], "pdr").scores[0]
    assert (score.known_sd, score.known_trainings) == (0.021, 5)
    three = [record("pdr", seed=seed, synthetic=True, value=0.5 + 0.01 * seed) for seed in range(3)]
    assert row_of(build(three, spreads=spreads).sections[0], "pdr").scores[0].known_sd is None, "it has its own"
    real = row_of(build([record("pdr")], spreads=spreads).sections[0], "pdr").scores[0]
    assert real.known_sd is None, "drawn images say nothing of photographs"


def test_an_interval_says_which_source_of_variation_it_covers() -> None:
    records = [record("pdr", seed=seed, value=0.4 + 0.1 * seed, seeds={"split": 9, "evaluate": 9}) for seed in range(3)]
    (section,) = build(records).sections
    assert row_of(section, "pdr").scores[0].over == "fit seeds and tracks"
    assert any(
        "over fit seeds and tracks, by Student's t with Satterthwaite" in text for text in build(records).captions
    )
    drawn = [record("pdr", seeds={"evaluate": place}, value=0.4 + 0.1 * place) for place in range(3)]
    row = row_of(build(drawn).sections[0], "pdr")
    assert (row.scores[0].over, row.trainings) == ("evaluate seeds and tracks", 1), (
        "one training, evaluated three times"
    )


def test_seeds_that_change_nothing_keep_the_interval_over_tracks() -> None:
    pixels = [record("raw_pixels", seed=seed, value=0.4, trained=False, training={}) for seed in range(3)]
    (section,) = build(pixels).sections
    assert row_of(section, "raw_pixels").trainings == 0
    score = row_of(section, "raw_pixels").scores[0]
    assert (score.low, score.high, score.over, score.seeds) == (0.38, pytest.approx(0.42), "tracks", 3)


def test_an_interval_stays_within_the_metrics_range_and_no_other() -> None:
    def scores(declared: list[Metric], values: tuple[float, ...]) -> Score:
        metrics = [{"gain": value} for value in values]
        records = [
            record("pdr", "own", seed, metrics=own, intervals={}, declared=declared) for seed, own in enumerate(metrics)
        ]
        return row_of(build(records).sections[0], "pdr").scores[0]

    far = (0.1, 0.9, 0.5)
    assert (scores([Metric("gain")], far).low, scores([Metric("gain")], far).high) == (0.0, 1.0)
    for metric in ([Metric("gain", low=-1.0)], [Metric("gain", low=None)], []):
        low = scores(metric, (0.1, -0.1, 0.0)).low
        assert low is not None
        assert low < -0.2, "may be negative"
    wrongly = scores([Metric("gain")], (-0.1, -0.2, -0.3))
    assert wrongly.low is not None
    assert wrongly.low < -0.3, "not beside its own value"


def test_what_did_not_run_says_so_and_why() -> None:
    records = [
        record("pdr"),
        record("vqvae", status="failed", error="the loss became NaN at step 3"),
        record("ris", status="missing", error="weights not found"),
        record("own", status="not_applicable", error="own has no model for faces"),
    ]
    (section,) = build(records).sections
    for name, status, reason in [
        ("vqvae", "failed", "failed: the loss became NaN at step 3"),
        ("ris", "missing", "missing: weights not found"),
        ("own", "not_applicable", "not applicable: own has no model for faces"),
    ]:
        row = row_of(section, name)
        assert {score.status for score in row.scores} == {status}
        assert all(score.value is None and score.difference is None and not score.best for score in row.scores)
        assert [section.notes[number - 1] for number in row.notes] == [reason]


def test_a_row_with_a_failed_seed_is_the_mean_of_the_others_and_says_so() -> None:
    records = [
        record("pdr", seed=0, value=0.5, **AS_IN_THE_PAPER),
        record("pdr", seed=1, status="failed", error="disk full", **AS_IN_THE_PAPER),
        record("pdr", seed=2, value=0.6, **AS_IN_THE_PAPER),
    ]
    (section,) = build(records).sections
    row = row_of(section, "pdr")
    assert row.scores[0].value == pytest.approx(0.55)
    assert row.scores[0].seeds == 2
    assert [section.notes[n - 1] for n in row.notes] == ["seed 1 failed: disk full", "mean of 2 of 3 seeds"]
    assert row.trainings == 2


def test_where_everything_failed_there_is_still_a_table() -> None:
    (section,) = build([record("pdr", status="failed", error="disk full")]).sections
    assert section.names == ("accuracy",), "the main metric's column"
    assert row_of(section, "pdr").status == "failed"


def test_equal_notes_of_several_rows_share_a_number() -> None:
    noted = [record(name, notes=["no perceptual term"], **AS_IN_THE_PAPER) for name in ("pdr", "pdr_loocc_l")]
    (section,) = build(noted).sections
    assert section.notes == ("no perceptual term",)
    assert row_of(section, "pdr").notes == row_of(section, "pdr_loocc_l").notes == (1,)


def test_captions_state_what_the_task_says_and_what_was_left_out() -> None:
    said = [Caption("5 clusters, the true number (oracle)."), Caption("accuracy: weighted cluster purity.")]
    data = DatasetInfo(name="bbt", synthetic=False, digest="d", images=7, skipped={"unreadable image": 2})
    captions = build([record(captions=said, dataset=data), record("vqvae", captions=said, dataset=data)]).captions
    assert captions[:2] == (said[0].text, said[1].text), "first, in the task's order, and once"
    text = " ".join(captions)
    assert "95 % intervals: over tracks alone." in text
    assert "7 images; left out: unreadable image (2)" in text


def test_metrics_without_units_to_resample_say_so() -> None:
    """Their intervals and comparisons are over trainings; of all columns, or of those that are named."""
    found = []
    for names in (("accuracy", "mig"), ("mig", "sap")):
        records = [
            record(
                "pdr",
                seed=seed,
                metrics={name: 0.5 + 0.01 * seed for name in names},
                intervals={"accuracy": Interval(low=0.4, high=0.6, over="tracks")} if "accuracy" in names else {},
            )
            for seed in range(3)
        ]
        found.append([text for text in build(records).captions if text.startswith("95 % intervals")])
    assert found == [
        [
            "95 % intervals: over seeds and tracks, by Student's t with Satterthwaite's degrees of freedom; "
            "of mig over trainings only, by Student's t, as their units are not resampled."
        ],
        ["95 % intervals: over trainings only, by Student's t, as their units are not resampled."],
    ]


def test_tables_on_drawn_data_say_in_which_world() -> None:
    """Of any task: the world is the dataset's, and the table reads it off the record."""

    def drawn(task: str, world: str) -> Record:
        data = DatasetInfo(name=task, synthetic=True, digest=task, images=1, world=world)
        return record("pdr", task, dataset=data, training_dataset=data.model_copy(update={"world": "elsewhere"}))

    table = build([drawn("bbt", "with a second light"), drawn("truth", "as {PDR} sees it")])
    found = [[text for text in section.captions if text.startswith("Drawn ")] for section in table.sections]
    assert found == [["Drawn with a second light."], ["Drawn as {PDR} sees it."]]
    same = build([drawn("bbt", "with a second light"), drawn("buffy", "with a second light")])
    assert same.captions.count("Drawn with a second light.") == 1, "what holds for all is said once"
    assert not any("Drawn" in text for text in build([record("pdr")]).captions), "photographs are of no world"


def test_the_order_of_the_records_does_not_matter() -> None:
    records = [record(name, seed=seed, value=0.3 + 0.1 * seed) for name in ("pdr", "vqvae") for seed in (0, 1)]
    assert build(records) == build(records[::-1])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"profile": "smoke"}, "profiles: mini (pdr/bbt/0); smoke (vqvae/bbt/0)"),
        ({"protocol": "released"}, "protocols: default (pdr/bbt/0); released (vqvae/bbt/0)"),
        ({"synthetic": True}, "data of task bbt: bbt (pdr/bbt/0); bbt[synthetic] (vqvae/bbt/0)"),
        ({"dataset": DatasetInfo(name="bbt", synthetic=False, digest="other", images=1)}, "vqvae/bbt/0"),
        ({"training_dataset": DatasetInfo(name="utkface", synthetic=False, digest="other", images=1)}, "utkface"),
    ],
)
def test_records_measured_differently_are_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(BenchError) as caught:
        build([record("pdr"), record("vqvae", **changes)])
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_dataset_at_two_image_sizes_is_one_dataset() -> None:
    def sized(method: str, size: int, digest: str) -> Record:
        data = DatasetInfo(name="bbt", synthetic=False, digest=digest, images=1, size=size)
        return record(method, dataset=data, trained=False)

    build([sized("pdr", 64, "small"), sized("timm:resnet18", 224, "large")])
    with pytest.raises(BenchError, match="states of the data of task bbt"):
        build([sized("pdr", 64, "small"), sized("timm:resnet18", 64, "other")])


def test_a_cell_that_occurs_with_two_settings_is_refused() -> None:
    with pytest.raises(BenchError, match="cell pdr/bbt/0 occurs 2 times"):
        build([record("pdr", key="a" * 32), record("pdr", key="b" * 32)])
    build([record("pdr"), record("pdr")])


def test_no_records_is_said() -> None:
    with pytest.raises(BenchError, match="no records"):
        build([])


def test_intervals_of_a_score_are_the_records() -> None:
    bounds = {"accuracy": Interval(low=0.1, high=0.9, over="items")}
    (section,) = build([record("pdr", intervals=bounds)]).sections
    scores = row_of(section, "pdr").scores
    assert (scores[0].low, scores[0].high, scores[0].over) == (0.1, 0.9, "items")
    assert (scores[1].low, scores[1].high, scores[1].over) == (None, None, None)


def test_published_figures_are_the_papers() -> None:
    figure = published("pdr_loocc_lv", "buffy", "f1")
    assert figure is not None
    assert (figure.value, figure.source) == (0.4234, "PDR table 1")
    assert published("pdr", "bbt", "hungarian") is None
    assert published("raw_pixels", "bbt", "accuracy") is None


def test_metrics_that_are_not_declared_stand_in_the_order_of_the_numbers_in_their_names() -> None:
    names = ["accuracy_1000_frozen", "accuracy_100_frozen", "accuracy_500_finetuned", "accuracy_500_frozen"]
    metrics = dict.fromkeys(names, 0.82)
    (section,) = build([record("pdr", "celeba_linear", metrics=metrics, intervals={}, declared=[])]).sections
    assert section.names == (names[1], names[2], names[3], names[0])
    assert [score.published for score in row_of(section, "pdr").scores] == [0.8033, 0.8403, 0.8166, 0.8240]


def test_a_method_of_one_task_is_no_row_of_another() -> None:
    records = [record("pdr"), record("pdr", "celeba_mask"), record("unet_random_init", "celeba_mask")]
    tracks, mask = build(records).sections
    assert [row.method for row in mask.rows if not row.reference] == ["pdr", "unet_random_init"]
    assert [row.method for row in tracks.rows if not row.reference] == ["pdr"]


def test_columns_stand_in_the_order_of_the_declaration() -> None:
    declared = [Metric("nmi"), Metric("absent"), Metric("accuracy", title="purity")]
    (section,) = build([record("pdr", declared=declared)]).sections
    assert section.names == ("nmi", "accuracy", "f1"), "what is not declared last"
    assert [metric.header for metric in section.metrics] == ["nmi", "purity", "f1"]


def test_direction_and_range_are_the_declarations() -> None:
    declared = [
        Metric("angle", title="light", unit="degrees", higher_is_better=False, high=180.0),
        Metric("loss", higher_is_better=False, low=None, high=None),
        Metric("share_light", higher_is_better=None),
    ]

    def of(method: str, seed: int, value: float) -> Record:
        metrics = {"angle": 60 * value, "loss": -value, "share_light": value}
        return record(method, "own", seed, metrics=metrics, intervals={}, declared=declared)

    records = [of("pdr", seed, value) for seed, value in enumerate((0.1, 2.9, 1.5))]
    (section,) = build([*records, *(of("vqvae", seed, 20 + 0.1 * seed) for seed in range(3))]).sections
    angle, loss, share = row_of(section, "pdr").scores
    assert angle.low == 0.0
    assert loss.low is not None
    assert loss.low < -4, "no end"
    assert [score.best for score in (angle, loss, share)] == [True, False, False]
    assert [score.best for score in row_of(section, "vqvae").scores] == [False, True, False], "unranked: none"
    assert "Less is better: light [degrees], loss." in build([of("pdr", 0, 0.1)]).captions


def test_a_registered_baseline_is_always_there_and_no_variant_of_it_is() -> None:
    of_all = tuple(entry.name for entry in METHODS.baselines() if not entry.tasks)
    assert of_all == REFERENCE_ROWS
    assert tuple(entry.name for entry in METHODS.baselines() if entry.tasks) == OF_SCENES_RENDERED_ANEW
    (section,) = build([record("pdr"), record("random_init[features=light]")]).sections
    assert [row.method for row in section.rows] == ["pdr", "random_init[features=light]", *REFERENCE_ROWS]
    assert not row_of(section, "random_init[features=light]").reference


def test_a_baseline_of_some_tasks_is_a_row_of_these_alone() -> None:
    tracks, views = build([record("pdr"), record("pdr", "novel_view_cars")]).sections
    assert [row.method for row in tracks.rows] == ["pdr", *REFERENCE_ROWS]
    assert [row.method for row in views.rows] == ["pdr", *REFERENCE_ROWS, *OF_SCENES_RENDERED_ANEW]
    assert all(row_of(views, name).reference for name in OF_SCENES_RENDERED_ANEW)


def test_equal_captions_are_said_once_with_the_means_of_their_values() -> None:
    text = "Giving every image the usual answer scores {low:.3f} (100), {high:.3f} (1000)."
    values = [{"low": 0.8, "high": 0.81}, {"low": 0.8, "high": 0.83}]
    records = [record(seed=seed, captions=[Caption(text, found)]) for seed, found in enumerate(values)]
    assert build(records).captions[0] == "Giving every image the usual answer scores 0.800 (100), 0.820 (1000)."
    assert not any("usual answer" in caption for caption in build([record()]).captions)


def test_captions_of_failed_records_are_not_said_and_braces_may_stand_in_a_text() -> None:
    records = [
        record("pdr", captions=[Caption("Images of {mine}.")]),
        record("vqvae", status="failed", error="x", captions=[Caption("Never.")]),
    ]
    captions = build(records).captions
    assert captions[0] == "Images of {mine}."
    assert "Never." not in captions


@pytest.mark.parametrize("text", ["{other:.2f} is absent", "{value", "{value.real.imag.x}", "{value:zz}"])
def test_a_caption_that_cannot_be_filled_is_one_line(text: str) -> None:
    with pytest.raises(BenchError, match=r"task bbt: caption .* cannot be filled .* expected fields among value"):
        build([record(captions=[Caption(text, {"value": 0.5})])])


def test_a_record_of_schema_1_is_read_and_shown(tmp_path: Path) -> None:
    metrics = {"mean_pcc": 0.3, "nmi": 0.5}
    path = tmp_path / "old.json"
    path.write_text(json.dumps(of_schema_1(metrics=metrics, intervals={}, less_is_better=["mean_pcc"])))
    old = Record.read(path)
    assert old.stages["evaluate"].seconds == 0.5
    (section,) = build([old]).sections
    assert section.names == ("mean_pcc", "nmi")
    assert [metric.higher_is_better for metric in section.metrics] == [False, True]
    assert [score.value for score in row_of(section, "pdr").scores] == [0.3, 0.5]
    path.write_text(json.dumps({**of_schema_1(), "schema_version": 7}))
    with pytest.raises(BenchError, match="is not a record of schema 2"):
        Record.read(path)


def test_tasks_come_as_asked_for_though_a_method_is_a_row_of_one_only() -> None:
    records = [record("supervised_resnet18", "celeba_linear")]
    records += [record("pdr", task) for task in ("buffy", "bbt", "celeba_linear")]
    assert [section.task for section in build(records).sections] == ["buffy", "bbt", "celeba_linear"]
