"""VGG-M: sizes, names, freezing, loading; see test_published_networks."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mmdet_ohem.detector import VGGM
from mmdet_ohem.detector.vgg_m import _LocalResponseNorm

SHAPES = {
    'features.0': (96, 3, 7, 7),
    'features.4': (256, 96, 5, 5),
    'features.8': (512, 256, 3, 3),
    'features.10': (512, 512, 3, 3),
    'features.12': (512, 512, 3, 3),
}
NAMES = [f'{name}.{p}' for name in SHAPES for p in ('weight', 'bias')]


def on_meta(**kwargs: Any) -> VGGM:
    with torch.device('meta'):
        return VGGM(**kwargs)


@pytest.mark.parametrize(
    ('image', 'cells'),
    [((600, 800), (36, 49)), ((600, 1000), (36, 61)), ((32, 49), (1, 2))],
)
def test_sizes_are_those_of_caffe(
    image: tuple[int, int], cells: tuple[int, int]
) -> None:
    feats = on_meta()(torch.empty(2, 3, *image, device='meta'))
    assert [level.shape for level in feats] == [(2, 512, *cells)]


def test_parameters_have_the_published_shapes() -> None:
    vgg = on_meta()
    assert [name for name, _ in vgg.named_parameters()] == NAMES
    assert not list(vgg.buffers())
    for name, shape in SHAPES.items():
        assert vgg.get_parameter(f'{name}.weight').shape == shape
        assert vgg.get_parameter(f'{name}.bias').shape == shape[:1]


@pytest.mark.parametrize('frozen_stages', range(6))
def test_the_first_convolutions_are_frozen_from_construction_on(
    frozen_stages: int,
) -> None:
    vgg = on_meta(frozen_stages=frozen_stages)
    for _ in ('constructed', 'in training mode'):
        frozen = [n for n, p in vgg.named_parameters() if not p.requires_grad]
        assert frozen == NAMES[: 2 * frozen_stages]
        vgg.train()


def test_missing_weights_name_the_command_that_makes_them() -> None:
    path = 'no such folder/vgg_cnn_m_1024.pth'
    vgg = VGGM(init_cfg=dict(type='Pretrained', checkpoint=path))
    with pytest.raises(FileNotFoundError) as error:
        vgg.init_weights()
    command = 'mmdet-ohem weights VGG_CNN_M_1024.v2.caffemodel --net vgg_m'
    assert f"{command} --out '{path}' makes it; " in str(error.value)
    assert 'imagenet_models.tgz' in str(error.value)


def test_the_paper_freezes_conv1() -> None:
    trained = [n for n, p in on_meta().named_parameters() if p.requires_grad]
    assert trained[0] == 'features.4.weight'


@pytest.mark.parametrize('frozen_stages', [-1, 6])
def test_bad_frozen_stages_are_named(frozen_stages: int) -> None:
    message = f'frozen_stages must be 0 to 5, got {frozen_stages}'
    with pytest.raises(ValueError, match=message):
        on_meta(frozen_stages=frozen_stages)


def test_normalisation_is_that_of_torch(device: torch.device) -> None:
    x = (300 * torch.randn(2, 9, 4, 5, device=device)).relu_()
    expected = nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0)
    torch.testing.assert_close(_LocalResponseNorm()(x), expected(x))


def test_normalisation_passes_the_gradient() -> None:
    x = torch.randn(1, 7, 2, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 7, 2, 3)
    grads = [
        torch.autograd.grad((layer(30 * x.float()) * weights).sum(), x)[0]
        for layer in (
            _LocalResponseNorm(),
            nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0),
        )
    ]
    torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-4)


def test_half_precision_does_not_overflow() -> None:
    x = torch.full((1, 5, 1, 1), 2000.0, dtype=torch.float16)
    result = _LocalResponseNorm()(x)
    assert result.dtype == torch.float16
    # Three neighbours at the border, five in the middle.
    for c, near in ((0, 3), (2, 5)):
        expected = 2000 / (2 + 1e-4 * near * 2000**2) ** 0.75
        assert result[0, c].item() == pytest.approx(expected, rel=1e-3)


def test_every_pretrained_tensor_is_loaded(tmp_path: Path) -> None:
    state = {}
    for name, shape in SHAPES.items():
        state[f'{name}.weight'] = torch.randn(shape)
        state[f'{name}.bias'] = torch.randn(shape[0])
    torch.save(state, tmp_path / 'm.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'm.pth'))
    vgg = VGGM(init_cfg=init_cfg)
    vgg.init_weights()
    for name, value in vgg.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_weights_of_vgg16_are_refused(tmp_path: Path) -> None:
    state = {'features.0.weight': torch.ones(64, 3, 3, 3)}
    torch.save(state, tmp_path / 'vgg16.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'vgg16.pth'))
    with pytest.raises(ValueError, match='does not fit VGGM') as error:
        VGGM(init_cfg=init_cfg).init_weights()
    for name in NAMES:
        assert name in str(error.value)


def test_from_scratch_the_signal_reaches_conv5() -> None:
    vgg = VGGM(frozen_stages=0)
    vgg.init_weights()
    (feats,) = vgg(60 * torch.randn(1, 3, 96, 96))
    assert feats.std() > 0.1
    assert 0.2 < (feats > 0).float().mean() < 0.8
