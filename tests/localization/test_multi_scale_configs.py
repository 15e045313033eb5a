"""The multi-scale configs draw, run and keep what the paper says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample
from mmengine.config import Config

from mmdet_ohem.localization.views import PAPER_TEST_SCALES, distinct_views
from tests.voc_folder import Picture, Thing, write_voc

CONFIGS = Path(__file__).parents[2] / 'configs'
MS = [
    'fast_rcnn_vgg16_ms_vote_voc07.py',
    'fast_rcnn_vgg16_ohem_ms_voc07.py',
    'fast_rcnn_vgg16_ohem_ms_vote_voc07.py',
]
VOTE = [
    'fast_rcnn_vgg16_ms_vote_voc07.py',
    'fast_rcnn_vgg16_ohem_ms_vote_demo.py',
    'fast_rcnn_vgg16_ohem_ms_vote_voc07.py',
    'fast_rcnn_vgg16_ohem_vote_voc07.py',
]
TRAIN_SIDES = (480, 576, 688, 864, 900)
TEST_SIDES = (480, 576, 688, 864, 1000)
# VOC's usual size: from 750 on, the longest side is 1000.
THINGS = [
    Thing('dog', (0, 0, 99, 79)),
    Thing('cat', (301, 120, 500, 375)),
    Thing('dog', (150, 90, 260, 200), difficult=1),
]
VOC_SIZE = Picture(THINGS, width=500, height=375)


def load(name: str) -> Any:
    return Config.fromfile(CONFIGS / name)


def dataset(config: Any, root: Path, split: str) -> Any:
    if not root.joinpath('VOC2007').exists():
        write_voc(root, {'000001': VOC_SIZE})
    data = config[f'{split}_dataloader'].dataset
    data.data_root = str(root)
    return DATASETS.build(data)


def in_the_original(boxes: torch.Tensor, sample: DetDataSample) -> Any:
    boxes = boxes / boxes.new_tensor(sample.scale_factor).repeat(2)
    if sample.get('flip'):
        boxes[:, [0, 2]] = sample.ori_shape[1] - boxes[:, [2, 0]]
    return boxes


def test_a_training_image_has_one_of_five_scales(tmp_path: Path) -> None:
    np.random.seed(0)
    train = dataset(load(MS[0]), tmp_path, 'train')
    samples = [train[0]['data_samples'] for _ in range(16)]
    samplelist_boxtype2tensor(samples)
    heights = {sample.img_shape[0] for sample in samples}
    assert heights == {min(side, 750) for side in TRAIN_SIDES}
    assert max(max(sample.img_shape) for sample in samples) == 1000
    easy = torch.tensor([x.box for x in THINGS if not x.difficult])
    everything = torch.as_tensor(VOC_SIZE.boxes())
    for sample in samples:
        gts = in_the_original(sample.gt_instances.bboxes, sample)
        proposals = torch.as_tensor(np.asarray(sample.proposals.bboxes))
        boxes = in_the_original(proposals, sample)
        torch.testing.assert_close(gts, easy.float(), atol=1e-2, rtol=0)
        torch.testing.assert_close(boxes, everything, atol=1e-2, rtol=0)


@pytest.mark.parametrize('name', MS)
def test_scales_are_drawn_uniformly(name: str) -> None:
    config = load(name)
    transform = config.train_dataloader.dataset.pipeline[3].transforms[1]
    assert transform.type == 'RandomChoiceResize'
    assert transform.scales == [(1000, side) for side in TRAIN_SIDES]


@pytest.mark.parametrize('name', [MS[-1], 'fast_rcnn_vgg16_voc07.py'])
def test_all_test_scales_are_views(name: str, tmp_path: Path) -> None:
    config = load(name)
    data = config.test_dataloader.dataset
    data.pipeline = config.tta_pipeline
    packed = dataset(config, tmp_path, 'test')[0]
    samples = packed['data_samples']
    samplelist_boxtype2tensor(samples)
    heights = [sample.img_shape[0] for sample in samples]
    assert heights == [min(side, 750) for side in TEST_SIDES]
    assert distinct_views(packed['inputs'], samples) == [0, 1, 2, 3]
    easy = [list(x.box) for x in THINGS if not x.difficult]
    for sample in samples:
        assert sample.gt_instances.bboxes.tolist() == easy
        assert len(sample.ignored_instances) == 1
        proposals = torch.as_tensor(np.asarray(sample.proposals.bboxes))
        torch.testing.assert_close(
            in_the_original(proposals, sample),
            torch.as_tensor(VOC_SIZE.boxes()),
            atol=1e-2,
            rtol=0,
        )


def test_the_papers_scales_are_those_of_the_config() -> None:
    views = load(MS[0]).tta_pipeline[2].transforms[0]
    scales = tuple(view.transforms[0].scale for view in views)
    assert scales == PAPER_TEST_SCALES


@pytest.mark.parametrize('name', MS)
def test_validation_has_one_scale(name: str) -> None:
    config = load(name)
    assert config.val_cfg.type == 'ValLoop'
    assert config.test_cfg.type == 'mmdet_ohem.MultiScaleTestLoop'
    steps = [step.type for step in config.val_dataloader.dataset.pipeline]
    assert 'TestTimeAug' not in steps


@pytest.mark.parametrize('name', VOTE)
def test_voting_comes_with_the_hooks_of_the_base(name: str) -> None:
    hooks = [hook.type for hook in load(name).custom_hooks]
    plain = load('fast_rcnn_vgg16_voc07.py')
    assert hooks == [
        *(hook.type for hook in plain.custom_hooks),
        'mmdet_ohem.IterativeBBoxVotingHook',
    ]


def test_the_demos_scales_are_in_proportion() -> None:
    demo = load('fast_rcnn_vgg16_ohem_ms_vote_demo.py')
    transform = demo.train_dataloader.dataset.pipeline[3].transforms[1]
    views = demo.tta_pipeline[2].transforms[0]
    for scales, sides in (
        (transform.scales, TRAIN_SIDES),
        ([view.transforms[0].scale for view in views], TEST_SIDES),
    ):
        found = np.array(scales) / 0.32
        expected = [(1000, side) for side in sides]
        np.testing.assert_allclose(found, expected, atol=2)
