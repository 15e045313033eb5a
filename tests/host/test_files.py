"""Files appear whole or not at all."""

import errno
import json
from pathlib import Path

import pytest

from mmdet_ohem.host.files import replacing, write_json, write_text


def test_writes_into_new_folders(tmp_path: Path) -> None:
    path = tmp_path / 'a' / 'b.txt'
    write_text(path, 'é\n')
    assert path.read_text(encoding='utf-8') == 'é\n'
    assert [x.name for x in path.parent.iterdir()] == ['b.txt']


def test_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / 'a.json'
    write_json(path, {'old': 1})
    write_json(path, {'new': [1, 2]})
    assert json.loads(path.read_text()) == {'new': [1, 2]}


@pytest.mark.parametrize(
    'error', [ValueError('bad'), KeyboardInterrupt(), OSError('odd')]
)
def test_the_old_file_stays_when_writing_fails(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(type(error)), replacing(path) as temporary:
        temporary.write_text('half')
        raise error
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / 'a.txt'
    # As the system raises it in write(): without a name.
    with (
        pytest.raises(OSError, match=r'No space left.*a\.txt') as caught,
        replacing(path),
    ):
        raise OSError(errno.ENOSPC, 'No space left on device')
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)


def test_an_error_without_a_number_names_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match=r'a\.txt: torn page'),
        replacing(tmp_path / 'a.txt'),
    ):
        raise OSError('torn page')


def test_an_error_about_another_file_stays(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match='other'),
        replacing(tmp_path / 'a.txt'),
    ):
        (tmp_path / 'other').read_text()


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / 'a').write_text('')
    with pytest.raises(OSError, match='a'):
        write_text(tmp_path / 'a' / 'b.txt', 'x')
