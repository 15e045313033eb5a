"""Files in, files out, and the command line; with a tiny network."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mmdet_ohem.detector import VGGBBoxHead
from mmdet_ohem.weights import NETS, convert_file
from mmdet_ohem.weights.networks import Network
from tests.detector.test_published_networks import model_config
from tests.weights.caffe_writer import caffemodel

pytest.importorskip('google.protobuf')

TOOL = Path(__file__).parents[2] / 'tools' / 'convert_weights.py'
TINY = Network({'conv1': (0, 3, 4, 3)}, pooled=2, fc_out_channels=(6, 5))
SHAPES = {
    'conv1': (4, 3, 3, 3),
    'fc6': (6, 16),
    'fc7': (5, 6),
    'cls_score': (21, 5),
    'bbox_pred': (84, 5),
}


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """As either network."""
    for net in ('vgg16', 'vgg_m'):
        monkeypatch.setitem(NETS, net, TINY)


@pytest.fixture
def layers() -> dict[str, list[np.ndarray]]:
    """A detector of 20 classes."""
    rng = np.random.default_rng(0)
    return {
        name: [
            rng.standard_normal(shape, np.float32),
            rng.standard_normal(shape[:1], np.float32),
        ]
        for name, shape in SHAPES.items()
    }


@pytest.fixture
def source(layers: dict[str, list[np.ndarray]], tmp_path: Path) -> Path:
    """A .caffemodel of it, in a folder with a space in its name."""
    path = tmp_path / 'caffe models' / 'net.caffemodel'
    path.parent.mkdir()
    path.write_bytes(caffemodel(layers))
    return path


@pytest.fixture
def run_tool(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    spec = importlib.util.spec_from_file_location('convert_weights', TOOL)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(*arguments: object) -> int:
        command = ['convert_weights.py', *map(str, arguments)]
        monkeypatch.setattr(sys, 'argv', command)
        return tool.main()

    return run


def test_a_backbone_file_is_an_init_cfg(
    source: Path, layers: dict, tmp_path: Path
) -> None:
    out = tmp_path / 'new folder' / 'm.pth'
    result, meta = convert_file(str(source), out, 'vgg_m')
    assert result.left_out == ['cls_score', 'bbox_pred']
    assert [path.name for path in out.parent.iterdir()] == ['m.pth']
    head = VGGBBoxHead(
        in_channels=4,
        roi_feat_size=2,
        fc_out_channels=(6, 5),
        init_cfg=dict(type='Pretrained', checkpoint=str(out)),
    )
    head.init_weights()
    for layer, name in ((head.fc6, 'fc6'), (head.fc7, 'fc7')):
        assert np.array_equal(layer.weight.detach(), layers[name][0])
        assert np.array_equal(layer.bias.detach(), layers[name][1])
    # As the base configs have it.
    for config in ('vgg_m', 'vgg16_caffe'):
        given = model_config(config).data_preprocessor
        assert meta['input']['mean'] == given.mean
        assert meta['input']['std'] == given.std
        rgb = meta['input']['channel_order'] == 'RGB'
        assert rgb == given.bgr_to_rgb


def test_a_detector_file_is_a_checkpoint(source: Path, tmp_path: Path) -> None:
    out = tmp_path / 'detector.pth'
    convert_file(str(source), out, 'vgg16', 'detector')
    # As mim does, with torch's protection on.
    saved = torch.load(out, weights_only=True)
    assert list(saved['state_dict']) == [
        f'{name}.{part}'
        for name in (
            'backbone.features.0',
            'roi_head.bbox_head.fc6',
            'roi_head.bbox_head.fc7',
            'roi_head.bbox_head.fc_cls',
            'roi_head.bbox_head.fc_reg',
        )
        for part in ('weight', 'bias')
    ]
    classes = saved['meta']['dataset_meta']['classes']
    assert (len(classes), classes[0]) == (20, 'aeroplane')


def test_a_torchvision_checkpoint_keeps_its_input(
    layers: dict, tmp_path: Path
) -> None:
    state = {}
    names = ('features.0', 'classifier.0', 'classifier.3', 'classifier.6')
    for name, blobs in zip(names, layers.values(), strict=False):
        for part, blob in zip(('weight', 'bias'), blobs, strict=True):
            state[f'{name}.{part}'] = torch.from_numpy(blob)
    source, out = tmp_path / 'vgg16-397923af.pth', tmp_path / 'out.pth'
    torch.save(state, source)
    result, meta = convert_file(str(source), out, 'vgg16')
    assert result.left_out == ['classifier.6']
    given = model_config('vgg16').data_preprocessor
    assert meta['input']['mean'] == given.mean
    assert meta['input']['std'] == given.std
    assert (meta['input']['channel_order'] == 'RGB') == given.bgr_to_rgb
    saved = torch.load(out)['state_dict']
    assert len(saved) == 6
    assert all(torch.equal(saved[name], state[name]) for name in saved)


@pytest.mark.parametrize(
    ('net', 'kind'), [('vgg_m', 'backbone'), ('vgg16', 'detector')]
)
def test_torchvision_has_no_other_networks(
    net: str, kind: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f'has no {net} {kind}. Remedy'):
        convert_file('vgg16.pth', tmp_path / 'out.pth', net, kind)


def test_the_tool_says_what_went_where(
    source: Path,
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture,
) -> None:
    out = tmp_path / 'out.pth'
    assert run_tool(source, '--net', 'vgg_m', '--out', out) == 0
    printed = capsys.readouterr().out
    for text in (
        'conv1.weight',
        '4 x 3 x 3 x 3',
        'features.0.weight',
        'classifier.3.bias',
        'left out, 2 layers: cls_score, bbox_pred',
        'images: BGR, mean [102.9801, 115.9465, 122.7717], std [1.0, 1.0, ',
        '6 parameters',
    ):
        assert text in printed
    assert out.exists()
    arguments = ['--net', 'vgg_m', '--kind', 'detector', '--out', out]
    assert run_tool(source, *arguments) == 0
    printed = capsys.readouterr().out
    for text in (
        'roi_head.bbox_head.fc_reg.weight',
        'background last',
        'background dropped, / 0.1 0.1 0.2 0.2',
        '10 parameters',
    ):
        assert text in printed


def test_the_tool_takes_other_widths(
    layers: dict, tmp_path: Path, run_tool: Callable[..., int]
) -> None:
    layers['fc7'] = [layers['fc7'][0][:3], layers['fc7'][1][:3]]
    path, out = tmp_path / 'net.caffemodel', tmp_path / 'out.pth'
    path.write_bytes(caffemodel(layers, old=True))
    arguments = [path, '--net', 'vgg16', '--out', out]
    assert run_tool(*arguments) == 2
    assert run_tool(*arguments, '--fc-out-channels', 6, 3) == 0
    assert len(torch.load(out)['state_dict']['classifier.3.bias']) == 3


@pytest.mark.parametrize(
    ('source', 'content', 'message'),
    [
        ('none.caffemodel', None, 'none.caffemodel'),
        ('none.pth', None, 'cannot be read'),
        ('page.caffemodel', b'<html></html>', 'is not a .caffemodel'),
        ('page.pth', b'<html></html>', 'is not a checkpoint of torch'),
        ('empty.pth', b'', 'is not a checkpoint of torch'),
    ],
)
def test_a_users_error_is_one_line_and_writes_nothing(
    source: str,
    content: bytes | None,
    message: str,
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture,
) -> None:
    if content is not None:
        (tmp_path / source).write_bytes(content)
    out = tmp_path / 'out.pth'
    path = tmp_path / source
    assert run_tool(path, '--net', 'vgg16', '--out', out) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1
    assert message in error
    assert not out.exists()


def test_a_file_that_does_not_fit_writes_nothing(
    layers: dict, tmp_path: Path
) -> None:
    del layers['conv1']
    path = tmp_path / 'net.caffemodel'
    path.write_bytes(caffemodel(layers))
    with pytest.raises(ValueError, match=r'net\.caffemodel: not the layers'):
        convert_file(str(path), tmp_path / 'out' / 'out.pth', 'vgg16')
    assert list(tmp_path.iterdir()) == [path]
