"""A fixed conv network sees each image by itself, kept features or not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import Tensor

from tests.configs.leaves import load
from tests.tiny import random_boxes

SIZES = [(64, 96), (96, 80)]


def small(frozen_stages: int = 5, **detector: Any) -> Config:
    """The baseline with a narrow RoI network and random convolutions."""
    model = load('fast_rcnn_vgg16_voc07.py').model
    model.update(detector)
    model.backbone.update(frozen_stages=frozen_stages, init_cfg=None)
    model.roi_head.bbox_head.update(fc_out_channels=(8, 8), init_cfg=None)
    return model


def build(config: Config) -> Any:
    torch.manual_seed(0)
    detector = MODELS.build(config)
    detector.init_weights()
    return detector.eval()


def batch() -> dict[str, Any]:
    torch.manual_seed(1)
    samples = []
    for size in SIZES:
        sample = DetDataSample(
            metainfo=dict(
                img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)
            )
        )
        boxes = random_boxes(6) / 4
        sample.gt_instances = InstanceData(
            bboxes=boxes[:2], labels=torch.zeros(2, dtype=torch.long)
        )
        sample.proposals = InstanceData(bboxes=boxes)
        samples.append(sample)
    images = [
        torch.randint(255, (3, *size), dtype=torch.uint8) for size in SIZES
    ]
    return dict(inputs=images, data_samples=samples)


def features(detector: Any, data: dict[str, Any]) -> Tensor:
    prepared = detector.data_preprocessor(data, False)
    (found,) = detector.extract_feat(prepared['inputs'])
    return found


def test_features_are_those_of_each_image_alone() -> None:
    detector, data = build(small()), batch()
    together = features(detector, data)
    assert together.shape == (2, 512, 6, 6)
    for i, (rows, columns) in enumerate([(4, 6), (6, 5)]):
        alone = dict(
            inputs=data['inputs'][i : i + 1],
            data_samples=data['data_samples'][i : i + 1],
        )
        expected = features(detector, alone)[0]
        assert expected.shape[1:] == (rows, columns)
        found = together[i, :, :rows, :columns]
        assert torch.equal(found, expected)
        rest = together[i].clone()
        rest[:, :rows, :columns] = 0
        assert not rest.any()


def test_a_trained_network_is_mmdets_own() -> None:
    ours, stock = build(small(2)), build(small(2, type='FastRCNN'))
    assert torch.equal(features(ours, batch()), features(stock, batch()))
    assert not ours.is_fixed


@pytest.mark.parametrize('mode', ['loss', 'predict'])
def test_kept_features_give_the_same_results(
    mode: str, tmp_path: Path
) -> None:
    plain = build(small())
    cached = build(small(feature_cache=str(tmp_path)))
    found = []
    for detector in (plain, cached, cached):
        torch.manual_seed(2)
        prepared = detector.data_preprocessor(batch(), mode == 'loss')
        result = detector(**prepared, mode=mode)
        found.append(
            torch.stack([result['loss_cls'], result['loss_bbox']])
            if mode == 'loss'
            else torch.cat([x.pred_instances.scores for x in result])
        )
    assert torch.equal(found[1], found[2])
    assert torch.allclose(found[0], found[1], rtol=1e-2, atol=1e-4)
    assert cached.feature_cache.num_computed == 2
    assert cached.feature_cache.num_found == 2


def test_any_tensor_has_features() -> None:
    detector = build(small())
    images = torch.randn(2, 3, 32, 48)
    (found,) = detector.extract_feat(images)
    expected = torch.cat([detector.backbone(x[None])[0] for x in images])
    assert torch.equal(found, expected)


@pytest.mark.parametrize('num_frozen', [1, 2, 4])
def test_what_frozen_stages_make_is_kept(
    num_frozen: int, tmp_path: Path
) -> None:
    detector = build(small(num_frozen, feature_cache=str(tmp_path)))
    data = batch()
    prepared = detector.data_preprocessor(data, False)
    for _ in range(2):
        (found,) = detector.extract_feat(prepared['inputs'])
        for i, (height, width) in enumerate(SIZES):
            img = prepared['inputs'][i, :, :height, :width]
            (expected,) = detector.backbone(img[None])
            rows, columns = expected.shape[2:]
            part = found[i, :, :rows, :columns]
            assert torch.allclose(part, expected[0], rtol=1e-2, atol=1e-2)
    assert detector.feature_cache.num_computed == 2
    assert detector.feature_cache.num_found == 2


def test_trained_stages_behind_kept_features_learn(tmp_path: Path) -> None:
    """Gradients are those of the whole network, to half precision."""
    detector = build(small(4, feature_cache=str(tmp_path)))
    layers = detector.backbone.features
    img = torch.randn(1, 3, 64, 64)
    found = []
    for feats in (detector.extract_feat(img), detector.backbone(img)):
        detector.zero_grad()
        feats[0].square().mean().backward()
        found.append([x.weight.grad for x in (layers[24], layers[28])])
    for ours, expected in zip(*found, strict=True):
        assert (ours - expected).norm() < 0.01 * expected.norm()
    assert layers[21].weight.grad is None
    # An optimizer's step changes what follows the file, not the file.
    before = detector.extract_feat(img)[0]
    with torch.no_grad():
        layers[28].weight.mul_(2)
    assert not torch.equal(detector.extract_feat(img)[0], before)
    assert detector.feature_cache.num_computed == 1


@pytest.mark.parametrize(
    'backbone',
    [dict(frozen_stages=0), dict(type='mmdet.ResNet', depth=18)],
    ids=['nothing is frozen', 'not ours'],
)
def test_a_network_that_learns_has_no_cache(
    backbone: dict, tmp_path: Path
) -> None:
    config = small(feature_cache=str(tmp_path))
    if 'type' in backbone:
        config.backbone = backbone
    config.backbone.update(backbone)
    with pytest.raises(ValueError, match=r'are trained.*frozen_stages=5'):
        build(config)


@pytest.mark.parametrize('frozen_stages', [4, 5])
def test_checkpoints_are_those_of_mmdets_detector(
    frozen_stages: int, tmp_path: Path
) -> None:
    cached = build(small(frozen_stages, feature_cache=str(tmp_path)))
    stock = build(small(type='FastRCNN'))
    assert list(cached.state_dict()) == list(stock.state_dict())


def test_a_neck_is_behind_the_kept_features(tmp_path: Path) -> None:
    neck = dict(
        type='FPN',
        in_channels=[512],
        out_channels=8,
        num_outs=1,
        init_cfg=None,
    )
    plain = build(small(neck=neck))
    cached = build(small(neck=neck, feature_cache=str(tmp_path)))
    expected, found = features(plain, batch()), features(cached, batch())
    assert found.shape == (2, 8, 6, 6)
    assert torch.allclose(found, expected, rtol=1e-2, atol=1e-2)
    assert found.requires_grad
