"""The demo's weights fit the detector and BatchNorm is folded exactly."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmdet_ohem.demo import digit_weights
from mmdet_ohem.demo.digit_weights import (
    NETS,
    WIDEN_FACTOR,
    _Classifier,
    _fold_batch_norm,
    draw_pictures,
    write_digit_weights,
)
from mmdet_ohem.detector import VGG16, VGGM, VGGBBoxHead
from mmdet_ohem.detector.vgg_backbone import VGGBackbone, widened

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digit_weights, '_PICTURES', 4)
    monkeypatch.setattr(digit_weights, '_BATCHES', {32: 4})


@pytest.mark.parametrize(
    ('net', 'backbone_cls', 'bins'), [('vgg16', VGG16, 7), ('vgg_m', VGGM, 6)]
)
def test_the_file_fits_backbone_and_head(
    net: str,
    backbone_cls: Callable[..., VGGBackbone],
    bins: int,
    tmp_path: Path,
    few_pictures: None,
) -> None:
    out = tmp_path / 'weights' / f'{net}.pth'
    losses: list[float] = []
    accuracy = write_digit_weights(
        out, num_iters=2, width=8, on_iter=losses.append, net=net
    )
    assert len(losses) == 2
    assert 0 <= accuracy <= 1
    init_cfg = dict(type='Pretrained', checkpoint=str(out))
    backbone = backbone_cls(
        frozen_stages=1, init_cfg=init_cfg, widen_factor=WIDEN_FACTOR
    )
    backbone.init_weights()
    head = VGGBBoxHead(
        in_channels=widened(512, WIDEN_FACTOR),
        fc_out_channels=(8, 8),
        roi_feat_size=bins,
        num_classes=10,
        init_cfg=init_cfg,
    )
    head.init_weights()
    saved = torch.load(out)
    loaded = backbone.state_dict()['features.0.weight']
    assert torch.equal(loaded, saved['features.0.weight'])
    assert torch.equal(head.fc7.weight, saved['classifier.3.weight'])
    assert [p.name for p in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize('net', NETS)
def test_folding_batch_norm_keeps_the_scores(net: str) -> None:
    model = _Classifier(net, width=8).train()
    img = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        for _ in range(3):
            model(img)  # running statistics that are not 0 and 1
        expected = model.eval()(img)
        folded = _fold_batch_norm(model)
        assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
        torch.testing.assert_close(folded(img), expected)


def test_pictures_come_from_the_seed_and_leave_the_random_state(
    few_pictures: None,
) -> None:
    state = torch.get_rng_state()
    first, second = draw_pictures(3, num=2), draw_pictures(3, num=2)
    other = draw_pictures(4, num=2)
    assert torch.equal(first[32][0], second[32][0])
    assert not torch.equal(first[32][0], other[32][0])
    assert first[32][0].shape == (2, 3, 32, 32)
    assert torch.equal(state, torch.get_rng_state())


def test_the_demo_has_networks_of_that_width() -> None:
    model = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_demo.py').model
    assert model.backbone.widen_factor == WIDEN_FACTOR
    assert model.roi_head.bbox_head.in_channels == widened(512, WIDEN_FACTOR)
