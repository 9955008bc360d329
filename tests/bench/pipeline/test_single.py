"""One cell outside any grid: which request has one, how far it is walked, and the method that is found."""

from pathlib import Path

import pytest
import torch

from bench.grid.request import Options
from bench.pipeline.context import Context
from bench.pipeline.single import single, walked
from bench.pipeline.specs import task_spec
from bench.pipeline.store import Store
from datasets.errors import BenchError, NotApplicable


def asked(methods: str, tasks: str = "buffy", seeds: str = "0") -> Options:
    return Options(methods=methods, tasks=tasks, seeds=seeds, profile="smoke", data="synthetic", baselines=False)


@pytest.mark.parametrize(("methods", "seeds"), [("chance,raw_pixels", "0"), ("chance", "0,1")])
def test_one_method_and_one_seed(methods: str, seeds: str, tmp_path: Path) -> None:
    request = asked(methods, seeds=seeds).request()
    with pytest.raises(BenchError, match=f"^{methods.replace(',', ', ')}: expected one method and one seed"):
        single(request, task_spec(request.tasks[0], request), Store(tmp_path))


def test_what_has_nothing_for_the_task_is_not_walked(tmp_path: Path) -> None:
    request, store = asked("chance", "novel_view").request(), Store(tmp_path)
    cell = single(request, task_spec(request.tasks[0], request), store)
    with pytest.raises(NotApplicable, match="chance renders no new view"):
        walked(cell, Context.of(request, store))
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_walk_ends_where_it_is_told_and_the_method_found_is_a_fresh_copy(tmp_path: Path) -> None:
    request, store = asked("chance").request(), Store(tmp_path)
    cell, context = single(request, task_spec(request.tasks[0], request), store), Context.of(request, store)
    status = walked(cell, context)
    assert (status.features, status.record) == (None, None)
    one, other = (status.load(context.device) for _ in range(2))
    assert one is not other
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(one.encode(images), other.encode(images))
    reseeded = asked("chance", seeds="1").request()
    elsewhere = walked(single(reseeded, task_spec(reseeded.tasks[0], reseeded), store), context).load(context.device)
    assert not torch.equal(one.encode(images), elsewhere.encode(images))
    further = walked(cell, context, until="encode")
    assert further.features is not None
    assert further.record is None
