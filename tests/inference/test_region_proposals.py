"""Boxes of a detector's own RPN become a proposal store."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict

from mmdet_ohem.inference.region_proposals import (
    RegionProposer,
    make_by_detector,
)
from mmdet_ohem.proposals import ProposalStore
from tests.inference.test_fast_rcnn_inferencer import (
    fast_config,
    faster_config,
    save,
)
from tests.localization.tiny_detectors import noise


def test_boxes_are_those_of_the_original_image() -> None:
    propose = RegionProposer(faster_config(), None, device='cpu')
    pixels = noise(160, 260)
    boxes, size, scores = propose(pixels)
    height, width = pixels.shape[:2]
    assert size == (width, height)
    assert scores is not None
    assert len(boxes) == len(scores) > 10
    assert (scores[1:] <= scores[:-1]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] <= [width, height]).all()
    # The network saw the image smaller.
    assert boxes[:, 2].max() > 130
    fewer = RegionProposer(faster_config(), None, 3, device='cpu')
    assert len(fewer(pixels).boxes) <= 3


def test_a_detector_without_rpn_is_refused() -> None:
    with pytest.raises(ValueError, match='FastRCNN has no RPN'):
        RegionProposer(fast_config(), None, device='cpu')


def test_a_store_is_written_and_goes_on(tmp_path: Path) -> None:
    config, checkpoint = save(tmp_path, faster_config())
    images = {}
    for name in 'ab':
        images[name] = tmp_path / f'J/{name}.png'
        images[name].parent.mkdir(exist_ok=True)
        cv2.imwrite(str(images[name]), noise(80, 130))
    images['c'] = tmp_path / 'J/c.png'
    out = tmp_path / 'o.safetensors'
    result = make_by_detector(images, out, config, checkpoint, device='cpu')
    assert [name for name, _ in result.failed] == ['c']
    cv2.imwrite(str(images['c']), noise(80, 130))
    result = make_by_detector(images, out, config, checkpoint, device='cpu')
    assert (result.skipped, result.failed) == (2, [])
    store = ProposalStore(out)
    assert list(store) == ['J/a.png', 'J/b.png', 'J/c.png']
    assert store.usable.all()
    assert store.made_with['method'] == 'rpn'
    entry = store['J/a.png']
    assert np.isin(entry['scores'], 0).mean() < 0.5


def test_an_rpn_alone_is_enough() -> None:
    config = faster_config()
    detector = config.model
    config.model = ConfigDict(
        type='RPN',
        backbone=detector.backbone,
        neck=detector.get('neck'),
        rpn_head=detector.rpn_head,
        data_preprocessor=detector.get('data_preprocessor'),
        train_cfg=None,
        test_cfg=dict(rpn=detector.test_cfg.rpn),
    )
    found = RegionProposer(config, None, device='cpu')(noise(80, 130))
    assert len(found.boxes) > 0
