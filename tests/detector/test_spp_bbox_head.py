"""SPPnet's box head: VGG's layers on a pyramid, and how they start."""

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from torch import Tensor

from mmdet_ohem import ReadOnlyBBoxHead
from mmdet_ohem.detector import SPPBBoxHead, SPPExtractor, VGGBBoxHead
from mmdet_ohem.detector.spp_bbox_head import pyramid_weights
from mmdet_ohem.mining.distinct_rois import distinct_rois
from tests.detector.test_vgg_bbox_head import (
    WIDTH,
    save,
    torchvision_classifier,
)
from tests.tiny import (
    CHANNELS,
    NUM_CLASSES,
    OHEM,
    STRIDE,
    all_rois,
    features,
    rcnn_train_cfg,
    spread_weights,
)

LEVELS = (1, 2, 3, 6)


def head(feat_size: int, init_cfg: Any = None, kind: Any = SPPBBoxHead) -> Any:
    return kind(
        in_channels=CHANNELS,
        roi_feat_size=feat_size,
        fc_out_channels=(WIDTH, WIDTH),
        num_classes=NUM_CLASSES,
        init_cfg=init_cfg,
    )


def test_on_vgg_m_it_starts_as_fast_rcnn(tmp_path: Path) -> None:
    classifier = torchvision_classifier(CHANNELS * 36)
    init_cfg = save(classifier, tmp_path / 'vgg_m.pth')
    ours, theirs = head(6, init_cfg), head(6, init_cfg, VGGBBoxHead)
    for each in (ours, theirs):
        each.init_weights()
    theirs.fc_cls = ours.fc_cls
    x = torch.randn(5, CHANNELS, 50)
    finest = x[:, :, 14:].view(5, CHANNELS, 6, 6)
    torch.testing.assert_close(ours.eval()(x)[0], theirs.eval()(finest)[0])
    # The coarser levels learn all the same.
    ours.train()(x)[0].sum().backward()
    assert ours.fc6.weight.grad.view(WIDTH, CHANNELS, 50)[:, :, :14].any()


def test_of_vgg16_bins_have_their_share_of_the_weights(tmp_path: Path) -> None:
    classifier: Any = torchvision_classifier(CHANNELS * 49)
    ours = head(7, save(classifier, tmp_path / 'vgg16.pth')).eval()
    ours.init_weights()
    x = torch.randn(5, CHANNELS, 50)
    # A map of 42 x 42 points, 7 x 7 for each bin of the finest level, has
    # bins of 6 x 6 points in a grid of 7 x 7 bins.
    points = x[:, :, 14:].view(5, CHANNELS, 6, 6)
    points = points.repeat_interleave(7, 2).repeat_interleave(7, 3)
    grid = points.view(5, CHANNELS, 7, 6, 7, 6).mean((3, 5))
    expected = ours.fc_cls(classifier[:6].eval()(grid.flatten(1)))
    torch.testing.assert_close(ours(x)[0], expected)


@pytest.mark.parametrize('levels', [(6, 1), (2,), (3, 3)])
def test_the_finest_level_has_all_of_the_weights(
    levels: tuple[int, ...],
) -> None:
    weights = torch.rand(2, 3, 49)
    found = pyramid_weights(weights, 7, levels)
    assert found.shape == (2, 3, sum(n * n for n in levels))
    torch.testing.assert_close(found.sum(2), weights.sum(2))


def test_a_checkpoint_of_another_size_is_named(tmp_path: Path) -> None:
    init_cfg = save(torchvision_classifier(CHANNELS * 36), tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=r'classifier.0.weight has shape'):
        head(7, init_cfg).init_weights()


@pytest.mark.parametrize('shape', [(5, CHANNELS, 14), (5, CHANNELS, 7, 7)])
def test_another_extractor_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match=r'levels \(1, 2, 3, 6\).*the same'):
        head(7)(torch.zeros(shape))


def test_from_scratch_every_level_starts_at_random() -> None:
    ours = head(7)
    ours.init_weights()
    assert (ours.fc6.weight != 0).all()
    assert ours.fc6.weight.shape == (WIDTH, CHANNELS * 50)


def sppnet() -> Any:
    roi_head = MODELS.build(
        dict(
            type='StandardRoIHead',
            bbox_roi_extractor=dict(
                type='mmdet_ohem.SPPExtractor',
                out_channels=CHANNELS,
                featmap_stride=STRIDE,
            ),
            bbox_head=dict(
                type='mmdet_ohem.SPPBBoxHead',
                in_channels=CHANNELS,
                fc_out_channels=(WIDTH, WIDTH),
                num_classes=NUM_CLASSES,
            ),
            train_cfg=rcnn_train_cfg(OHEM),
        )
    )
    spread_weights(roi_head)
    return roi_head.train()


@pytest.mark.parametrize('chunk_size', [7, None])
def test_the_read_only_pass_scores_what_the_head_says(
    chunk_size: int | None,
) -> None:
    roi_head, feats = sppnet(), features()
    priors: Tensor = all_rois()[0].priors
    rois = torch.cat([torch.zeros(len(priors), 1), priors], 1)
    rois = torch.cat([rois, rois[:9] + 0.01])
    readonly = ReadOnlyBBoxHead(
        roi_head, chunk_size=chunk_size, dtype='float32'
    )
    assert len(distinct_rois(roi_head, rois)[0]) < len(rois)
    roi_head.eval()
    with torch.no_grad():
        found = readonly.predict(feats, rois)
        direct = roi_head._bbox_forward(feats, rois)
    expected = (direct['cls_score'], direct['bbox_pred'])
    torch.testing.assert_close(found, expected)


def test_rois_with_equal_cells_pool_the_same_at_every_level() -> None:
    extractor = SPPExtractor(out_channels=CHANNELS, featmap_stride=STRIDE)
    feats, rois = features(), torch.tensor([[0.0, 20, 30, 150, 99]])
    near = rois + torch.tensor([0.0, 1, 1, -1, -1])
    assert torch.equal(extractor.rounded(rois), extractor.rounded(near))
    assert torch.equal(extractor(feats, rois), extractor(feats, near))
