"""The dataset of the demo replaces no file of the user's."""

import errno
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip('sklearn')
pytest.importorskip('skimage')

from mmdet_ohem.demo import write_dataset

TOOL = Path(__file__).parents[2] / 'tools/make_demo_dataset.py'
SMALL: dict[str, Any] = dict(num_train=1, num_test=1)
FILES = {
    'JPEGImages/000001.jpg': 'a photograph',
    'ImageSets/Main/train.txt': '000001',
    'dataset.json': '{"name": "a dataset of the user"}',
}


def files_of(folder: Path) -> dict[str, bytes]:
    paths = [x for x in folder.rglob('*') if x.is_file()]
    return {str(x.relative_to(folder)): x.read_bytes() for x in paths}


def make_folder(folder: Path, names: list[str]) -> dict[str, bytes]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(FILES[name])
    return files_of(folder)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location('make_demo_dataset', TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, out: Path) -> int:
    command = ['tool', '--out', out, '--num-train', 1, '--num-test', 1]
    monkeypatch.setattr(sys, 'argv', [str(x) for x in command])
    return tool.main()


@pytest.mark.parametrize(
    'names', [[x] for x in FILES] + [list(FILES)], ids=lambda x: f'{len(x)}'
)
def test_a_folder_of_the_user_is_left_alone(
    names: list[str], tmp_path: Path
) -> None:
    before = make_folder(tmp_path, names)
    with pytest.raises(FileExistsError, match='Remedy: give a new or an emp'):
        write_dataset(tmp_path, **SMALL)
    assert files_of(tmp_path) == before


def test_the_tool_says_so_in_a_line(
    tool: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = make_folder(tmp_path, list(FILES))
    assert run(tool, monkeypatch, tmp_path) == 2
    message = capsys.readouterr().err
    assert message.startswith(f'error: {tmp_path} is there and holds no data')
    assert files_of(tmp_path) == before


def test_an_empty_folder_and_one_of_ours_are_written(tmp_path: Path) -> None:
    assert write_dataset(tmp_path, **SMALL)
    before = files_of(tmp_path)
    assert not write_dataset(tmp_path, **SMALL)
    assert files_of(tmp_path) == before
    assert write_dataset(tmp_path, seed=1, **SMALL)
    assert files_of(tmp_path).keys() == before.keys()
    assert files_of(tmp_path) != before


def test_a_dataset_of_an_older_version_is_known(tmp_path: Path) -> None:
    # Its stamp has what a finished one has today.
    write_dataset(tmp_path, **SMALL)
    stamp = json.loads((tmp_path / 'dataset.json').read_text())
    assert set(stamp) == {'format', 'seed', 'size', 'train', 'test'}


def test_a_dataset_interrupted_at_any_image_is_made_again(
    tmp_path: Path,
) -> None:
    write_dataset(tmp_path / 'whole', num_train=2, num_test=1)
    for last in range(3):
        out, count = tmp_path / str(last), iter(range(last + 1))

        def stop(count: Any = count, last: int = last) -> None:
            if next(count) == last:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_dataset(out, num_train=2, num_test=1, on_image=stop)
        assert write_dataset(out, num_train=2, num_test=1)
        assert files_of(out) == files_of(tmp_path / 'whole')


def test_an_interrupted_stamp_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / 'dataset.json.123.tmp').write_text('{"form')
    assert write_dataset(tmp_path, **SMALL)


def test_a_full_disk_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, data: bytes) -> int:
        # As the system says it: without the name.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, 'write_bytes', fail)
    with pytest.raises(OSError, match=r'No space .*000001\.jpg'):
        write_dataset(tmp_path, **SMALL)
    monkeypatch.undo()
    assert write_dataset(tmp_path, **SMALL)
