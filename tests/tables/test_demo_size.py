"""A row at demo size is its own leaf, but for size."""

from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmdet_ohem.tables import TABLES, NoDemoSizeError, Row
from mmdet_ohem.tables.demo_size import at_demo_size

CONFIGS = Path(__file__).parents[2] / 'configs'
DEMO = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_demo.py')


def load(name: str) -> Any:
    return Config.fromfile(CONFIGS / f'{name}.py')


@pytest.mark.parametrize('row', TABLES[1].rows, ids=lambda x: str(x.number))
def test_what_a_row_varies_stays(row: Row) -> None:
    full = load(str(row.config))
    demo = at_demo_size(full, CONFIGS)
    assert demo.model.train_cfg == full.model.train_cfg
    assert demo.model.test_cfg == full.model.test_cfg
    assert demo.model.backbone.type == full.model.backbone.type
    batch_sizes = [x.train_dataloader.batch_size for x in (demo, full)]
    assert batch_sizes[0] == batch_sizes[1] == int(row.settings['N'])
    rate = demo.optim_wrapper.optimizer.lr
    assert rate == pytest.approx(4 * float(row.settings['LR']))
    assert demo.optim_wrapper.paramwise_cfg == full.optim_wrapper.paramwise_cfg
    assert demo.custom_hooks == full.custom_hooks


@pytest.mark.parametrize('number', [2, 12])
def test_all_else_is_the_demos(number: int) -> None:
    (row,) = TABLES[1].select([number])
    demo = at_demo_size(load(str(row.config)), CONFIGS)
    for key in (
        'train_dataloader', 'test_dataloader', 'test_evaluator', 'train_cfg',
        'param_scheduler',
    ):  # fmt: skip
        assert demo[key] == DEMO[key], key
    head = demo.model.roi_head.bbox_head
    assert (head.num_classes, head.fc_out_channels) == (10, (512, 512))
    assert demo.model.backbone.frozen_stages == 5
    net = 'vgg_m' if 'vgg_m' in str(row.config) else 'vgg16'
    weights = dict(type='Pretrained', checkpoint=f'data/demo/{net}_digits.pth')
    assert demo.model.backbone.init_cfg == head.init_cfg == weights
    # The weights are made with this normalisation, whatever the network.
    assert demo.model.data_preprocessor == DEMO.model.data_preprocessor
    # The loss over the training is computed from all of them.
    checkpoint = demo.default_hooks.checkpoint
    assert (checkpoint.interval, checkpoint.max_keep_ckpts) == (100, -1)


def test_the_baseline_is_the_demos_own() -> None:
    config = at_demo_size(load('fast_rcnn_vgg16_voc07'), CONFIGS)
    assert config.model == DEMO.model
    assert config.optim_wrapper == DEMO.optim_wrapper


def test_several_scales_are_those_of_their_demo() -> None:
    demo = at_demo_size(load('fast_rcnn_vgg16_ms_vote_voc07'), CONFIGS)
    scaled = load('fast_rcnn_vgg16_ohem_ms_vote_demo')
    assert demo.train_dataloader == scaled.train_dataloader
    assert demo.tta_pipeline == scaled.tta_pipeline
    assert demo.test_cfg == scaled.test_cfg
    assert demo.custom_hooks == scaled.custom_hooks
    assert demo.model == DEMO.model


def test_the_row_itself_is_left_as_it_was() -> None:
    config = load('fast_rcnn_vgg16_ohem_voc07')
    before = config.to_dict()
    at_demo_size(config, CONFIGS)
    assert config.to_dict() == before


@pytest.mark.parametrize('data', ['voc0712', 'voc12', 'coco14'])
def test_other_data_have_no_demo_size(data: str) -> None:
    with pytest.raises(NoDemoSizeError, match='--data full'):
        at_demo_size(load(f'fast_rcnn_vgg16_ohem_{data}'), CONFIGS)
