"""Every config trains and tests, on data of the right shape."""

import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from tests.configs.data_folder import NAMES, write_data
from tests.configs.leaves import (
    FAST_RCNN,
    FORM,
    PROFILES,
    datasets_of,
    kinds,
    load,
    on_folder,
)

# Profiles and the form have data folders of their own.
OTHERS = (FORM, *PROFILES)
LEAVES = [x for x in FAST_RCNN if 'demo' not in x and x not in OTHERS]
# What can go wrong in a step: one leaf of each kind of model.
STEPS = [*kinds(LEAVES, 'model'), 'fast_rcnn_vgg16_ohem_accumulate_voc07.py']
TESTS = kinds(
    [x for x in LEAVES if '_vgg16_' in x and 'released' not in x],
    'test_dataloader', 'test_evaluator', 'test_cfg', 'custom_hooks',
    'tta_model',
)  # fmt: skip
# Of the relatives, which differ in their models.
TESTS += [
    'sppnet_vgg_m_voc07.py',
    'mr_cnn_vgg16_two_regions_voc07.py',
    'mr_cnn_vgg16_semantic_ohem_voc07.py',
]


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All data in one folder."""
    return write_data(tmp_path_factory.mktemp('data') / 'all')


@pytest.mark.parametrize('name', kinds(LEAVES, 'train_dataloader'))
def test_training_data_have_objects_and_proposals(
    name: str, root: Path
) -> None:
    config = on_folder(name, root)
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert len(dataset) == 2 * len(datasets_of(config.train_dataloader))
    is_coco = 'coco' in name
    for index in range(len(dataset)):
        item = dataset[index]
        sample: DetDataSample = item['data_samples']
        # Three objects, one of them difficult; a crowd in COCO.
        num_ignored = len(sample.ignored_instances)
        assert num_ignored == (0 if '2015' in name else 1)
        assert len(sample.gt_instances) == 3 - (num_ignored and not is_coco)
        assert len(sample.proposals) == 600
        height, width = item['inputs'].shape[1:]
        assert sample.img_shape[:2] == (height, width)
        # mmdet clips proposals to the edge of the image.
        boxes = torch.as_tensor(sample.proposals.bboxes)
        assert boxes[:, 0::2].max() <= width
        assert boxes[:, 1::2].max() <= height


def test_unions_have_the_images_of_each_part(root: Path) -> None:
    config = on_folder('fast_rcnn_vgg16_ohem_voc07pp12.py', root)
    dataset = DATASETS.build(config.train_dataloader.dataset)
    paths = [dataset[i]['data_samples'].img_path for i in range(len(dataset))]
    folders = [Path(path).parts[-3] for path in paths]
    assert folders == ['VOC2007'] * 4 + ['VOC2012'] * 2
    assert dataset.metainfo['classes'][0] == 'aeroplane'


def sampled(model: Any) -> list[int]:
    """Number of RoIs of each image, filled in by training."""
    sampler, counts = model.roi_head.bbox_sampler, []
    sample = sampler.sample

    def counted(*args: Any, **kwargs: Any) -> Any:
        result = sample(*args, **kwargs)
        counts.append(len(result.pos_inds) + len(result.neg_inds))
        return result

    sampler.sample = counted
    return counts


@pytest.mark.parametrize('name', STEPS)
def test_one_step_of_training(name: str, root: Path) -> None:
    config = on_folder(name, root)
    model = MODELS.build(config.model)
    model.init_weights()
    counts = sampled(model)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    wrapper.initialize_count_status(model, 0, config.train_cfg.max_iters)
    before = {k: v.clone() for k, v in model.named_parameters()}
    batches = iter(Runner.build_dataloader(config.train_dataloader, seed=0))
    num_steps = config.optim_wrapper.get('accumulative_counts', 1)
    for step in range(num_steps):
        changed = {k for k, v in model.named_parameters()
                   if (v != before[k]).any()}  # fmt: skip
        assert not changed, f'updated by step {step} already'
        losses = model.train().train_step(next(batches), wrapper)
        assert all(torch.isfinite(value).all() for value in losses.values())
    for key, param in model.named_parameters():
        assert (param != before[key]).any() == param.requires_grad, key
    # Ground truth is among the RoIs; NMS leaves OHEM fewer.
    num = config.model.train_cfg.rcnn.sampler.num
    assert len(counts) == config.train_dataloader.batch_size * num_steps
    # Loss masking runs all RoIs; its rule chooses among them later.
    if num <= 128 and 'loss_masking' not in name:
        assert all(0 < count <= num for count in counts)
    else:
        assert all(128 < count <= 603 for count in counts)


@pytest.mark.parametrize('name', TESTS)
def test_one_test(
    name: str,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Laying out the text of a config takes longer than the test itself.
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: ''))
    config = on_folder(name, root)
    config.work_dir = str(tmp_path)
    # Weights at random: all scores are alike, and all boxes would be kept.
    config.model.test_cfg.rcnn.max_per_img = 20
    for hook in config.custom_hooks:
        if hook.type == 'mmdet_ohem.IterativeBBoxVotingHook':
            hook.refine_max_per_class = 5
    if 'outfile_prefix' in config.test_evaluator:
        config.test_evaluator.outfile_prefix = str(tmp_path / 'out')
    config.experiment_name = f'{tmp_path}'
    config.log_level = 'ERROR'
    runner = Runner.from_cfg(config)
    runner.model.init_weights()
    metrics = runner.test()
    if config.test_evaluator.type == 'mmdet_ohem.DevkitVOCMetric':
        assert set(metrics) == {
            'pascal_voc/mAP', 'pascal_voc/AP50',
            'pascal_voc/AP50/cat', 'pascal_voc/AP50/dog',
        }  # fmt: skip
    elif config.test_evaluator.type == 'mmdet_ohem.VOCServerMetric':
        assert metrics['voc_server/num_images'] == len(NAMES)
        assert metrics['voc_server/num_detections'] > 0
        with tarfile.open(tmp_path / 'out.tar.gz') as archive:
            files = [x for x in archive.getnames() if x.endswith('.txt')]
        assert len(files) == 20
    else:
        assert (tmp_path / 'out.bbox.json').stat().st_size > 100


def test_coco_is_validated_on_val(root: Path) -> None:
    config = on_folder('fast_rcnn_vgg16_ohem_coco14.py', root)
    dataset = DATASETS.build(config.val_dataloader.dataset)
    assert len(dataset) == 2
    assert 'val2014' in dataset[0]['data_samples'].img_path
    assert config.val_evaluator.ann_file.endswith('instances_val2014.json')
    assert Path(config.val_evaluator.ann_file).exists()


def test_every_kind_of_test_is_tested() -> None:
    loops = {load(name).test_cfg.type for name in TESTS}
    metrics = {load(name).test_evaluator.type for name in TESTS}
    assert loops == {'TestLoop', 'mmdet_ohem.MultiScaleTestLoop'}
    assert metrics == {
        'CocoMetric',
        'mmdet_ohem.DevkitVOCMetric',
        'mmdet_ohem.VOCServerMetric',
    }
