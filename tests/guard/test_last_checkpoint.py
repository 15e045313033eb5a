"""Which checkpoint is the newest that can be read."""

from pathlib import Path

import pytest

import mmdet_ohem.guard.last_checkpoint as module
from mmdet_ohem.guard.last_checkpoint import last_checkpoint
from tests.guard.torn import TEAR, tear, write_checkpoint
from tests.guard.trainings import hear


def write_run(folder: Path, *numbers: int, note: str | None = None) -> None:
    """Checkpoints of these iterations, written in this order."""
    for time, number in enumerate(numbers):
        write_checkpoint(folder / f'iter_{number}.pth', time)
    if note is not None:
        (folder / 'last_checkpoint').write_text(note)


@pytest.mark.parametrize(
    ('note', 'expected'),
    [
        ('/elsewhere/iter_30.pth', 'iter_30.pth'),
        ('', 'iter_30.pth'),
        ('\x00' * 40, 'iter_30.pth'),
        (None, 'iter_30.pth'),
        # Killed after a checkpoint, before its note.
        ('iter_20.pth', 'iter_30.pth'),
        # Deleted since.
        ('iter_5.pth', 'iter_30.pth'),
    ],
)
def test_the_note_need_not_be_right(
    note: str | None, expected: str, tmp_path: Path
) -> None:
    write_run(tmp_path, 10, 20, 30, note=note)
    assert last_checkpoint(tmp_path) == tmp_path / expected


@pytest.mark.parametrize('note', ['iter_20.pth', '', None])
def test_an_earlier_training_in_the_folder_is_not_gone_on_with(
    note: str | None, tmp_path: Path
) -> None:
    write_run(tmp_path, 900, 10, 20, note=note)
    assert last_checkpoint(tmp_path) == tmp_path / 'iter_20.pth'


def test_a_copied_folder_goes_by_its_note(tmp_path: Path) -> None:
    # Copied in any order.
    write_run(tmp_path, 30, 10, 20, note='iter_30.pth')
    assert last_checkpoint(tmp_path) == tmp_path / 'iter_30.pth'


@pytest.mark.parametrize('how', TEAR)
def test_torn_ones_are_skipped_and_named(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path, 10, 20, 30, note='iter_30.pth')
    tear(how, tmp_path / 'iter_30.pth')
    said = hear(monkeypatch, module)
    assert last_checkpoint(tmp_path) == tmp_path / 'iter_20.pth'
    assert len(said) == 1 and str(tmp_path / 'iter_30.pth') in said[0]


def test_there_may_be_none(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    write_checkpoint(tmp_path / 'best_mAP_iter_3.pth')
    assert last_checkpoint(tmp_path) is None
    tear('cut', write_checkpoint(tmp_path / 'iter_3.pth'))
    assert last_checkpoint(tmp_path) is None
