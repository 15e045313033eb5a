"""One seed, one result, to the last bit; also over a resume."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from tests.faults.jobs import (
    do_without_texts,
    trained,
    training_config,
)
from tests.faults.processes import complete
from tests.faults.test_kills import same
from tests.figure3.runs import write_images

ITERS = 50


def train(data: Path, folder: Path, num_workers: int, until: int) -> None:
    do_without_texts()
    config = training_config(data, folder, num_workers, interval=ITERS // 2)
    config.train_cfg.max_iters = until
    with DefaultScope.overwrite_default_scope('mmdet'):
        Runner.from_cfg(config).train()


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('data')
    write_images(folder / 'data', 4)
    return folder


def result(data: Path, folder: Path, num_workers: int, *until: int) -> Any:
    for iteration in until:
        work = partial(train, data, folder, num_workers, iteration)
        complete(work, folder.with_suffix('.log'))
    return trained(data, folder, ITERS)


@pytest.mark.parametrize(
    'num_workers', [0, pytest.param(2, marks=pytest.mark.slow)]
)
def test_fifty_iterations_twice_and_over_a_resume(
    num_workers: int, data: Path, tmp_path: Path
) -> None:
    whole = result(data, tmp_path / 'whole', num_workers, ITERS)
    again = result(data, tmp_path / 'again', num_workers, ITERS)
    parts = result(data, tmp_path / 'parts', num_workers, ITERS // 2, ITERS)
    assert same(whole, again)
    assert same(whole, parts)
