"""Pictures while training."""

from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import pytest
import torch
from mmengine.visualization import LocalVisBackend, Visualizer

from mmdet_ohem.registry import HOOKS
from mmdet_ohem.watch import HardExampleVisualizationHook, MiningStatsHook
from mmdet_ohem.watch.hard_example_visualization_hook import as_rgb
from tests.tiny import IMG_SIZE, OHEM, cascade_roi_head, standard_roi_head
from tests.watch.rois import RANDOM, runner, sample


class Pictures:
    """A visualizer that keeps what it is given."""

    def __init__(self) -> None:
        self.images: list[tuple[str, np.ndarray, int]] = []

    def add_image(self, name: str, image: np.ndarray, step: int) -> None:
        self.images.append((name, image, step))

    @property
    def names(self) -> list[tuple[str, int]]:
        return [(name, step) for name, _, step in self.images]


def training(roi_head: Any) -> Any:
    result = runner(roi_head)
    result.visualizer = Pictures()
    return result


def batch(num: int = 2) -> dict:
    inputs = torch.zeros(3, IMG_SIZE, IMG_SIZE, dtype=torch.uint8)
    return dict(inputs=[inputs] * num)


def train(hook: Any, run: Any, iters: range) -> None:
    """Two images an iteration, through each sampler."""
    samplers = run.model.roi_head.bbox_sampler
    samplers = samplers if isinstance(samplers, list) else [samplers]
    hook.before_train(run)
    for run.iter in iters:
        hook.before_train_iter(run, run.iter, batch())
        for sampler in samplers:
            for _ in range(2):
                sample(sampler)
        hook.after_train_iter(run, run.iter, batch())
    hook.after_train(run)


def test_draws_at_intervals() -> None:
    run = training(standard_roi_head(OHEM))
    train(HardExampleVisualizationHook(interval=2), run, range(5))
    assert run.visualizer.names == [('hard_examples', 2), ('hard_examples', 4)]
    picture = run.visualizer.images[0][1]
    assert picture.shape[1] == 480
    assert picture[:480].max() > 0  # not the black image alone


def test_a_cascade_has_a_picture_a_stage_that_mines() -> None:
    run = training(cascade_roi_head(RANDOM, OHEM, OHEM))
    train(HardExampleVisualizationHook(interval=1), run, range(1))
    assert run.visualizer.names == [
        ('hard_examples_s1', 1),
        ('hard_examples_s2', 1),
    ]


def test_the_first_image_of_the_batch_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(
        'mmdet_ohem.watch.hard_example_visualization_hook.draw_hard_examples',
        lambda image, record, *args, **kwargs: drawn.append(record),
    )
    run = training(standard_roi_head(OHEM))
    sampler = run.model.roi_head.bbox_sampler
    hook = HardExampleVisualizationHook(interval=1)
    hook.before_train(run)
    hook.before_train_iter(run, 0)
    sample(sampler)
    first = sampler.last_record
    sample(sampler)
    hook.after_train_iter(run, 0, batch())
    assert drawn == [first]


def test_nothing_is_drawn_during_a_warm_up() -> None:
    run = training(standard_roi_head(dict(OHEM, warmup_iters=10**9)))
    train(HardExampleVisualizationHook(interval=1), run, range(2))
    assert run.visualizer.names == []


def test_listens_only_where_it_draws() -> None:
    run = training(standard_roi_head(OHEM))
    sampler = run.model.roi_head.bbox_sampler
    before = dict(vars(sampler))
    hook = HardExampleVisualizationHook(interval=2)
    hook.before_train(run)
    hook.before_train_iter(run, 0)
    assert vars(sampler) == before
    run.iter = 1
    hook.before_train_iter(run, 1)
    assert 'sample' in vars(sampler)
    hook.after_train(run)
    assert vars(sampler) == before


def test_gets_along_with_the_statistics() -> None:
    run = training(standard_roi_head(OHEM))
    stats = MiningStatsHook()
    stats.before_train(run)
    train(HardExampleVisualizationHook(interval=1), run, range(2))
    assert stats.statistics()['num_rois'] == 63
    stats.after_train(run)
    assert 'sample' not in vars(run.model.roi_head.bbox_sampler)


def test_mmengine_writes_the_file(tmp_path: Path) -> None:
    run = training(standard_roi_head(OHEM))
    backend = LocalVisBackend(save_dir=str(tmp_path))
    run.visualizer = Visualizer(vis_backends=[backend])
    train(HardExampleVisualizationHook(interval=3), run, range(3))
    (path,) = tmp_path.rglob('*.png')
    assert path.name == 'hard_examples_3.png'
    assert mmcv.imread(path).shape[1] == 480


def test_a_sampler_without_losses_is_an_error_with_the_remedy() -> None:
    run = training(standard_roi_head(RANDOM))
    with pytest.raises(
        TypeError, match=r'RandomSampler computes no loss.*Remedy'
    ):
        HardExampleVisualizationHook().before_train(run)


@pytest.mark.parametrize('name', ['interval', 'max_boxes', 'min_side'])
def test_sizes_below_1_are_refused(name: str) -> None:
    cfg = dict(type='mmdet_ohem.HardExampleVisualizationHook', **{name: 0})
    with pytest.raises(ValueError, match=f'{name} must be at least 1, got 0'):
        HOOKS.build(cfg)


def test_the_image_is_made_rgb() -> None:
    inputs = torch.tensor([300.0, 20.5, -3]).view(3, 1, 1).expand(3, 2, 4)
    picture = as_rgb(inputs)
    assert picture.shape == (2, 4, 3)
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == [0, 20, 255]
