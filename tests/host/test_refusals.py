"""What lacks a part is refused by name, with what to do instead."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config
from torch import nn

from mmdet_ohem.host.refusals import Purpose, check, check_config

WHOLE = dict(
    type='FastRCNN',
    roi_head=dict(type='StandardRoIHead'),
    train_cfg=dict(rcnn=dict(sampler=dict(num=1))),
)
OF_CONFIGS = [
    Purpose.LOSSES_OF_A_RUN,
    Purpose.BROWSING,
    Purpose.BROWSING_A_TRAINING,
]


@pytest.mark.parametrize('purpose', Purpose)
def test_every_refusal_names_the_thing_and_a_remedy(purpose: Purpose) -> None:
    with pytest.raises(TypeError, match=r'Identity.*\b(has|for) ') as error:
        check(nn.Identity(), purpose)
    text = str(error.value)
    assert '{' not in text
    assert any(x in text for x in ('Remedy', 'Put', 'two-stage', 'Give'))


def test_the_missing_parts_are_named() -> None:
    both = r'RoIHead has no bbox_head and no _bbox_forward: OHEM mines'
    with pytest.raises(TypeError, match=both):
        check(SimpleNamespace(), Purpose.MINING, 'RoIHead')
    one = SimpleNamespace(bbox_head=nn.Identity())
    with pytest.raises(TypeError, match='RoIHead has no _bbox_forward: OHEM'):
        check(one, Purpose.MINING, 'RoIHead')


def test_a_config_of_a_two_stage_detector_passes() -> None:
    check_config(Config(dict(model=WHOLE)), *OF_CONFIGS)


@pytest.mark.parametrize('missing', ['roi_head', 'train_cfg'])
@pytest.mark.parametrize('value', [None, {}])
def test_a_config_without_a_part_is_refused_by_its_file(
    missing: str, value: dict | None
) -> None:
    config = Config(
        dict(model=dict(WHOLE, **{missing: value})),
        cfg_text='-',
        filename='run/config.py',
    )
    with pytest.raises(TypeError, match=r'run/config\.py: FastRCNN.*roi_head'):
        check_config(config, *OF_CONFIGS)


def test_a_config_without_a_model_is_refused() -> None:
    with pytest.raises(TypeError, match='None has no roi_head'):
        check_config(Config({}), *OF_CONFIGS)
