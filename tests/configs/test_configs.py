"""The configs say what the paper says, and run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from torch import nn

from tests.voc_folder import Picture, Thing, boxes_around, write_voc

CONFIGS = Path(__file__).parents[2] / 'configs'
LEAVES = sorted(path.name for path in CONFIGS.glob('*.py'))
BASELINE = 'fast_rcnn_vgg16_voc07.py'
OHEM = 'fast_rcnn_vgg16_ohem_voc07.py'
VOC07 = [BASELINE, OHEM]
# The form for data of one's own: its head is filled in.
FORM = 'fast_rcnn_vgg16_ohem_custom_voc.py'
PAIRS = [
    (name.replace('_ohem', ''), name)
    for name in LEAVES
    if '_ohem' in name and name.replace('_ohem', '') in LEAVES
]
RCNN = 'model.train_cfg.rcnn'
THINGS = [
    Thing('dog', (4, 4, 43, 43)),
    Thing('cat', (50, 20, 95, 75)),
    Thing('dog', (20, 50, 45, 75), difficult=1),
]


def load(name: str) -> Any:
    return Config.fromfile(CONFIGS / name)


def leaf_values(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Dotted path and value of everything in a config."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaf_values(item, f'{path}.{key}'.lstrip('.'))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaf_values(item, f'{path}.{i}')
    else:
        yield path, value


def without_files(config: Any) -> Any:
    """The model of a config with narrow layers and no checkpoint."""
    model = config.model
    model.backbone.init_cfg = None
    model.roi_head.bbox_head.update(fc_out_channels=(16, 16), init_cfg=None)
    return model


def detector(name: str) -> Any:
    return MODELS.build(without_files(load(name)))


def on_folder(name: str, root: Path) -> Any:
    """A config for two small images that are written to ``root``."""
    around = boxes_around(THINGS[:2], 600)
    write_voc(root, {x: Picture(THINGS, proposals=around) for x in 'ab'})
    config = load(name)
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(root)
        for step in loader.dataset.pipeline:
            for transform in step.get('transforms', ()):
                if transform.type == 'Resize':
                    transform.scale = (128, 96)
    return config


@pytest.mark.parametrize('name', LEAVES)
def test_each_config_is_complete(name: str) -> None:
    config = load(name)
    assert config.default_scope == 'mmdet'
    assert config.custom_imports['imports'] == ['mmdet_ohem']
    for key in (
        'model',
        'train_dataloader',
        'val_dataloader',
        'test_dataloader',
        'val_evaluator',
        'test_evaluator',
        'train_cfg',
        'optim_wrapper',
    ):
        assert key in config


@pytest.mark.parametrize('name', LEAVES)
def test_each_config_tests_what_it_validates(name: str) -> None:
    config = load(name)
    # A config that does not validate while training has none of the three.
    if config.val_cfg is None:
        assert config.val_dataloader is config.val_evaluator is None
    else:
        assert config.test_dataloader == config.val_dataloader
        assert config.test_evaluator == config.val_evaluator
    assert config.test_dataloader.dataset.test_mode


@pytest.mark.parametrize('name', LEAVES)
def test_each_config_reads_one_dataset(name: str) -> None:
    config = load(name)
    train, test = config.train_dataloader.dataset, config.test_dataloader
    assert train.data_root == test.dataset.data_root
    assert train.get('metainfo') == test.dataset.get('metainfo')
    assert train.ann_file != test.dataset.ann_file
    assert train.proposal_file != test.dataset.proposal_file
    num_classes = config.model.roi_head.bbox_head.num_classes
    assert num_classes == len(
        train.get('metainfo', {}).get('classes', '_' * 20)
    )


@pytest.mark.parametrize('name', LEAVES)
def test_each_config_scales_training_and_test_alike(name: str) -> None:
    config = load(name)
    scales = {
        transform.scale
        for loader in (config.train_dataloader, config.test_dataloader)
        for step in loader.dataset.pipeline
        for transform in step.get('transforms', ())
        if transform.type == 'Resize'
    }
    assert scales == {config.scale}


@pytest.mark.parametrize('name', sorted(set(LEAVES) - {FORM}))
def test_a_leaf_is_a_diff_of_at_most_10_lines(name: str) -> None:
    lines = (CONFIGS / name).read_text().splitlines()
    code = [x for x in lines if x.strip() and not x.strip().startswith('#')]
    assert len(code) <= 10


@pytest.mark.parametrize(('baseline', 'ohem'), PAIRS)
def test_ohem_differs_from_its_baseline_in_sampler_and_bg_lo_only(
    baseline: str, ohem: str
) -> None:
    first, second = (
        dict(leaf_values(load(name).to_dict())) for name in (baseline, ohem)
    )
    missing = object()
    differing = {
        path
        for path in first.keys() | second.keys()
        if first.get(path, missing) != second.get(path, missing)
    }
    assert differing == {
        f'{RCNN}.assigner.neg_iou_thr',
        f'{RCNN}.sampler.type',
        f'{RCNN}.sampler.pos_fraction',
        f'{RCNN}.sampler.neg_pos_ub',
        f'{RCNN}.sampler.add_gt_as_proposals',
    }


@pytest.mark.parametrize('name', VOC07)
def test_schedule_is_the_papers(name: str) -> None:
    config = load(name)
    assert config.train_cfg.type == 'IterBasedTrainLoop'
    assert config.train_cfg.max_iters == 80000
    (schedule,) = config.param_scheduler
    assert schedule.milestones == [30000, 60000]
    assert (schedule.gamma, schedule.by_epoch) == (0.1, False)
    assert config.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.001, momentum=0.9, weight_decay=0.0005
    )
    assert 'accumulative_counts' not in config.optim_wrapper


@pytest.mark.parametrize('name', VOC07)
def test_data_are_the_papers(name: str) -> None:
    config = load(name)
    train, test = config.train_dataloader, config.test_dataloader
    assert train.batch_size == 2
    assert train.dataset.ann_file == 'VOC2007/ImageSets/Main/trainval.txt'
    assert test.dataset.ann_file == 'VOC2007/ImageSets/Main/test.txt'
    assert config.scale == (1000, 600)
    assert config.test_evaluator.eval_mode == '11points'
    assert config.model.data_preprocessor.pad_size_divisor == 1
    assert 'bbox_min_size' not in train.dataset.filter_cfg


@pytest.mark.parametrize(
    ('name', 'neg_iou_thr'), [(BASELINE, (0.1, 0.5)), (OHEM, 0.5)]
)
def test_rois_are_the_papers(name: str, neg_iou_thr: Any) -> None:
    model = load(name).model
    rcnn = model.train_cfg.rcnn
    # A list of two would give no background at all, in silence.
    assert type(rcnn.assigner.neg_iou_thr) is type(neg_iou_thr)
    assert rcnn.assigner.neg_iou_thr == neg_iou_thr
    assert rcnn.assigner.pos_iou_thr == 0.5
    assert rcnn.sampler.num == 64
    assert rcnn.sampler.get('pos_fraction', 0.25) == 0.25
    assert model.test_cfg.rcnn == dict(
        score_thr=1e-5,
        nms=dict(type='nms', iou_threshold=0.3),
        max_per_img=2000,
    )


@pytest.fixture
def groups() -> dict[str, dict[str, Any]]:
    """Optimizer settings by parameter name, of the OHEM config."""
    model = detector(OHEM)
    wrapper = build_optim_wrapper(model, load(OHEM).optim_wrapper)
    names = {id(param): name for name, param in model.named_parameters()}
    return {
        names[id(param)]: group
        for group in wrapper.optimizer.param_groups
        for param in group['params']
        if param.requires_grad
    }


def test_biases_learn_twice_as_fast(groups: dict[str, dict]) -> None:
    for name, group in groups.items():
        factor = 2 if name.endswith('bias') else 1
        assert group['lr'] == pytest.approx(0.001 * factor), name


def test_biases_of_fc_layers_alone_do_not_decay(
    groups: dict[str, dict],
) -> None:
    layers = ('fc6', 'fc7', 'fc_cls', 'fc_reg')
    without = {name for name, x in groups.items() if x['weight_decay'] == 0}
    assert without == {f'roi_head.bbox_head.{x}.bias' for x in layers}
    decays = {group['weight_decay'] for group in groups.values()}
    assert decays == {0, 0.0005}


def test_conv1_and_conv2_are_not_trained(groups: dict[str, dict]) -> None:
    model = detector(OHEM)
    convs = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    trained = {name.rpartition('.')[0] for name in groups}
    assert len(convs) == 13
    assert [name in trained for name in convs] == [False] * 4 + [True] * 9


def count_sampled(sampler: Any) -> list[int]:
    """Number of RoIs of each image, filled in by training."""
    sample, counts = sampler.sample, []

    def counted(*args: Any, **kwargs: Any) -> Any:
        result = sample(*args, **kwargs)
        counts.append(len(result.pos_inds) + len(result.neg_inds))
        return result

    sampler.sample = counted
    return counts


@pytest.mark.parametrize('name', VOC07)
def test_one_step_trains_on_64_rois_of_each_image(
    name: str, tmp_path: Path
) -> None:
    config = on_folder(name, tmp_path)
    model = MODELS.build(without_files(config))
    model.init_weights()
    counts = count_sampled(model.roi_head.bbox_sampler)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    before = {k: v.clone() for k, v in model.named_parameters()}
    batch = next(iter(Runner.build_dataloader(config.train_dataloader)))
    losses = model.train().train_step(batch, wrapper)
    assert counts == [64, 64]
    assert all(torch.isfinite(value).all() for value in losses.values())
    for key, param in model.named_parameters():
        assert (param != before[key]).any() == param.requires_grad, key


@pytest.mark.parametrize('name', VOC07)
def test_one_step_of_test_gives_boxes_in_the_image(
    name: str, tmp_path: Path
) -> None:
    config = on_folder(name, tmp_path)
    model = MODELS.build(without_files(config)).eval()
    model.init_weights()
    batch = next(iter(Runner.build_dataloader(config.test_dataloader)))
    with torch.no_grad():
        (sample,) = model.test_step(batch)
    found = sample.pred_instances
    assert 0 < len(found) <= 2000
    assert torch.isfinite(found.bboxes).all()
    assert found.bboxes.min() >= 0
    # mmdet clips to the edge of the image: 100 x 80 pixels.
    assert (found.bboxes.max(0).values <= torch.tensor([100, 80] * 2)).all()
