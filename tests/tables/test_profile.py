"""A row on the data of a profile is its own leaf, but for size."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from mmdet_ohem.localization.multi_scale_tta import MultiScaleTTAModel
from mmdet_ohem.tables import TABLES, NotInProfileError, Row
from mmdet_ohem.tables.profile import at_profile, profile_path

CONFIGS = Path(__file__).parents[2] / 'configs'
DEMO = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_demo.py')


def load(name: str) -> Any:
    return Config.fromfile(CONFIGS / f'{name}.py')


@pytest.mark.parametrize('row', TABLES[1].rows, ids=lambda x: str(x.number))
def test_what_a_row_varies_stays(row: Row) -> None:
    full = load(str(row.config))
    demo = at_profile(full, DEMO, CONFIGS)
    assert demo.model.train_cfg == full.model.train_cfg
    assert demo.model.test_cfg == full.model.test_cfg
    assert demo.model.backbone.type == full.model.backbone.type
    batch_sizes = [x.train_dataloader.batch_size for x in (demo, full)]
    assert batch_sizes[0] == batch_sizes[1] == int(row.settings['N'])
    rate = demo.optim_wrapper.optimizer.lr
    # That of row 2 is .001 in the paper.
    base = DEMO.optim_wrapper.optimizer.lr
    assert rate == pytest.approx(base * float(row.settings['LR']) / 0.001)
    assert demo.optim_wrapper.paramwise_cfg == full.optim_wrapper.paramwise_cfg
    assert demo.custom_hooks == full.custom_hooks


@pytest.mark.parametrize('number', [2, 12])
def test_all_else_is_the_demos(number: int) -> None:
    (row,) = TABLES[1].select([number])
    demo = at_profile(load(str(row.config)), DEMO, CONFIGS)
    for key in (
        'train_dataloader', 'test_dataloader', 'test_evaluator', 'train_cfg',
        'param_scheduler',
    ):  # fmt: skip
        assert demo[key] == DEMO[key], key
    head = demo.model.roi_head.bbox_head
    assert (head.num_classes, head.fc_out_channels) == (10, (256, 256))
    assert demo.model.backbone.frozen_stages == 5
    assert demo.model.backbone.widen_factor == 0.25
    extractor = demo.model.roi_head.bbox_roi_extractor
    assert extractor.out_channels == head.in_channels == 128
    net = 'vgg_m' if 'vgg_m' in str(row.config) else 'vgg16'
    weights = dict(type='Pretrained', checkpoint=f'data/demo/{net}_digits.pth')
    assert demo.model.backbone.init_cfg == head.init_cfg == weights
    # The weights are made with this normalisation, whatever the network.
    assert demo.model.data_preprocessor == DEMO.model.data_preprocessor
    # The loss over the training is computed from all of them.
    checkpoint = demo.default_hooks.checkpoint
    assert (checkpoint.interval, checkpoint.max_keep_ckpts) == (250, -1)


def test_the_baseline_is_the_demos_own() -> None:
    config = at_profile(load('fast_rcnn_vgg16_voc07'), DEMO, CONFIGS)
    assert config.model == DEMO.model
    assert config.optim_wrapper == DEMO.optim_wrapper


def test_several_scales_are_those_of_their_demo() -> None:
    demo = at_profile(load('fast_rcnn_vgg16_ms_vote_voc07'), DEMO, CONFIGS)
    scaled = load('fast_rcnn_vgg16_ohem_ms_vote_demo')
    assert demo.train_dataloader == scaled.train_dataloader
    assert demo.tta_pipeline == scaled.tta_pipeline
    assert demo.test_cfg == scaled.test_cfg
    assert demo.custom_hooks == scaled.custom_hooks
    assert demo.model == DEMO.model


def test_the_row_itself_is_left_as_it_was() -> None:
    config = load('fast_rcnn_vgg16_ohem_voc07')
    before = config.to_dict()
    at_profile(config, DEMO, CONFIGS)
    assert config.to_dict() == before


@pytest.mark.parametrize('data', ['voc0712', 'voc12', 'coco14'])
def test_other_data_are_not_replaced(data: str) -> None:
    with pytest.raises(NotInProfileError, match='--data full'):
        at_profile(load(f'fast_rcnn_vgg16_ohem_{data}'), DEMO, CONFIGS)


RELATIVES = {
    'sppnet_vgg16_voc07': 'sppnet_vgg16_demo',
    'sppnet_vgg16_ohem_voc07': 'sppnet_vgg16_ohem_demo',
    'mr_cnn_vgg16_two_regions_voc07': 'mr_cnn_vgg16_demo',
    'mr_cnn_vgg16_two_regions_ohem_voc07': 'mr_cnn_vgg16_ohem_demo',
}


@pytest.mark.parametrize('name', RELATIVES)
def test_relatives_on_the_demo_are_their_own_leaves(name: str) -> None:
    config = at_profile(load(name), DEMO, CONFIGS)
    own = load(RELATIVES[name])
    for key in (
        'model', 'optim_wrapper', 'param_scheduler', 'train_cfg',
        'train_dataloader', 'test_dataloader', 'test_evaluator', 'test_cfg',
        'custom_hooks', 'tta_pipeline', 'randomness',
    ):  # fmt: skip
        assert config[key] == own[key], key


ANIMALS = load('fast_rcnn_vgg16_voc12_animals')


@pytest.mark.parametrize(
    'row',
    [x for x in TABLES[3].select(None) if 'fast_rcnn' not in str(x.config)
     and x.settings['train set'] == '07'],
    ids=lambda x: str(x.number),
)  # fmt: skip
def test_rows_of_relatives_are_built_on_photographs(row: Row) -> None:
    profile = ANIMALS.copy()
    profile.multi_scale_train_pipeline = profile.get(
        'multi_scale_train_pipeline', profile.train_pipeline
    )
    profile.tta_pipeline = profile.get('tta_pipeline', [])
    config = at_profile(load(str(row.config)), profile, CONFIGS)
    config.model.update(feature_cache=None, train_cfg=None)
    with torch.device('meta'):
        head = MODELS.build(config.model).roi_head.bbox_head
    layers = [
        module for name, module in head.named_modules() if name.endswith('fc6')
    ]
    regions = config.model.roi_head.get('regions')
    assert len(layers) == (len(regions) + 1 if regions else 1)
    scale = ANIMALS.model.roi_head.bbox_head.feature_scale
    assert {x.input_scale for x in layers} == {scale}
    assert {x.out_features for x in layers} == {512}


@pytest.mark.parametrize('name', ['demo', 'voc12_animals'])
def test_a_profile_is_row_2_on_its_data(name: str) -> None:
    profile = Config.fromfile(profile_path(name, CONFIGS))
    config = at_profile(load('fast_rcnn_vgg16_voc07'), profile, CONFIGS)
    for key in (
        'model', 'optim_wrapper', 'param_scheduler', 'train_cfg',
        'train_dataloader', 'test_dataloader', 'test_evaluator', 'test_cfg',
        'custom_hooks', 'tta_pipeline', 'randomness',
    ):  # fmt: skip
        assert config[key] == profile[key], key


@pytest.mark.parametrize(
    ('leaf', 'rate', 'iters'),
    [('b2048', 3, 1), ('40k', 1, 0.5), ('ohem_accumulate', 1, 2)],
)
def test_rates_and_schedules_are_in_proportion(
    leaf: str, rate: float, iters: float
) -> None:
    row = load(f'fast_rcnn_vgg16_{leaf}_voc07')
    config = at_profile(row, ANIMALS, CONFIGS)
    lr = ANIMALS.optim_wrapper.optimizer.lr
    assert config.optim_wrapper.optimizer.lr == pytest.approx(rate * lr)
    assert config.train_cfg.max_iters == iters * ANIMALS.train_cfg.max_iters
    for found, own in zip(
        config.param_scheduler, ANIMALS.param_scheduler, strict=True
    ):
        if 'milestones' in own:
            assert found.milestones == [iters * x for x in own.milestones]


def test_a_net_without_weights_is_named() -> None:
    row = load('fast_rcnn_vgg_m_voc07')
    with pytest.raises(NotInProfileError, match=r'no weights of .*VGGM'):
        at_profile(row, ANIMALS, CONFIGS)


def test_missing_scales_are_named() -> None:
    profile = Config({k: x for k, x in ANIMALS.items() if k != 'tta_pipeline'})
    row = load('fast_rcnn_vgg16_ms_vote_voc07')
    with pytest.raises(NotInProfileError, match='no tta_pipeline'):
        at_profile(row, profile, CONFIGS)


def test_a_profile_is_a_name_or_a_path(tmp_path: Path) -> None:
    assert profile_path('demo', CONFIGS) == (
        CONFIGS / 'fast_rcnn_vgg16_demo.py'
    )
    own = tmp_path / 'mine.py'
    with pytest.raises(FileNotFoundError, match='one of demo, voc12_animals'):
        profile_path(str(own), CONFIGS)
    own.touch()
    assert profile_path(str(own), CONFIGS) == own
    with pytest.raises(ValueError, match='rename it'):
        profile_path(str(tmp_path / 'full.py'), CONFIGS)


@pytest.mark.parametrize('number', [2, 13])
def test_a_profile_can_train_the_backbone_slower(number: int) -> None:
    (row,) = TABLES[1].select([number])
    full, profile = load(str(row.config)), DEMO.copy()
    own = dict(backbone=dict(lr_mult=0.1))
    profile.optim_wrapper.paramwise_cfg.custom_keys.update(own)
    found = at_profile(full, profile, CONFIGS).optim_wrapper.paramwise_cfg
    keys = full.optim_wrapper.paramwise_cfg.custom_keys
    assert found.custom_keys == {**keys, **own}


def test_the_closest_scale_is_looked_for_at_the_profiles_size() -> None:
    full = load('sppnet_vgg16_ohem_ms_closest_voc07')
    demo = at_profile(full, DEMO, CONFIGS)
    # 192 pixels on the shorter side in place of 600.
    assert demo.tta_model.closest_to == pytest.approx(224 * 0.32, abs=0.05)
    default = (
        inspect.signature(MultiScaleTTAModel).parameters['closest_to'].default
    )
    assert 'closest_to' not in full.tta_model
    assert default == 224
    full.tta_model.closest_to = 100
    demo = at_profile(full, DEMO, CONFIGS)
    assert demo.tta_model.closest_to == 32
    pooled = at_profile(load('sppnet_vgg16_ohem_ms_voc07'), DEMO, CONFIGS)
    assert 'closest_to' not in pooled.tta_model
