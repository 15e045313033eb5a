"""VGG16: the published layers, their names, freezing and loading."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmdet_ohem.detector import VGG16, VGGM

# torchvision's index of each convolution, its input and output channels.
CONVS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    17: (256, 512),
    19: (512, 512),
    21: (512, 512),
    24: (512, 512),
    26: (512, 512),
    28: (512, 512),
}
POOLS_BEFORE = (5, 10, 17, 24)
NAMES = [f'features.{i}.{p}' for i in CONVS for p in ('weight', 'bias')]


def on_meta(**kwargs: Any) -> VGG16:
    """A network without storage: its 59 MB take time to fill."""
    with torch.device('meta'):
        return VGG16(**kwargs)


@pytest.fixture(scope='module')
def weights() -> dict[str, Tensor]:
    """Convolutions and, narrow, the classifier, named as in torchvision."""
    generator = torch.Generator().manual_seed(1)
    state = {}
    for i, (inputs, outputs) in CONVS.items():
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator)
        state[f'features.{i}.weight'] = weight * (2 / 9 / inputs) ** 0.5
        state[f'features.{i}.bias'] = torch.randn(outputs, generator=generator)
    for i in (0, 3, 6):
        state[f'classifier.{i}.weight'] = torch.ones(2, 2)
        state[f'classifier.{i}.bias'] = torch.ones(2)
    return state


@pytest.fixture(scope='module')
def checkpoint(
    weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = tmp_path_factory.mktemp('vgg16') / 'vgg16.pth'
    torch.save(weights, path)
    return str(path)


@pytest.fixture(scope='module')
def pretrained(checkpoint: str) -> VGG16:
    vgg = VGG16(init_cfg=dict(type='Pretrained', checkpoint=checkpoint))
    vgg.init_weights()
    return vgg


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the backbone logs."""
    logged: list[str] = []
    monkeypatch.setattr(
        'mmdet_ohem.detector.vgg_backbone.print_log',
        lambda text, **kwargs: logged.append(text),
    )
    return logged


@pytest.mark.parametrize(
    ('image', 'cells'),
    [
        ((600, 800), (38, 50)),  # rounding down gives 37 rows
        ((600, 1000), (38, 63)),
        ((24, 40), (2, 3)),
        ((16, 32), (1, 2)),
        ((1, 17), (1, 2)),
    ],
)
def test_sizes_are_rounded_up(
    image: tuple[int, int], cells: tuple[int, int]
) -> None:
    feats = on_meta()(torch.empty(2, 3, *image, device='meta'))
    assert isinstance(feats, tuple)
    assert [level.shape for level in feats] == [(2, 512, *cells)]


def test_parameters_are_named_as_in_torchvision(
    weights: dict[str, Tensor],
) -> None:
    shapes = {k: v.shape for k, v in on_meta().state_dict().items()}
    assert list(shapes) == NAMES
    assert len(shapes) == 26
    assert shapes == {name: weights[name].shape for name in NAMES}


@pytest.mark.parametrize(
    ('frozen_stages', 'num_convs'),
    [(0, 0), (1, 2), (2, 4), (3, 7), (4, 10), (5, 13)],
)
def test_the_first_stages_are_frozen_from_construction_on(
    frozen_stages: int, num_convs: int
) -> None:
    vgg = on_meta(frozen_stages=frozen_stages)
    for _ in ('constructed', 'in training mode'):
        frozen = [n for n, p in vgg.named_parameters() if not p.requires_grad]
        assert frozen == NAMES[: 2 * num_convs]
        vgg.train()


@pytest.mark.parametrize('net', [VGG16, VGGM])
def test_a_narrow_network_has_a_share_of_each_layers_channels(
    net: type[VGG16] | type[VGGM],
) -> None:
    with torch.device('meta'):
        full, narrow = net().features, net(widen_factor=0.25).features
    assert [type(x) for x in full] == [type(x) for x in narrow]
    for wide, layer in zip(full, narrow, strict=True):
        if isinstance(layer, nn.Conv2d):
            assert isinstance(wide, nn.Conv2d)
            assert layer.out_channels == wide.out_channels // 4
            assert layer.in_channels in (3, wide.in_channels // 4)
            assert (layer.stride, layer.padding) == (wide.stride, wide.padding)
    feats = nn.Sequential(*narrow)(torch.empty(1, 3, 64, 64, device='meta'))
    assert feats.shape[1] == 128


def test_a_network_without_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=r'widen_factor is 0\.01.*give at'):
        on_meta(widen_factor=0.01)


def test_the_paper_freezes_conv1_and_conv2() -> None:
    trained = [n for n, p in on_meta().named_parameters() if p.requires_grad]
    assert trained[0] == 'features.10.weight'


@pytest.mark.parametrize('frozen_stages', [-1, 6])
def test_bad_frozen_stages_are_named(frozen_stages: int) -> None:
    message = f'frozen_stages must be 0 to 5, got {frozen_stages}'
    with pytest.raises(ValueError, match=message):
        on_meta(frozen_stages=frozen_stages)


def test_forward_is_the_published_list_of_layers(
    pretrained: VGG16, weights: dict[str, Tensor]
) -> None:
    img = torch.randn(2, 3, 24, 40)
    x = img
    for i in CONVS:
        if i in POOLS_BEFORE:
            x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = F.conv2d(
            x,
            weights[f'features.{i}.weight'],
            weights[f'features.{i}.bias'],
            padding=1,
        ).relu()
    (feats,) = pretrained(img)
    assert feats.std() > 0.1
    torch.testing.assert_close(feats, x, rtol=1e-4, atol=1e-4)


def test_the_image_is_not_changed(pretrained: VGG16) -> None:
    img = torch.randn(1, 3, 16, 16)
    before = img.clone()
    pretrained(img)
    assert torch.equal(img, before)


def test_every_pretrained_tensor_is_loaded(
    pretrained: VGG16, weights: dict[str, Tensor]
) -> None:
    for name, value in pretrained.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_loading_leaves_what_is_frozen_frozen(pretrained: VGG16) -> None:
    flags = [p.requires_grad for p in pretrained.parameters()]
    assert flags == [False] * 8 + [True] * 18


@pytest.fixture
def misfit(tmp_path: Path) -> VGG16:
    """With a checkpoint of one good and one misshapen tensor."""
    state = {
        'features.0.weight': torch.ones(64, 3, 3, 3),
        'features.0.bias': torch.ones(32),
    }
    path = tmp_path / 'misfit.pth'
    torch.save(state, path)
    return VGG16(init_cfg=dict(type='Pretrained', checkpoint=str(path)))


def test_each_tensor_that_does_not_fit_is_named(misfit: VGG16) -> None:
    with pytest.raises(ValueError, match=r'misfit\.pth .* VGG16') as error:
        misfit.init_weights()
    message = str(error.value)
    assert 'features.0.bias has shape (32,), not (64,)' in message
    assert 'features.2.weight is missing, (64, 64, 3, 3) expected' in message
    assert [n for n in NAMES if f'{n} is missing' in message] == NAMES[2:]


def test_a_checkpoint_is_loaded_whole_or_not_at_all(misfit: VGG16) -> None:
    before = {k: v.clone() for k, v in misfit.state_dict().items()}
    with pytest.raises(ValueError, match='does not fit'):
        misfit.init_weights()
    for name, value in misfit.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_another_init_cfg_is_refused() -> None:
    vgg = on_meta(init_cfg=dict(type='Kaiming', layer='Conv2d'))
    with pytest.raises(ValueError, match=r'init_cfg must be .*Kaiming'):
        vgg.init_weights()


def test_from_scratch_the_signal_reaches_conv5_3() -> None:
    vgg = VGG16(frozen_stages=0)
    vgg.init_weights()
    (feats,) = vgg(torch.randn(1, 3, 48, 48))
    # He initialisation keeps the second moment, about 1 in the image.
    assert 0.1 < feats.square().mean() < 10
    assert 0.2 < (feats > 0).float().mean() < 0.8
    assert not any(vgg.get_parameter(name).any() for name in NAMES[1::2])


@pytest.mark.parametrize('frozen_stages', [0, 1, 5])
def test_random_values_that_stay_frozen_are_warned_about(
    frozen_stages: int, warnings: list[str]
) -> None:
    on_meta(frozen_stages=frozen_stages).init_weights()
    assert len(warnings) == (frozen_stages > 0)
    assert all('frozen at random' in text for text in warnings)


def test_pretrained_values_are_not_warned_about(
    checkpoint: str, warnings: list[str]
) -> None:
    init_cfg = dict(type='Pretrained', checkpoint=checkpoint)
    VGG16(init_cfg=init_cfg).init_weights()
    assert not warnings


def test_a_missing_checkpoint_is_named_with_the_remedy(tmp_path: Path) -> None:
    missing = str(tmp_path / 'none.pth')
    backbone = VGG16(init_cfg=dict(type='Pretrained', checkpoint=missing))
    with pytest.raises(FileNotFoundError, match=r'none\.pth, .* Remedy: put'):
        backbone.init_weights()
