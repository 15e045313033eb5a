"""A full disk is an error that names the file, and costs nothing old."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_ohem.host.files import write_json, write_text
from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry
from mmdet_ohem.report.page import make_report
from mmdet_ohem.runs.run_record import RunRecord, write_begun, write_finished
from tests.faults.jobs import propose, proposed, train, trained, write_noise
from tests.faults.processes import Child, complete, small_disk
from tests.figure3.runs import write_images as write_training_data
from tests.runs.logged_runs import train_line, write_logged_run

ROOM = 300_000


def entries(num: int) -> Any:
    boxes = np.array([[0, 0, 9, 9]] * 200, np.float32)
    return {f'images/{i}.png': make_entry(boxes) for i in range(num)}


def record(folder: Path, text: str, write: Callable) -> None:
    write(folder, RunRecord('config', 'demo', 0, text))


#: Name of the file, and what writes it: a little, or too much.
WRITERS: dict[str, tuple[str, Callable[[Path, bool], object]]] = {
    'text': (
        'a.txt',
        lambda folder, much: write_text(
            folder / 'a.txt', 'x' * (10**6 if much else 9)
        ),
    ),
    'numbers': (
        'a.json',
        lambda folder, much: write_json(
            folder / 'a.json', [0] * (10**6 if much else 9)
        ),
    ),
    'proposals': (
        'o.pkl',
        lambda folder, much: save_proposals(
            folder / 'o.pkl', entries(400 if much else 2)
        ),
    ),
    'record of a run': (
        'finished.json',
        lambda folder, much: record(
            folder, 'x' * (10**6 if much else 9), write_finished
        ),
    ),
    'begin of a run': (
        'begun.json',
        lambda folder, much: record(
            folder, 'x' * (10**6 if much else 9), write_begun
        ),
    ),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {x.name: x.read_bytes() for x in folder.rglob('*') if x.is_file()}


@pytest.mark.parametrize(('name', 'write'), WRITERS.values(), ids=WRITERS)
def test_the_old_file_stays_and_is_named(
    name: str, write: Callable[[Path, bool], object], tmp_path: Path
) -> None:
    folder = tmp_path / 'out'
    folder.mkdir()
    write(folder, False)
    before = contents(folder)
    assert list(before) == [name]
    child = Child(
        partial(write, folder, True), tmp_path / 'log', largest_file=ROOM
    )
    assert child.end() == 1
    assert f"'{folder / name}'" in child.printed().splitlines()[-1]
    assert contents(folder) == before


@pytest.mark.parametrize(('name', 'write'), WRITERS.values(), ids=WRITERS)
def test_the_same_on_a_disk_that_is_full(
    name: str, write: Callable[[Path, bool], object], tmp_path: Path
) -> None:
    try:
        with small_disk(tmp_path / 'disk', ROOM) as disk:
            folder = disk / 'out'
            folder.mkdir()
            write(folder, False)
            before = contents(folder)
            with pytest.raises(OSError, match='No space left') as raised:
                write(folder, True)
            assert raised.value.filename == str(folder / name)
            assert contents(folder) == before
    except PermissionError as error:
        pytest.skip(f'this process may not mount a disk: {error}')


def test_proposals_go_on_when_there_is_room_again(tmp_path: Path) -> None:
    # So many that the limits leave room for the text of the error.
    write_noise(tmp_path, 24)
    complete(partial(propose, tmp_path, tmp_path / 'whole'), tmp_path / 'log')
    expected = proposed(tmp_path, tmp_path / 'whole')
    size = (tmp_path / 'whole/o.pkl').stat().st_size
    work = partial(propose, tmp_path, tmp_path / 'run')
    for part in (0.3, 0.9):
        log = tmp_path / f'{part}.log'
        child = Child(work, log, largest_file=int(part * size))
        assert child.end() == 1
        assert 'o.pkl' in child.printed().splitlines()[-1]
    complete(work, tmp_path / 'log')
    assert proposed(tmp_path, tmp_path / 'run') == expected


def test_the_report_stays(tmp_path: Path) -> None:
    folder = write_logged_run(
        tmp_path / 'run', [train_line(i, loss=1.0) for i in range(5)]
    )
    page = tmp_path / 'report.html'
    page.write_text('old')

    def report() -> None:
        write_text(page, make_report([folder], num_detections=0).html)

    child = Child(report, tmp_path / 'log', largest_file=ROOM // 10)
    assert child.end() == 1
    assert str(page) in child.printed().splitlines()[-1]
    assert page.read_text() == 'old'


def test_a_training_ends_with_a_reason_and_goes_on(tmp_path: Path) -> None:
    write_training_data(tmp_path / 'data')
    whole, folder = tmp_path / 'whole', tmp_path / 'run'
    complete(partial(train, tmp_path, whole), tmp_path / 'log')
    size = (whole / 'iter_2.pth').stat().st_size
    work = partial(train, tmp_path, folder)
    child = Child(work, tmp_path / 'full.log', largest_file=size // 2)
    assert child.end() == 1
    assert 'File too large' in child.printed()
    complete(work, tmp_path / 'log')
    first, second = trained(tmp_path, whole), trained(tmp_path, folder)
    assert all(
        (first['weights'][key] == second['weights'][key]).all()
        for key in first['weights']
    )
