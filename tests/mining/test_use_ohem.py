"""One line puts OHEM into any two-stage detector."""

from pathlib import Path
from typing import Any

import pytest
from mmdet.registry import MODELS
from mmengine.config import Config

from mmdet_ohem import OHEMSampler, use_ohem
from tests.zoo.families import SERVED, Family
from tests.zoo.models import as_list, model_of, small_model

ONE_LINE = "__import__('mmdet_ohem').use_ohem(_base_{})\n"


def base_of(family: Family, keys: str = '') -> str:
    return f"_base_ = 'mmdet::{family.config}'\n" + ONE_LINE.format(keys)


@pytest.mark.parametrize('family', SERVED, ids=str)
def test_every_stage_of_every_kind_gets_it(family: Family) -> None:
    model = small_model(family)
    stages = as_list(model.train_cfg.rcnn)
    nums = [stage.sampler.num for stage in stages]
    assert use_ohem(model, nms_iou_thr=0.6) == len(stages)
    if family.on_gpu_only:
        return
    roi_head = dict(
        model.roi_head,
        train_cfg=model.train_cfg.rcnn,
        test_cfg=model.test_cfg.rcnn,
    )
    samplers = as_list(MODELS.build(roi_head).bbox_sampler)
    assert all(isinstance(x, OHEMSampler) for x in samplers)
    assert [x.num for x in samplers] == nums


@pytest.mark.parametrize(
    'family', [SERVED[1], SERVED[14], SERVED[-1]], ids=str
)
def test_it_is_a_line_of_a_config(family: Family, tmp_path: Path) -> None:
    path = tmp_path / 'mine.py'
    path.write_text(base_of(family, ', num=32'))
    config = Config.fromfile(path, import_custom_modules=False)
    for stage in as_list(config.model.train_cfg.rcnn):
        assert stage.sampler.type == 'mmdet_ohem.OHEMSampler'
        assert stage.sampler.num == 32
    assert 'mmdet_ohem' in config.custom_imports['imports']
    # What a training dumps is read again without the line.
    config.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(
        tmp_path / 'dumped.py', import_custom_modules=False
    )
    assert again.model == config.model
    assert again.custom_hooks == config.custom_hooks


def test_hooks_are_appended_once() -> None:
    config: dict[str, Any] = dict(
        model=model_of(SERVED[0].config),
        custom_hooks=[dict(type='NumClassCheckHook')],
        default_hooks=dict(check=dict(type='mmdet_ohem.MiningCheckHook')),
    )
    for _ in range(2):
        use_ohem(config)
    assert [x['type'] for x in config['custom_hooks']] == [
        'NumClassCheckHook',
        'mmdet_ohem.MiningStatsHook',
        'mmdet_ohem.FiniteLossHook',
    ]


def test_a_detector_in_a_detector_is_found() -> None:
    inner = model_of(SERVED[1].config)
    assert use_ohem(dict(type='SoftTeacher', detector=inner)) == 1
    assert inner.train_cfg.rcnn.sampler.type == 'mmdet_ohem.OHEMSampler'


@pytest.mark.parametrize(
    'model', [{}, dict(type='RetinaNet', train_cfg=dict(allowed_border=-1))]
)
def test_without_rois_it_is_refused(model: dict) -> None:
    with pytest.raises(TypeError, match=r'no train_cfg.rcnn.*Remedy'):
        use_ohem(dict(model=model))
