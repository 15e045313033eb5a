"""The configs that add OHEM to mmdet's own, and to one's own."""

import copy
import functools
from pathlib import Path
from typing import Any

import pytest
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.hub import get_config

import mmdet_ohem
from tests.zoo.models import as_list, shrink

CONFIGS = Path(__file__).parents[2] / 'configs'
# Leaf and what it inherits, both without '.py'.
LEAVES = {
    'faster_rcnn_r50_fpn_ohem_coco': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
    'mask_rcnn_r50_fpn_ohem_coco': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
    'cascade_rcnn_r50_fpn_ohem_coco': (
        'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco'
    ),
    'double_head_r50_fpn_ohem_coco': (
        'double_heads/dh-faster-rcnn_r50_fpn_1x_coco'
    ),
    'ohem_added_to_my_config': 'pascal_voc/faster-rcnn_r50_fpn_1x_voc0712',
}


def without_scope(value: Any) -> Any:
    """mmengine notes in a part where it was inherited from."""
    if isinstance(value, dict):
        return {
            key: without_scope(item)
            for key, item in value.items()
            if key != '_scope_'
        }
    if isinstance(value, list | tuple):
        return type(value)(without_scope(item) for item in value)
    return value


@functools.cache
def read(leaf: str) -> Any:
    return Config.fromfile(CONFIGS / f'{leaf}.py')


def load(leaf: str) -> Any:
    return copy.deepcopy(read(leaf))


@pytest.mark.parametrize(('leaf', 'parent'), LEAVES.items())
def test_a_leaf_changes_the_sampler_and_adds_hooks(
    leaf: str, parent: str
) -> None:
    ours = without_scope(load(leaf).to_dict())
    theirs = without_scope(get_config(f'mmdet::{parent}.py').to_dict())
    samplers = [
        [x['sampler'] for x in as_list(config['model']['train_cfg']['rcnn'])]
        for config in (ours, theirs)
    ]
    for own, sampler in zip(*samplers, strict=True):
        assert sampler['type'] == 'RandomSampler'
        assert own.pop('type') == 'mmdet_ohem.OHEMSampler'
        # What is kept is as it was; OHEM has no use for neg_pos_ub.
        assert own.items() <= sampler.items()
        assert sampler.keys() - own.keys() <= {'type', 'neg_pos_ub'}
        sampler.clear()
        own.clear()
    added = {key: ours.pop(key) for key in ours.keys() - theirs.keys()}
    assert ours == theirs
    assert added.pop('custom_imports')['imports'] == ['mmdet_ohem']
    kinds = {x['type'] for x in added.pop('custom_hooks')}
    assert kinds >= {'mmdet_ohem.MiningStatsHook', 'mmdet_ohem.FiniteLossHook'}
    assert not added


@pytest.mark.parametrize('leaf', LEAVES)
def test_all_background_is_mined(leaf: str) -> None:
    for stage in as_list(load(leaf).model.train_cfg.rcnn):
        assert stage.assigner.neg_iou_thr == stage.assigner.pos_iou_thr


@pytest.mark.parametrize('leaf', LEAVES)
def test_a_leaf_builds(leaf: str) -> None:
    model = MODELS.build(shrink(load(leaf).model, 8))
    samplers = as_list(model.roi_head.bbox_sampler)
    assert all(isinstance(x, mmdet_ohem.OHEMSampler) for x in samplers)


@pytest.mark.parametrize('leaf', LEAVES)
def test_a_leaf_has_at_most_10_lines(leaf: str) -> None:
    lines = (CONFIGS / f'{leaf}.py').read_text().splitlines()
    code = [line for line in lines if line and not line.startswith('#')]
    assert len(code) <= 10


def test_it_works_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / 'my_detector.py').write_text(
        "_base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'\n"
    )
    text = (CONFIGS / 'ohem_added_to_my_config.py').read_text()
    parent = "'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py'"
    assert parent in text
    mine = tmp_path / 'my_detector_ohem.py'
    mine.write_text(text.replace(parent, "'./my_detector.py'"))
    sampler = Config.fromfile(mine).model.train_cfg.rcnn.sampler
    assert sampler.type == 'mmdet_ohem.OHEMSampler'
    assert sampler.num == 512
