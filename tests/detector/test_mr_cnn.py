"""MR-CNN's RoI head: one region is Fast R-CNN, many are each its own."""

import copy
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem import ReadOnlyBBoxHead
from mmdet_ohem.detector import ForegroundNeck, MRCNNBBoxHead
from mmdet_ohem.detector.mr_cnn_roi_head import foreground_loss
from mmdet_ohem.detector.pooled_regions import PooledRegions
from mmdet_ohem.mining.distinct_rois import distinct_rois
from tests.detector.test_vgg_bbox_head import (
    WIDTH,
    save,
    torchvision_classifier,
)
from tests.tiny import (
    CHANNELS,
    IMG_SIZE,
    NUM_CLASSES,
    OHEM,
    STRIDE,
    all_rois,
    extractor,
    features,
    random_image,
    rcnn_train_cfg,
    spread_weights,
)

TWO = [(0, 1), (0.8, 1.5)]
SEMANTIC: dict[str, Any] = dict(semantic_region=(0, 1.5))


def bbox_head(kind: str, **keys: Any) -> dict:
    return dict(
        type=f'mmdet_ohem.{kind}',
        in_channels=CHANNELS,
        roi_feat_size=3,
        fc_out_channels=(24, 16),
        num_classes=NUM_CLASSES,
        **keys,
    )


def mr_cnn(
    regions: Any = TWO, sampler: dict | None = None, **keys: Any
) -> Any:
    roi_head = MODELS.build(
        dict(
            type='mmdet_ohem.MRCNNRoIHead',
            regions=regions,
            bbox_roi_extractor=dict(
                extractor(), type='mmdet_ohem.RegionExtractor'
            ),
            bbox_head=bbox_head('MRCNNBBoxHead'),
            train_cfg=rcnn_train_cfg(sampler or OHEM),
            **keys,
        )
    )
    spread_weights(roi_head)
    return roi_head.train()


def fast_rcnn() -> Any:
    roi_head = MODELS.build(
        dict(
            type='StandardRoIHead',
            bbox_roi_extractor=extractor(),
            bbox_head=bbox_head('VGGBBoxHead'),
            train_cfg=rcnn_train_cfg(OHEM),
        )
    )
    spread_weights(roi_head)
    return roi_head.train()


def batch(num: int = 2) -> tuple[list[InstanceData], list[DetDataSample]]:
    """Proposals and objects of some images."""
    proposals, samples = [], []
    for _ in range(num):
        gt, found = random_image()
        proposals.append(InstanceData(bboxes=found.priors))
        samples.append(
            DetDataSample(
                gt_instances=gt, metainfo=dict(img_shape=(IMG_SIZE, IMG_SIZE))
            )
        )
    return proposals, samples


def two_images() -> list[Tensor]:
    return [torch.cat([features()[0].relu(), features()[0].relu()])]


def test_one_region_is_fast_rcnn_bit_for_bit() -> None:
    ours, theirs = mr_cnn([(0, 1)], box_region=None), fast_rcnn()
    state = theirs.state_dict()
    for name in ('fc6', 'fc7'):
        for kind in ('weight', 'bias'):
            value = state.pop(f'bbox_head.{name}.{kind}')
            state[f'bbox_head.regions.0.{name}.{kind}'] = value
    ours.load_state_dict(state)
    feats, data = two_images(), batch()
    found: list[Any] = []
    for roi_head in (ours, theirs):
        leaf = feats[0].clone().requires_grad_()
        torch.manual_seed(1)  # of dropout
        losses = roi_head.loss((leaf,), *copy.deepcopy(data))
        (losses['loss_cls'] + losses['loss_bbox']).backward()
        record = roi_head.bbox_sampler.last_record
        grads = [x.grad for x in roi_head.parameters()]
        found.append((losses, leaf.grad, record.kept, grads))
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])
    assert torch.equal(found[0][2], found[1][2])
    by_size = sorted(range(8), key=lambda i: found[0][3][i].shape)
    by_size_theirs = sorted(range(8), key=lambda i: found[1][3][i].shape)
    for i, j in zip(by_size, by_size_theirs, strict=True):
        torch.testing.assert_close(
            found[0][3][i], found[1][3][j], atol=0, rtol=0
        )


@pytest.mark.parametrize('box_region', [(0, 1.3), None])
def test_regions_are_joined_for_scores_and_boxes_have_their_own(
    box_region: Any,
) -> None:
    roi_head = mr_cnn(box_region=box_region).eval()
    head = roi_head.bbox_head
    feats, rois = features(), bbox2roi([all_rois()[0].priors])
    found = roi_head._bbox_forward(feats, rois)
    pooled = roi_head.bbox_roi_extractor(feats, rois)

    def layers(branch: Any, x: Tensor) -> Tensor:
        return branch.fc7(branch.fc6(x.flatten(1)).relu()).relu()

    joined = torch.cat(
        [layers(head.regions[i], pooled.pool(i)) for i in range(2)], 1
    )
    for_boxes = joined
    if box_region is not None:
        for_boxes = layers(head.box_region, pooled.pool_box())
    assert torch.equal(found['cls_score'], head.fc_cls(joined))
    assert torch.equal(found['bbox_pred'], head.fc_reg(for_boxes))


def test_each_region_has_layers_of_its_own() -> None:
    head = mr_cnn().bbox_head
    names = [name for name, _ in head.named_parameters()]
    for branch in ('regions.0', 'regions.1', 'box_region'):
        # Named so that schedules find the biases of fc6 and fc7.
        assert {f'{branch}.fc6.bias', f'{branch}.fc7.weight'} < set(names)
    assert head.fc_cls.in_features == 32
    assert head.fc_reg.in_features == 16
    assert len(names) == 3 * 4 + 4


def test_every_region_starts_from_the_checkpoint(tmp_path: Path) -> None:
    classifier: Any = torchvision_classifier(CHANNELS * 9)
    head: Any = MRCNNBBoxHead(
        num_regions=3,
        semantic_region=True,
        in_channels=CHANNELS,
        roi_feat_size=3,
        fc_out_channels=(WIDTH, WIDTH),
        init_cfg=save(classifier, tmp_path / 'vgg16.pth'),
    )
    head.init_weights()
    for branch in (*head.regions, head.box_region):
        assert torch.equal(branch.fc6.weight, classifier[0].weight)
        assert torch.equal(branch.fc7.bias, classifier[3].bias)
    assert float(head.fc_cls.weight.std()) == pytest.approx(0.01, rel=0.1)
    assert float(head.fc_reg.weight.std()) == pytest.approx(0.001, rel=0.1)


@pytest.mark.parametrize('keys', [{}, SEMANTIC])
@pytest.mark.parametrize('chunk_size', [7, None])
def test_the_read_only_pass_scores_what_the_head_says(
    chunk_size: int | None, keys: dict
) -> None:
    roi_head = mr_cnn(**keys)
    feats = features() * roi_head.bbox_roi_extractor.num_inputs
    rois = bbox2roi([all_rois()[0].priors])
    rois = torch.cat([rois, rois[:9] + 0.01])
    readonly = ReadOnlyBBoxHead(
        roi_head, chunk_size=chunk_size, dtype='float32'
    )
    distinct, equals = distinct_rois(roi_head, rois)
    assert equals is not None
    assert len(distinct) < len(rois)
    roi_head.eval()
    with torch.no_grad():
        found = readonly.predict(feats, rois)
        direct = roi_head._bbox_forward(feats, rois)
    expected = (direct['cls_score'], direct['bbox_pred'])
    torch.testing.assert_close(found, expected)


def test_half_precision_scores_nearly_the_same() -> None:
    roi_head, feats = mr_cnn(), features()
    rois = bbox2roi([all_rois()[0].priors])
    found = []
    for dtype in ('float32', 'bfloat16'):
        readonly = ReadOnlyBBoxHead(roi_head.eval(), dtype=dtype)
        with torch.no_grad():
            found.append(readonly.predict(feats, rois))
    for full, half in zip(*found, strict=True):
        assert half.dtype == torch.float32
        assert not torch.equal(full, half)
        torch.testing.assert_close(half, full, atol=0.05, rtol=0.05)


def test_another_roi_head_takes_the_parts_with_their_own_keys() -> None:
    roi_head = MODELS.build(
        dict(
            type='mmdet_ohem.LossMaskingRoIHead',
            bbox_roi_extractor=dict(
                extractor(), type='mmdet_ohem.RegionExtractor', regions=TWO
            ),
            bbox_head=bbox_head('MRCNNBBoxHead', num_regions=2),
            train_cfg=rcnn_train_cfg(
                dict(type='mmdet_ohem.AllRoISampler', num=16)
            ),
        )
    )
    masked = roi_head.eval()
    mined = mr_cnn().eval()
    mined.load_state_dict(masked.state_dict())
    leaf, data = two_images()[0], batch()
    expected = mined.loss((leaf,), *copy.deepcopy(data))
    found = masked.loss((leaf,), *copy.deepcopy(data))
    for key in ('loss_cls', 'loss_bbox'):
        torch.testing.assert_close(found[key], expected[key])


def test_the_pass_holds_one_region_of_a_chunk_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roi_head = mr_cnn([(0, 1)] * 5)
    alive: list[Any] = []
    sizes: list[int] = []
    pool = type(roi_head.bbox_roi_extractor)._pool

    def watched(*args: Any) -> Tensor:
        held = [x() for x in alive if x() is not None]
        sizes.append(sum(x.numel() for x in held))
        pooled = pool(*args)
        alive.append(weakref.ref(pooled))
        return pooled

    monkeypatch.setattr(type(roi_head.bbox_roi_extractor), '_pool', watched)
    readonly = ReadOnlyBBoxHead(roi_head, chunk_size=16, dtype='float32')
    readonly(features(), all_rois()[0])
    assert len(sizes) > 6
    assert not any(sizes)


@pytest.mark.parametrize('part', ['bbox_roi_extractor', 'bbox_head'])
def test_a_key_that_is_given_twice_is_named(part: str) -> None:
    config: dict[str, Any] = dict(
        type='mmdet_ohem.MRCNNRoIHead',
        bbox_roi_extractor=dict(
            extractor(), type='mmdet_ohem.RegionExtractor'
        ),
        bbox_head=bbox_head('MRCNNBBoxHead'),
    )
    config[part]['box_region'] = None
    with pytest.raises(TypeError, match=r"'box_region'.*roi_head alone"):
        MODELS.build(config)


@pytest.mark.parametrize(
    'given',
    [torch.zeros(2, CHANNELS, 3, 3), PooledRegions([lambda: torch.zeros(0)])],
)
def test_another_extractor_is_named(given: Any) -> None:
    head = mr_cnn().bbox_head
    with pytest.raises(TypeError, match=r'\(2, True, False\), but its RoI'):
        head(given)


def test_no_region_is_refused() -> None:
    with pytest.raises(ValueError, match='at least 1, got 0'):
        MRCNNBBoxHead(num_regions=0)


def test_the_semantic_branch_is_trained_by_its_own_loss_alone() -> None:
    roi_head, neck = mr_cnn(**SEMANTIC), ForegroundNeck(CHANNELS)
    neck.init_weights()
    leaf = two_images()[0].requires_grad_()
    losses = roi_head.loss(neck((leaf,)), *batch())
    assert set(losses) == {'loss_cls', 'acc', 'loss_bbox', 'loss_foreground'}
    losses['loss_foreground'].backward(retain_graph=True)
    assert leaf.grad is None
    assert all(x.grad is not None for x in neck.parameters())
    trained = [n for n, x in roi_head.named_parameters() if x.grad is not None]
    assert trained == ['foreground.weight', 'foreground.bias']
    before = [x.grad.clone() for x in neck.parameters() if x.grad is not None]
    (losses['loss_cls'] + losses['loss_bbox']).backward()
    assert leaf.grad is not None
    for param, grad in zip(neck.parameters(), before, strict=True):
        assert param.grad is not None
        assert torch.equal(param.grad, grad)
    assert roi_head.bbox_head.semantic_region.fc6.weight.grad.any()


def test_without_a_semantic_branch_there_is_no_loss_of_it() -> None:
    losses = mr_cnn().loss(tuple(two_images()), *batch())
    assert set(losses) == {'loss_cls', 'acc', 'loss_bbox'}


def test_foreground_loss_by_hand() -> None:
    # 2 x 3 cells of 16 pixels, of an image of 32 x 40: the centre of the
    # third column is at 40, outside. The object has the first cell's centre.
    logits = torch.arange(6.0).view(1, 1, 2, 3).requires_grad_()
    boxes = torch.tensor([[8.0, 8, 9, 9]])
    loss = foreground_loss(logits, [boxes], [(32, 40)], STRIDE)
    terms = [math_log(0.0, 1), math_log(1.0, 0), math_log(3.0, 0),
             math_log(4.0, 0)]  # fmt: skip
    assert float(loss) == pytest.approx(sum(terms) / 4)
    loss.backward()
    assert logits.grad is not None
    assert not logits.grad[..., 2].any()


def math_log(logit: float, target: int) -> float:
    return float(F.softplus(torch.tensor(logit if not target else -logit)))


def test_foreground_without_objects_is_background() -> None:
    logits = torch.zeros(1, 1, 2, 2)
    none = torch.zeros(0, 4)
    loss = foreground_loss(logits, [none], [(32, 32)], STRIDE)
    assert float(loss) == pytest.approx(0.6931, abs=1e-4)


def test_a_neck_without_a_layer_is_refused() -> None:
    with pytest.raises(ValueError, match='num_convs must be at least 1'):
        ForegroundNeck(num_convs=0)
