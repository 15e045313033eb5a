"""fc6, fc7 and the outputs against torchvision's classifier."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from mmdet_ohem.detector import VGGBBoxHead, vgg_bbox_head
from mmdet_ohem.detector.vgg_bbox_head import WideLinear
from tests.tiny import CHANNELS, NUM_CLASSES, all_rois, rcnn_train_cfg

WIDTH = 32


def small_head(**kwargs: Any) -> VGGBBoxHead:
    """For pooled maps of shape (R, CHANNELS, 3, 3)."""
    head: dict[str, Any] = dict(
        in_channels=CHANNELS,
        roi_feat_size=3,
        fc_out_channels=(24, 16),
        num_classes=NUM_CLASSES,
    )
    return VGGBBoxHead(**(head | kwargs))


def pooled(num: int = 6) -> Tensor:
    return torch.randn(num, CHANNELS, 3, 3).relu()


def torchvision_classifier(num_inputs: int) -> nn.Sequential:
    """As in torchvision's VGG16, but narrow."""
    return nn.Sequential(
        nn.Linear(num_inputs, WIDTH),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(WIDTH, 1000),
    )


def save(classifier: nn.Sequential, path: Path) -> dict:
    """Write a torchvision checkpoint, and give the init_cfg that loads it."""
    state = {f'classifier.{k}': v for k, v in classifier.state_dict().items()}
    torch.save({'features.0.weight': torch.ones(1), **state}, path)
    return dict(type='Pretrained', checkpoint=str(path))


def test_loaded_fc6_and_fc7_are_torchvisions_classifier(
    tmp_path: Path,
) -> None:
    classifier = torchvision_classifier(512 * 7 * 7).eval()
    head = VGGBBoxHead(
        fc_out_channels=(WIDTH, WIDTH),
        init_cfg=save(classifier, tmp_path / 'vgg16.pth'),
    )
    head.init_weights()
    x = torch.randn(4, 512, 7, 7).relu()
    cls_score, bbox_pred = head.eval()(x)
    # torchvision pools to 7 x 7, here the identity, and flattens.
    hidden = classifier[:6](x.flatten(1))
    torch.testing.assert_close(cls_score, head.fc_cls(hidden))
    torch.testing.assert_close(bbox_pred, head.fc_reg(hidden))


def test_pooled_maps_are_flattened_by_channel_row_column() -> None:
    head = small_head().eval()
    x = pooled()
    weight = head.fc6.weight.view(24, CHANNELS, 3, 3)
    fc6 = torch.einsum('rcyx,ocyx->ro', x, weight) + head.fc6.bias
    expected = head.fc_cls(head.fc7(fc6.relu()).relu())
    torch.testing.assert_close(head(x)[0], expected)


@pytest.mark.parametrize('training', [False, True])
def test_dropout_acts_in_training_only(training: bool) -> None:
    head, x = small_head().train(training), pooled()
    assert torch.equal(head(x)[0], head(x)[0]) != training


def test_all_dropped_leaves_the_biases() -> None:
    head = small_head(dropout=1.0)
    nn.init.normal_(head.fc_cls.bias)
    cls_score, _ = head(pooled())
    assert torch.equal(cls_score, head.fc_cls.bias.expand(6, -1))


def test_dropout_follows_each_of_the_two_layers() -> None:
    head, dropped = small_head(), []
    head.dropout.register_forward_hook(
        lambda module, args, output: dropped.append(output.shape[1])
    )
    head(pooled())
    assert dropped == [24, 16]


@pytest.mark.parametrize('loaded', [False, True])
@pytest.mark.parametrize(('name', 'std'), [('fc_cls', 0.01), ('fc_reg', 1e-3)])
def test_output_layers_start_from_a_normal_distribution(
    name: str, std: float, loaded: bool, tmp_path: Path
) -> None:
    classifier = torchvision_classifier(CHANNELS * 9)
    init_cfg = save(classifier, tmp_path / 'vgg16.pth') if loaded else None
    head = small_head(
        fc_out_channels=(WIDTH, WIDTH), num_classes=200, init_cfg=init_cfg
    )
    head.init_weights()
    layer = getattr(head, name)
    assert layer.weight.std().item() == pytest.approx(std, rel=0.1)
    assert abs(layer.weight.mean().item()) < 0.05 * std
    assert not layer.bias.any()


def test_from_scratch_the_signal_passes_both_layers() -> None:
    head = small_head(fc_out_channels=(256, 256))
    head.init_weights()
    x = pooled(64)
    hidden = head.fc7(head.fc6(x.flatten(1)).relu()).relu()
    ratio = hidden.square().mean() / x.square().mean()
    assert 0.3 < ratio < 3


@pytest.mark.parametrize('num_rois', [0, 1, 6])
@pytest.mark.parametrize(
    ('agnostic', 'num_deltas'), [(False, 4 * NUM_CLASSES), (True, 4)]
)
def test_output_shapes(num_rois: int, agnostic: bool, num_deltas: int) -> None:
    head = small_head(reg_class_agnostic=agnostic)
    cls_score, bbox_pred = head(pooled(num_rois))
    assert cls_score.shape == (num_rois, NUM_CLASSES + 1)
    assert bbox_pred.shape == (num_rois, num_deltas)


def test_fc6_and_fc7_of_vgg_m_differ_in_width() -> None:
    with torch.device('meta'):
        head = VGGBBoxHead(
            fc_out_channels=(4096, 1024), roi_feat_size=6, num_classes=20
        )
    assert head.fc6.weight.shape == (4096, 18432)
    assert head.fc7.weight.shape == (1024, 4096)
    assert head.fc_cls.weight.shape == (21, 1024)
    assert head.fc_reg.weight.shape == (80, 1024)


def test_misshapen_layers_are_named(tmp_path: Path) -> None:
    classifier = torchvision_classifier(CHANNELS * 9)
    head = small_head(
        fc_out_channels=(WIDTH, 16),
        init_cfg=save(classifier, tmp_path / 'vgg16.pth'),
    )
    before = head.fc6.weight.clone()
    with pytest.raises(ValueError, match='does not fit VGGBBoxHead') as error:
        head.init_weights()
    message = str(error.value)
    assert 'classifier.3.weight has shape (32, 32), not (16, 32)' in message
    assert 'classifier.3.bias has shape (32,), not (16,)' in message
    assert 'classifier.0.weight has' not in message
    assert torch.equal(head.fc6.weight, before)


def test_missing_layers_are_named(tmp_path: Path) -> None:
    path = tmp_path / 'features_only.pth'
    torch.save({'features.0.weight': torch.ones(1)}, path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    with pytest.raises(ValueError, match=r'It holds 1 entry') as error:
        small_head(init_cfg=init_cfg).init_weights()
    for name in ('0.weight', '0.bias', '3.weight', '3.bias'):
        assert f'classifier.{name} is missing' in str(error.value)


def test_weights_under_the_key_state_dict_are_found(tmp_path: Path) -> None:
    classifier = torchvision_classifier(CHANNELS * 9)
    init_cfg = save(classifier, tmp_path / 'vgg16.pth')
    path = init_cfg['checkpoint']
    torch.save({'state_dict': torch.load(path)}, path)
    head = small_head(fc_out_channels=(WIDTH, WIDTH), init_cfg=init_cfg)
    head.init_weights()
    expected = classifier.state_dict()
    assert torch.equal(head.fc6.weight, expected['0.weight'])
    assert torch.equal(head.fc7.bias, expected['3.bias'])


def test_another_init_cfg_is_refused() -> None:
    head = small_head(init_cfg=dict(type='Xavier', layer='Linear'))
    with pytest.raises(ValueError, match=r'init_cfg must be .*Xavier'):
        head.init_weights()


def test_the_loss_is_that_of_mmdet_and_reaches_every_layer() -> None:
    sampled, _ = all_rois()
    head = small_head()
    rois = bbox2roi([sampled.priors])
    losses = head.loss_and_target(
        *head(pooled(len(rois))), rois, [sampled], rcnn_train_cfg({})
    )['loss_bbox']
    assert {'loss_cls', 'loss_bbox'} <= set(losses)
    (losses['loss_cls'] + losses['loss_bbox']).backward()
    for name, param in head.named_parameters():
        assert param.grad is not None, name
        assert param.grad.isfinite().all(), name
        assert param.grad.any(), name


@pytest.mark.parametrize('num', [0, 5])
@pytest.mark.parametrize('grad', [False, True])
@pytest.mark.parametrize('enabled', [False, True])
def test_fc6_is_a_linear_layer_in_every_precision(
    num: int, grad: bool, enabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vgg_bbox_head, '_OUTPUTS_AT_ONCE', 10)
    layer, x = small_head().fc6, torch.randn(num, CHANNELS * 9)
    twin = nn.Linear(layer.in_features, layer.out_features)
    twin.load_state_dict(layer.state_dict())
    with (
        torch.set_grad_enabled(grad),
        torch.autocast('cpu', torch.bfloat16, enabled),
    ):
        found, expected = layer(x), twin(x)
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)
    assert found.requires_grad == grad
    if grad:
        grads = [
            torch.autograd.grad(y.float().sum(), z.weight)[0]
            for y, z in ((found, layer), (expected, twin))
        ]
        assert torch.equal(*grads)


@pytest.mark.parametrize('scale', [1.0, 0.03])
def test_scaled_inputs_are_scaled_also_where_gradients_flow(
    scale: float,
) -> None:
    torch.manual_seed(0)
    layer = WideLinear(40, 6, input_scale=scale).double()
    x = torch.randn(5, 40, dtype=torch.float64, requires_grad=True)
    expected = F.linear(scale * x, layer.weight, layer.bias)
    leaves = [x, layer.weight, layer.bias]
    given = torch.randn_like(expected)
    theirs = torch.autograd.grad(expected, leaves, given)
    found = layer(x)
    torch.testing.assert_close(found, expected)
    ours = torch.autograd.grad(found, leaves, given)
    torch.testing.assert_close(ours, theirs)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), expected)
    with torch.autocast('cpu', torch.bfloat16):
        assert layer.float()(x.float()).dtype == torch.bfloat16


@pytest.mark.parametrize('scale', [0.0, -1.0, math.inf, math.nan])
def test_a_feature_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=r'feature_scale is .* above 0'):
        VGGBBoxHead(in_channels=4, fc_out_channels=(8, 8), feature_scale=scale)
