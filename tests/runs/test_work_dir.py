"""The one reader of a work dir: logs, metrics, records."""

import json
import re
from pathlib import Path

import pytest

from mmdet_ohem.runs.training_log import Curve
from mmdet_ohem.runs.work_dir import WorkDir
from tests.runs.logged_runs import (
    train_line,
    write_log,
    write_logged_run,
    write_test,
)

MAP = 'pascal_voc/mAP'


def read_run(folder: Path) -> WorkDir:
    run = WorkDir(folder)
    run.check_results()
    return run


def test_a_curve_a_scalar_and_the_versions_of_the_log(tmp_path: Path) -> None:
    lines = [train_line(50, loss=2.0), train_line(100, loss=1.5)]
    run = read_run(write_logged_run(tmp_path / 'run', lines))
    assert run.curves['loss'] == Curve([50, 100], [2.0, 1.5])
    assert run.versions == {
        'Python': '3.11.7 (main)',
        'GPU 0': 'A Card',
        'PyTorch': '2.13.0',
    }
    assert (run.metrics, run.validation) == (({}, ''), {})


def test_a_later_start_replaces_what_it_did_again(tmp_path: Path) -> None:
    lines = [train_line(step, loss=1.0) for step in (50, 100, 150)]
    folder = write_logged_run(tmp_path / 'run', lines)
    # Resumed from 90, with another interval.
    write_log(folder, [train_line(110, loss=3.0)], '20260103_100000')
    assert read_run(folder).curves['loss'] == Curve(
        [50, 100, 110], [1.0, 1.0, 3.0]
    )


@pytest.mark.parametrize('step', [1, 100], ids=['epoch', 'iteration'])
def test_a_validation_lies_where_it_was_made(
    tmp_path: Path, step: int
) -> None:
    lines = [
        train_line(100, loss=1.0),
        {MAP: 0.25, 'pascal_voc/AP50/dog': 0.5, 'time': 9.0, 'step': step},
        train_line(200, loss=1.0),
    ]
    run = read_run(write_logged_run(tmp_path / 'run', lines))
    assert run.validation == {MAP: Curve([100], [0.25])}
    assert run.metrics.values == {MAP: 0.25}
    assert run.metrics.measured_by == 'last validation'
    assert 'time' not in run.curves


def test_the_newest_test_counts_and_a_finished_run_more(
    tmp_path: Path,
) -> None:
    folder = write_logged_run(tmp_path / 'run', [train_line(50, time=1.0)])
    write_test(folder, {MAP: 0.1}, '20260103_100000')
    write_test(folder / 'test', {MAP: 0.2}, '20260104_100000')
    write_test(folder, {'data_time': 0.2}, '20260105_100000')
    run = read_run(folder)
    assert run.metrics.values == {MAP: 0.2}
    assert (
        run.metrics.measured_by
        == 'test, test/20260104_100000/20260104_100000.json'
    )
    record = dict(config='x', data='demo', seed=0, config_hash='0')
    (folder / 'finished.json').write_text(
        json.dumps({**record, 'metrics': {MAP: 0.3}})
    )
    assert read_run(folder).metrics.values == {MAP: 0.3}


def test_what_coco_did_not_measure_is_no_metric(tmp_path: Path) -> None:
    folder = write_logged_run(tmp_path / 'run', [])
    write_test(
        folder,
        {
            'coco/bbox_mAP': 0.4,
            'coco/bbox_mAP_s': -1.0,
            'coco/bbox_mAP_copypaste': '0.4 -1',
        },
        '20260103_100000',
    )
    assert read_run(folder).metrics.values == {'coco/bbox_mAP': 0.4}


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    folder = write_logged_run(tmp_path / 'run', [])
    path = write_log(folder, [train_line(50, loss=1.0)])
    path.write_text(path.read_text() + '{"lr": 0.1, "lo')
    assert read_run(folder).curves['loss'] == Curve([50], [1.0])
    path.write_text('{"lr\n' + path.read_text())
    with pytest.raises(ValueError, match=r'line 1 is no JSON.*delete'):
        read_run(folder)


def test_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='is no folder'):
        read_run(tmp_path / 'none')
    with pytest.raises(FileNotFoundError, match=r'holds no config'):
        read_run(tmp_path)
    folder = write_logged_run(tmp_path / 'run', [])
    with pytest.raises(FileNotFoundError, match='neither a log'):
        read_run(folder)
    (folder / 'other.py').touch()
    expected = re.escape('several configs (config.py, other.py)')
    with pytest.raises(ValueError, match=expected):
        read_run(folder)


def test_a_resumed_training_counts_where_both_logged(tmp_path: Path) -> None:
    folder = write_logged_run(tmp_path / 'ohem', [])
    for start, steps in (('1', (5, 10)), ('2', (10, 15, 20))):
        lines = [train_line(x, loss=x / 10 + int(start)) for x in steps]
        write_log(folder, lines, start)
    found = read_run(folder).curves['loss']
    assert found == ([5, 10, 15, 20], [1.5, 3.0, 3.5, 4.0])


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    folder = write_logged_run(tmp_path / 'run', [])
    write_test(folder, {MAP: 0.1}, '20260103_100000')
    (path,) = WorkDir(folder).find_tests()
    for text in ('{"pasc', '[1]'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r'20260103_100000\.json.*again'):
            read_run(folder)
    for name in ('finished', 'begun'):
        (folder / f'{name}.json').write_text('{"config": "x"}')
        with pytest.raises(ValueError, match=rf'{name}\.json.*delete it'):
            getattr(WorkDir(folder), name)


def test_what_is_no_test_is_not_found(tmp_path: Path) -> None:
    write_test(tmp_path, {MAP: 0.1}, '20260103_100000')
    # As an analysis that was written into the folder of the run.
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints' / 'iter_1.json').touch()
    found = [path.name for path in WorkDir(tmp_path).find_tests()]
    assert found == ['20260103_100000.json']


def test_nothing_else_knows_the_files_of_a_work_dir() -> None:
    root = Path(__file__).parents[2]
    pattern = re.compile(
        r'scalars\.json|iter_[*{]|epoch_[*{]|\*/\*\.(json|log)|\*\.pth'
        r'|last_checkpoint[\'"]|(begun|finished|server)\.json[\'"]'
        r'|detections\.pkl[\'"]'
    )
    sources = [
        path
        for folder in ('mmdet_ohem', 'tools')
        for path in (root / folder).rglob('*.py')
        # host/ writes the note of the last checkpoint, as mmengine does.
        if path.parent.name not in ('runs', 'host', '.mim')
    ]
    code = re.compile(r'"""[\s\S]*?"""|#.*')  # what is only said is no reading
    found = {
        (path.name, match)
        for path in sources
        for match in pattern.findall(code.sub('', path.read_text()))
    }
    assert len(sources) > 50
    assert found == set()
