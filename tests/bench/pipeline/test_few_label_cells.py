"""Tasks of few labels through the whole harness: parts of faces and of cars, keypoints, and who is no row of them."""

from collections.abc import Callable

from bench.pipeline.records import Record
from tasks.results import Curve

Grid = Callable[..., tuple[int, list[Record]]]


def test_pixels_chance_and_a_network(grid: Grid) -> None:
    tasks = "few_shot_parts,few_shot_car_parts,keypoints"
    code, records = grid("raw_pixels,chance,unet_few_labels", tasks=tasks)
    assert code == 0, [record.error for record in records]
    found = {(record.method, record.task): record for record in records}
    assert found["chance", "few_shot_parts"].status == "not_applicable"
    assert "has no maps of features" in str(found["chance", "keypoints"].error)
    pixels, network = found["raw_pixels", "keypoints"], found["unet_few_labels", "keypoints"]
    assert pixels.details["labelled"] == network.details["labelled"]
    assert network.details["network"]["steps"] == 4
    for task in ("few_shot_parts", "few_shot_car_parts"):
        pixels, network = found["raw_pixels", task], found["unet_few_labels", task]
        assert pixels.notes == ["5 features of a pixel"]
        assert pixels.details["labelled"] == network.details["labelled"], "every row has the same labels"
        assert pixels.varies_with_seed
        [curve] = [chart for chart in pixels.charts if isinstance(chart, Curve)]
        assert curve.title == "mean IoU by number of labelled images"
        assert curve.x == ("1", "2")
    assert found["unet_few_labels", "few_shot_parts"].details["learning"]["2"]["network"]["steps"] == 4
    assert found["raw_pixels", "keypoints"].varies_with_seed
    again = {(record.method, record.task): record.key for record in grid("raw_pixels", tasks=tasks)[1]}
    assert again["raw_pixels", "keypoints"] == found["raw_pixels", "keypoints"].key
