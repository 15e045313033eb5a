import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from mmdet_ohem.proposals.image_files import find_images
from mmdet_ohem.proposals.proposal_file import (
    load_proposals,
)

TOOL = Path(__file__).parents[2] / 'tools' / 'make_proposals.py'


def make_images(folder: Path, values: list[int]) -> dict[str, Path]:
    """Flat images of different sizes, ids 'a', 'b', ..."""
    folder.mkdir()
    ids = [chr(ord('a') + i) for i in range(len(values))]
    for i, (image_id, value) in enumerate(zip(ids, values, strict=True)):
        img = np.full((8 + i, 12, 3), value, dtype=np.uint8)
        cv2.imwrite(str(folder / f'{image_id}.png'), img)
    return find_images(ids, folder, '.png')


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('make_proposals_tool', TOOL)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.fixture
def run_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Runs the tool on ``tmp_path``'s list.txt and images folder."""

    def run(*arguments: object, suffix: str | None = '.png') -> int:
        command = [
            *('make_proposals.py', tmp_path / 'list.txt'),
            *('--img-dir', tmp_path / 'images', '--out', tmp_path / 'o.pkl'),
            *('--workers', 1, '--width', 32),
            *(('--suffix', suffix) if suffix else ()),
            *arguments,
        ]
        monkeypatch.setattr(sys, 'argv', [str(part) for part in command])
        try:
            return load_tool().main()
        except SystemExit as error:
            assert isinstance(error.code, int)
            return error.code

    return run


def test_tool_names_bad_images_and_resumes_with_them(
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = make_images(tmp_path / 'images', [1, 2, 3, 4])
    (tmp_path / 'list.txt').write_text('a\nb\nc\nd\n')
    png = images['b'].read_bytes()
    images['b'].write_bytes(b'no image')
    images['c'].unlink()
    assert run_tool() == 1
    printed = capsys.readouterr().out
    assert '2 images failed' in printed
    assert 'b: ValueError' in printed
    assert 'c: FileNotFoundError' in printed
    assert list(load_proposals(tmp_path / 'o.pkl')) == [
        'images/a.png',
        'images/d.png',
    ]
    images['b'].write_bytes(png)
    images['c'].write_bytes(png)
    assert run_tool() == 0
    assert '4 images (2 of them from earlier' in capsys.readouterr().out


def test_tool_finds_images_of_any_suffix_and_each_once(
    tmp_path: Path,
    run_tool: Callable[..., int],
) -> None:
    images = make_images(tmp_path / 'images', [1, 2, 3])
    image = cv2.imread(str(images['b']))
    assert image is not None
    cv2.imwrite(str(images['b'].with_suffix('.JPG')), image)
    images['b'].unlink()
    (tmp_path / 'list.txt').write_text('\ufeffa\r\nb \r\nc.png\r\nb\r\n\r\n')
    assert run_tool(suffix=None) == 0
    assert list(load_proposals(tmp_path / 'o.pkl')) == [
        'images/a.png',
        'images/b.JPG',
        'images/c.png',
    ]


def test_tool_writes_nothing_when_all_fail(
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / 'images').mkdir()
    (tmp_path / 'list.txt').write_text('a\n')
    assert run_tool() == 1
    assert 'was not written' in capsys.readouterr().out
    assert not (tmp_path / 'o.pkl').exists()


def test_tool_converts_mat(
    tmp_path: Path, run_tool: Callable[..., int]
) -> None:
    (tmp_path / 'list.txt').write_text('a\nb\n')
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = np.array([[1, 2, 4, 4]]), np.ones((2, 4))
    savemat(tmp_path / 'voc.mat', {'boxes': cells})
    command = ['--from-mat', tmp_path / 'voc.mat']
    assert run_tool(*command, '--keep-all') == 0
    loaded = load_proposals(tmp_path / 'o.pkl')
    assert loaded['images/a.png']['bboxes'].tolist() == [[1, 0, 4, 4]]
    assert loaded['images/b.png']['scores'].tolist() == [0, 0]
    # Another content is another file.
    assert run_tool(*command) == 2
    (tmp_path / 'o.pkl').unlink()
    assert run_tool(*command) == 0
    cleaned = load_proposals(tmp_path / 'o.pkl')
    assert cleaned['images/a.png']['bboxes'].tolist() == [[1, 0, 4, 4]]
    assert len(cleaned['images/b.png']['bboxes']) == 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--out', 'a.txt'], 'in .pkl for mmdet'),
        (['--img-dir', 'nowhere'], 'nowhere is not a folder'),
        (['--mode', 'slow'], "'slow'"),
        (['--width', '0'], 'width is 0'),
        (['--workers', '0'], 'num_workers is 0'),
        (['--mat-base', '0'], 'need --from-mat'),
        (['--keep-all'], 'need --from-mat'),
        (['--from-mat', 'no.mat'], 'no.mat does not exist'),
    ],
)
def test_tool_usage_errors_exit_with_two(
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    make_images(tmp_path / 'images', [1])
    (tmp_path / 'list.txt').write_text('a\n')
    assert run_tool(*arguments) == 2
    assert message in capsys.readouterr().err
