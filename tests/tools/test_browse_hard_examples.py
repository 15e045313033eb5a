"""Sheets of hard examples, as a user makes them."""

import re
import sys
from pathlib import Path
from typing import Any

import mmcv
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.hub import get_config

from mmdet_ohem.watch.hard_example_browser import HardExampleBrowser
from mmdet_ohem.watch.selection_rules import HEURISTIC, PAPER, STOCK
from tests.figure3.runs import small_config, write_images, write_run
from tools import browse_hard_examples


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two checkpoints, on three images."""
    root = tmp_path_factory.mktemp('a run')
    config = small_config(
        write_images(root / 'data'), 'fast_rcnn_vgg16_ohem_voc07'
    )
    return write_run(root / 'run', config, (2, 4))


@pytest.fixture
def call(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tool in this process; returns its exit status."""

    def call(*args: str, checkpoints: tuple[str, ...] = ('2', '4')) -> int:
        (config,) = run.glob('*.py')
        command = ['x', str(config), '--checkpoints']
        command += [str(run / f'iter_{name}.pth') for name in checkpoints]
        command += [*args, '--device', 'cpu', '--out', str(tmp_path / 'out')]
        monkeypatch.setattr(sys, 'argv', command)
        return browse_hard_examples.main()

    return call


def test_a_sheet_an_image(call: Any, tmp_path: Path) -> None:
    # With or without folder and ending.
    images = ('image2', 'JPEGImages/image0.jpg')
    args = ('--draw-suppressed', '--min-side', '160')
    assert call('--images', *images, *args) == 0
    sheets = sorted((tmp_path / 'out').iterdir())
    assert [path.name for path in sheets] == ['image0.png', 'image2.png']
    # Three rows and two columns of 160 x 200 pixels and more.
    height, width = mmcv.imread(sheets[0]).shape[:2]
    assert height > 3 * 160
    assert width > 2 * 200


def test_images_are_chosen_evenly(call: Any, tmp_path: Path) -> None:
    assert call('--num', '2', '--min-side', '60', checkpoints=('2',)) == 0
    sheets = sorted((tmp_path / 'out').iterdir())
    assert [path.name for path in sheets] == ['image0.png', 'image2.png']


@pytest.mark.parametrize(
    ('args', 'checkpoints', 'message'),
    [
        ((), ('2', '3'), r'1 of 2 checkpoints are missing: .*iter_3\.pth'),
        (('--images', 'image7'), ('2',), 'not among the 3 .*image7.*image0'),
        (('--num', '0'), ('2',), 'num must be at least 1 image, got 0'),
        (('--max-boxes', '0'), ('2',), 'max_boxes must be at least 1, got 0'),
        (
            ('--cfg-options', 'model.roi_head.bbox_head.num_classes=7'),
            ('2',),
            'iter_2.pth is not of this config: .*fc_cls',
        ),
    ],
)
def test_errors_say_what_is_wrong(
    call: Any,
    capsys: pytest.CaptureFixture,
    args: tuple,
    checkpoints: tuple,
    message: str,
) -> None:
    assert call(*args, checkpoints=checkpoints) == 2
    error = ' '.join(capsys.readouterr().err.split())
    assert error.startswith('error: ')
    assert re.search(message, error), error


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        (dict(type='RetinaNet'), 'RetinaNet has no roi_head.*two-stage'),
        (
            dict(
                type='FastRCNN',
                backbone=dict(type='ResNet', depth=18),
                roi_head=dict(type='StandardRoIHead'),
                train_cfg=None,
                test_cfg=dict(rcnn=None),
            ),
            r'roi_head has no sampler.*train_cfg\.rcnn',
        ),
    ],
)
def test_other_detectors_are_errors(
    run: Path, model: dict, message: str
) -> None:
    config = Config(dict(model=model))
    with pytest.raises(TypeError, match=message):
        HardExampleBrowser(config, [run / 'iter_2.pth'])


def test_checkpoints_of_two_runs_are_told_apart(
    run: Path, tmp_path: Path
) -> None:
    (config,) = run.glob('*.py')
    other = tmp_path / 'other' / 'iter_2.pth'
    other.parent.mkdir()
    other.write_bytes((run / 'iter_2.pth').read_bytes())
    browser = HardExampleBrowser(
        Config.fromfile(config), [run / 'iter_2.pth', other]
    )
    assert list(browser.checkpoints) == ['run/iter_2', 'other/iter_2']


def small_detector(name: str) -> Any:
    """The model of a config of mmdet, narrow, with few RoIs."""
    model = get_config(f'mmdet::{name}').model
    model.backbone.update(depth=18, init_cfg=None)
    model.neck.update(in_channels=[64, 128, 256, 512], out_channels=8)
    model.rpn_head.update(in_channels=8, feat_channels=8)
    model.train_cfg.rpn_proposal.max_per_img = 100
    roi_head = model.roi_head
    for extractor in ('bbox_roi_extractor', 'mask_roi_extractor'):
        if extractor in roi_head:
            roi_head[extractor].out_channels = 8
    if 'mask_head' in roi_head:
        roi_head.mask_head.update(in_channels=8, conv_out_channels=8)
    is_cascade = isinstance(roi_head.bbox_head, list)
    for head in roi_head.bbox_head if is_cascade else [roi_head.bbox_head]:
        head.update(in_channels=8, fc_out_channels=16)
    stages = model.train_cfg.rcnn
    for stage in stages if is_cascade else [stages]:
        stage.sampler.num = 16
    return model


@pytest.mark.parametrize(
    'name',
    [
        'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
        'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
    ],
)
def test_detectors_with_an_rpn(run: Path, tmp_path: Path, name: str) -> None:
    config = Config.fromfile(next(run.glob('*.py')))
    config.model = small_detector(name)
    torch.manual_seed(0)
    path = tmp_path / 'iter_1.pth'
    model = MODELS.build(config.copy().model)
    torch.save(dict(state_dict=model.state_dict()), path)
    browser = HardExampleBrowser(config, [path])
    choices = browser.choose(browser.dataset[0])
    assert list(choices) == [PAPER, STOCK, HEURISTIC]
    for record in choices.values():
        assert not isinstance(record, str)
        assert 0 < len(record.hard) <= 16
        assert len(record.boxes) > 16


def test_the_network_is_as_it_was(run: Path) -> None:
    config = Config.fromfile(next(run.glob('*.py')))
    browser = HardExampleBrowser(config, [run / 'iter_2.pth'])
    before = {k: v.clone() for k, v in browser.model.state_dict().items()}
    browser.choose(browser.dataset[0])
    assert not browser.model.training
    for key, value in browser.model.state_dict().items():
        assert torch.equal(value, before[key]), key
