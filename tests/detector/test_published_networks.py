"""Backbone, RoI pooling, fc and outputs against the published layers.

The configs' own models, with narrow fc6 and fc7; OpenCV 5 has no reader of
Caffe networks any more, so the reference is a loop over the list of layers.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import Tensor

from tests.detector.published_layers import (
    caffe_roi_pool,
    random_blobs,
    run_layers,
)

MODEL_CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'models'
WIDTHS = (24, 16)
# torchvision's index of the convolutions, in the order of the list.
INDICES = {
    'vgg16': (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    'vgg_m': (0, 4, 8, 10, 12),
}
# Corners inclusive, as Caffe has them, on two images of 72 x 104 pixels: one
# whole image, a small one, one pixel, and, for VGG-M, one whose last bins lie
# outside of the map.
ROIS = torch.tensor(
    [
        [0, 0, 0, 103, 71],
        [1, 20, 10, 60, 50],
        [0, 50, 40, 50, 40],
        [1, 70.5, 45.25, 103, 71],
        [0, 3, 60, 90, 71],
    ]
)


def model_config(net: str) -> Any:
    return Config.fromfile(MODEL_CONFIGS / f'fast_rcnn_{net}.py').model


def edges(model: Any) -> Tensor:
    """The RoIs as the config's extractor takes them."""
    pixel = model.roi_head.bbox_roi_extractor.pixel
    return ROIS + torch.tensor([0, 0, 0, pixel, pixel])


@pytest.fixture(scope='module')
def img() -> Tensor:
    """As Caffe's networks see it: no division by a deviation."""
    return 60 * torch.randn(2, 3, 72, 104)


@pytest.mark.parametrize('net', ['vgg16', 'vgg_m'])
def test_forward_is_the_published_list_of_layers(
    net: str, img: Tensor, tmp_path: Path
) -> None:
    blobs = random_blobs(net, WIDTHS, num_outputs=5)
    convs = [name for name in blobs if name.startswith('conv')]
    names = [f'features.{i}' for i in INDICES[net]]
    state = {}
    for prefix, layer in (
        *zip(names, convs, strict=True),
        ('classifier.0', 'fc6'),
        ('classifier.3', 'fc7'),
    ):
        for part, blob in zip(('weight', 'bias'), blobs[layer], strict=True):
            state[f'{prefix}.{part}'] = torch.from_numpy(blob)
    torch.save(state, tmp_path / 'weights.pth')
    init_cfg = dict(
        type='Pretrained', checkpoint=str(tmp_path / 'weights.pth')
    )
    config = model_config(net)
    config.backbone.init_cfg = init_cfg
    config.roi_head.bbox_head.update(
        fc_out_channels=WIDTHS, num_classes=4, init_cfg=init_cfg
    )
    model = MODELS.build(config).eval()
    model.init_weights()
    head = model.roi_head.bbox_head
    with torch.no_grad():
        for layer, name in ((head.fc_cls, 'cls_score'),):
            layer.weight.copy_(torch.from_numpy(blobs[name][0]))
            layer.bias.copy_(torch.from_numpy(blobs[name][1]))
        (feats,) = model.extract_feat(img)
        result = model.roi_head._bbox_forward((feats,), edges(model))
        expected = run_layers(net, blobs, img, ROIS)
        deltas = head.fc_reg(expected['fc7'])
    assert expected['conv5'].std() > 1
    close = dict(rtol=1e-4, atol=1e-4 * feats.max().item())
    torch.testing.assert_close(feats, expected['conv5'], **close)
    close['atol'] = 1e-4 * expected['cls_score'].abs().max().item()
    torch.testing.assert_close(
        result['cls_score'], expected['cls_score'], **close
    )
    close['atol'] = 1e-4 * deltas.abs().max().item()
    torch.testing.assert_close(result['bbox_pred'], deltas, **close)


@pytest.mark.parametrize(
    ('cells', 'bins', 'some_empty'),
    # Of 72 x 104 pixels, 4.5 x 6.5 cells: VGG16 and VGG-M.
    [((5, 7), 7, False), ((3, 5), 6, True)],
)
def test_the_rois_reach_over_the_border_of_vgg_m_alone(
    cells: tuple[int, int], bins: int, some_empty: bool
) -> None:
    pooled = caffe_roi_pool(torch.ones(2, 1, *cells), ROIS, bins)
    assert (pooled == 0).any() == some_empty


@pytest.mark.parametrize(
    ('net', 'cells'), [('vgg16', (5, 7)), ('vgg_m', (3, 5))]
)
def test_these_are_the_cells(net: str, cells: tuple[int, int]) -> None:
    with torch.device('meta'):
        backbone = MODELS.build(model_config(net).backbone)
    (feats,) = backbone(torch.empty(1, 3, 72, 104, device='meta'))
    assert feats.shape[2:] == cells


@pytest.mark.parametrize(
    ('net', 'normalisation'),
    [
        ('vgg16', ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375], True)),
        ('vgg16_caffe', ([102.9801, 115.9465, 122.7717], [1, 1, 1], False)),
        ('vgg_m', ([102.9801, 115.9465, 122.7717], [1, 1, 1], False)),
    ],
)
def test_images_are_normalised_as_the_weights_want_it(
    net: str, normalisation: tuple
) -> None:
    given = model_config(net).data_preprocessor
    assert (given.mean, given.std, given.bgr_to_rgb) == normalisation


@pytest.mark.parametrize('net', ['vgg16', 'vgg16_caffe', 'vgg_m'])
def test_backbone_and_head_start_from_one_file(net: str) -> None:
    config = model_config(net)
    head = config.roi_head.bbox_head
    assert config.backbone.init_cfg == head.init_cfg
    assert config.backbone.init_cfg.type == 'Pretrained'
