"""Kept features are those of the network, and never those of another."""

from pathlib import Path

import pytest
import torch
from mmengine.model import Sequential
from safetensors.torch import save_file
from torch import Tensor, nn

from mmdet_ohem.features import FeatureCache, WeightsDigest


class Net(nn.Module):
    """One convolution of stride 4, in a tuple as mmdet has it."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, 4).requires_grad_(False)
        nn.init.normal_(self.conv.weight, std=scale)
        self.calls = 0

    def forward(self, img: Tensor) -> tuple[Tensor]:
        self.calls += 1
        return (self.conv(img),)


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net()


def test_features_are_the_networks_in_half_precision(
    net: Net, tmp_path: Path
) -> None:
    img = torch.randn(3, 24, 40)
    cache = FeatureCache(tmp_path, net)
    first = cache(img)
    assert first.dtype == torch.float32
    assert torch.equal(first, net(img[None])[0][0].half().float())
    net.calls = 0
    assert torch.equal(FeatureCache(tmp_path, net)(img), first)
    assert net.calls == 0
    (file,) = tmp_path.rglob('*.safetensors')
    size = file.stat().st_size
    assert 6 * 10 * 8 * 2 < size < 6 * 10 * 8 * 2 + 300


@pytest.mark.parametrize('change', ['pixel', 'flip', 'size', 'scale'])
def test_another_image_is_another_file(
    change: str, net: Net, tmp_path: Path
) -> None:
    img = torch.randn(3, 24, 40)
    cache = FeatureCache(tmp_path, net)
    cache(img)
    other = img.clone()
    if change == 'pixel':
        other[0, 0, 0] += 1e-3
    other = dict(
        pixel=other, flip=img.flip(-1), size=img[:, :20], scale=img * 2
    )[change]
    assert cache.path_of(other) != cache.path_of(img)
    expected = net(other[None])[0][0].half().float()
    assert torch.equal(cache(other), expected)
    assert (cache.num_computed, cache.num_found) == (2, 0)


def test_a_transposed_image_is_another_one(net: Net, tmp_path: Path) -> None:
    img = torch.randn(3, 24, 24)
    cache = FeatureCache(tmp_path, net)
    assert cache.path_of(img) != cache.path_of(img.transpose(1, 2))
    # The same pixels in another order of memory are the same image.
    last = img.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert cache.path_of(img) == cache.path_of(last)


def test_changed_weights_are_noticed_at_once(net: Net, tmp_path: Path) -> None:
    img = torch.randn(3, 24, 40)
    cache = FeatureCache(tmp_path, net)
    before, path = cache(img), cache.path_of(img)
    state = {k: x.clone() for k, x in net.state_dict().items()}
    net.conv.weight.mul_(2)
    assert torch.equal(cache(img), net(img[None])[0][0].half().float())
    net.load_state_dict(state)
    assert cache.path_of(img) == path
    assert torch.equal(cache(img), before)


def test_the_name_of_weights_is_of_layers_and_values_alone() -> None:
    conv = nn.Conv2d(3, 4, 3)
    plain, told = (
        Sequential(conv, nn.ReLU(), init_cfg=x)
        for x in (None, dict(type='Pretrained', checkpoint='a.pth'))
    )
    assert WeightsDigest(plain)() == WeightsDigest(told)()
    other = Sequential(conv, nn.MaxPool2d(2, ceil_mode=True))
    floor = Sequential(conv, nn.MaxPool2d(2))
    names = {WeightsDigest(x)() for x in (plain, other, floor)}
    assert len(names) == 3


@pytest.mark.parametrize('damage', ['cut', 'empty', 'bit', 'other'])
def test_a_damaged_file_is_made_again(
    damage: str,
    net: Net,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    img = torch.randn(3, 24, 40)
    cache = FeatureCache(tmp_path, net)
    before, path = cache(img), cache.path_of(img)
    whole = path.read_bytes()
    if damage == 'other':
        save_file({'other': torch.zeros(2)}, path)
    else:
        path.write_bytes(
            dict(
                cut=whole[:-9],
                empty=b'',
                bit=whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:],
            )[damage]
        )
    assert torch.equal(cache(img), before)
    assert path.read_bytes() == whole
    assert cache.num_computed == 2


def test_what_half_precision_cannot_hold_stays_float32(
    tmp_path: Path,
) -> None:
    net, img = Net(scale=1e5), torch.randn(3, 8, 8)
    found = FeatureCache(tmp_path, net)(img)
    assert torch.equal(found, net(img[None])[0][0])
    assert found.abs().max() > 65504
