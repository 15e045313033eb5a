"""What has no RoIs to mine says so, and what to do instead."""

from typing import Any

import pytest
from mmdet.registry import MODELS

from tests.zoo.models import lookup, model_of
from tests.zoo.refusals import REFUSED, Refusal


def head_of(model: Any, refusal: Refusal) -> Any:
    """Config of the part that builds the sampler, with what it is given."""
    where = refusal.train_cfg.split('.')
    if where[0] == 'track_head':
        return model.track_head
    if 'rpn' in where:
        return model.rpn_head | dict(
            num_classes=1,
            train_cfg=model.train_cfg.rpn,
            test_cfg=model.test_cfg.rpn,
        )
    if 'rcnn' in where:
        return model.roi_head | dict(
            train_cfg=model.train_cfg.rcnn, test_cfg=model.test_cfg.rcnn
        )
    name = 'panoptic_head' if 'panoptic_head' in model else 'bbox_head'
    return model[name] | dict(train_cfg=model.train_cfg)


@pytest.mark.parametrize('refusal', REFUSED, ids=str)
def test_refuses_by_name(refusal: Refusal) -> None:
    model = model_of(refusal.config)
    # As a user does it: another type; a sampler where there is none.
    train_cfg = lookup(model, refusal.train_cfg)
    sampler = train_cfg.get('sampler', dict(num=16))
    train_cfg['sampler'] = sampler | dict(type='mmdet_ohem.OHEMSampler')
    with pytest.raises(refusal.error, match=f'(?s){refusal.says}'):
        MODELS.build(head_of(model, refusal))
