"""``tools/detect.py``, with the arguments of a user."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cv2
import mmcv
import pytest

from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry
from tests.inference.test_fast_rcnn_inferencer import fast_config, save
from tests.localization.tiny_detectors import noise, proposals

TOOL = Path(__file__).parents[2] / 'tools/detect.py'


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('detect', TOOL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str | Path]:
    """A command line without its images."""
    config, checkpoint = save(tmp_path, fast_config())
    key = f'{tmp_path.name}/street.png'
    boxes = tmp_path / 'boxes.pkl'
    save_proposals(boxes, {key: make_entry(proposals())})
    cv2.imwrite(str(tmp_path / 'street.png'), noise())
    monkeypatch.chdir(tmp_path)
    return [
        '--config', config, '--checkpoint', checkpoint, '--boxes', boxes,
        '--out', 'out', '--score-thr', '0.05', '--device', 'cpu',
    ]  # fmt: skip


@pytest.mark.parametrize('flags', [[], ['--ms', '--vote']])
def test_detects_lists_and_draws(
    tool: ModuleType,
    command: list,
    flags: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    args = [tmp_path / 'street.png', *command, *flags]
    monkeypatch.setattr(sys, 'argv', ['detect.py', *map(str, args)])
    assert tool.main() == 0
    printed = capsys.readouterr().out
    assert printed.count('street.png') > 3
    assert '1 image drawn to out' in printed
    drawn = mmcv.imread('out/street.png')
    assert drawn.shape == noise().shape
    assert (drawn != noise()).any()


def test_no_detection_is_said(
    tool: ModuleType,
    command: list,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    args = [tmp_path / 'street.png', *command, '--score-thr', '1']
    monkeypatch.setattr(sys, 'argv', ['detect.py', *map(str, args)])
    assert tool.main() == 0
    assert 'no detection has a score above 1' in capsys.readouterr().out


def test_an_image_without_boxes_is_named(
    tool: ModuleType,
    command: list,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    args = [tmp_path / 'other.png', *command]
    monkeypatch.setattr(sys, 'argv', ['detect.py', *map(str, args)])
    assert tool.main() == 2
    assert "other.png'" in capsys.readouterr().err
