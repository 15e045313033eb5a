"""The tool does all rows that it can, and says which it could not."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mmdet_ohem.commands import table as run_table_command
from mmdet_ohem.runs.run_record import write_finished
from mmdet_ohem.tables import (
    TABLES,
    Launch,
    NotInProfileError,
    Run,
    RunError,
    RunRecord,
    dry_run,
    plan_runs,
)
from mmdet_ohem.tables.dry_run import PlannedRun, common_speed
from mmdet_ohem.tables.execute import record_to_be
from mmdet_ohem.tables.run_plan import config_of
from tests.tables.finished_runs import finish
from tools import run_table

CONFIGS = Path(__file__).parents[2] / 'configs'


def pretend(run: Run, *args: Any) -> RunRecord:
    """A row that works, one that fails, one that has no demo size."""
    if run.row.number == 1:
        raise KeyError('gone')
    if run.row.number == 2:
        raise NotInProfileError('too big')
    record = RunRecord(str(run.row.config), run.data, run.seed, 'hash')
    return RunRecord(**(vars(record) | dict(metrics={'pascal_voc/mAP': 0.5})))


@pytest.mark.parametrize('num_gpus', [0, 2])
def test_a_row_that_fails_does_not_stop_the_others(
    num_gpus: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(run_table_command, 'execute', pretend)
    runs = plan_runs(TABLES[1], tmp_path, 'demo', [1, 2, 3])
    failed = run_table_command.run_all(
        TABLES[1],
        runs,
        tmp_path,
        Launch('none', num_gpus),
        Console(soft_wrap=True),
    )
    assert [run.row.number for run, _ in failed] == [1]
    out = capsys.readouterr().out
    assert "row 1, fast_rcnn_vgg_m_voc07 (demo), seed 0: FAILED: 'gone'" in out
    assert 'row 2, fast_rcnn_vgg16_voc07 (demo), seed 0: left out' in out
    assert 'row 3, fast_rcnn_vgg_m_bg0_voc07 (demo), seed 0: mAP 50.0' in out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('--table 1 --rows 14', 'no row 14'),
        ('--table 1 --rows two', 'invalid literal'),
        ('--table 1 --launcher slurm --gpus 1', 'needs a partition'),
    ],
)
def test_bad_usage_starts_nothing(
    arguments: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr('sys.argv', ['run_table.py', *arguments.split()])
    monkeypatch.setattr(
        run_table_command, 'run_all', lambda *x: pytest.fail('ran')
    )
    assert run_table.main() == 2
    assert message in capsys.readouterr().err


def test_failures_are_the_exit_status(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(run_table_command, 'execute', pretend)
    for rows, status in (('1,3', 1), ('2,3', 0)):
        monkeypatch.setattr(
            'sys.argv',
            ['run_table.py', '--table', '1', '--rows', rows, '--gpus', '0',
             '--work-dir', str(tmp_path)],
        )  # fmt: skip
        assert run_table.main() == status
    assert '1 of 2 runs failed' in capsys.readouterr().out


def test_table_2_is_measured_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr('sys.argv', ['run_table.py', '--table', '2'])
    assert run_table.main() == 2
    assert 'mmdet-ohem benchmark measures' in capsys.readouterr().err


def refuse(run: Run, config: Any) -> None:
    raise RunError('train data: gone')


def test_a_dry_run_says_what_is_missing_and_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_table_command, 'run_all', lambda *x: 1 / 0)
    folder = finish(tmp_path / 'runs', 0, dict(mAP=0.7))
    (run,) = plan_runs(TABLES[1], tmp_path / 'runs', 'full', [13])
    assert run.folder == folder
    record = record_to_be(run, config_of(run, CONFIGS))
    write_finished(folder, record)
    monkeypatch.setattr(dry_run, 'ConfigChecks', lambda warn: refuse)
    words = 'x 1 --rows 2,13 --gpus 0 --dry-run --work-dir runs'
    monkeypatch.setattr('sys.argv', words.split())
    before = sorted(tmp_path.rglob('*'))
    assert run_table.main() == 1
    out = capsys.readouterr().out
    assert 'seed 0: finished' in out
    assert 'MISSING: train data: ' in out
    assert '1 of 2 runs could not start' in out
    assert sorted(tmp_path.rglob('*')) == before


def test_a_dry_run_says_which_runs_are_of_another_version(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    finish(tmp_path, 0, dict(mAP=0.7))  # its hash is of no config
    words = f'x 1 --rows 13 --gpus 0 --dry-run --work-dir {tmp_path}'
    monkeypatch.setattr('sys.argv', words.split())
    assert run_table.main() == 1
    out = capsys.readouterr().out
    assert 'finished, but would not be taken: ' in out
    assert 'a run of another version of fast_rcnn_vgg16_ohem_voc07' in out
    assert '1 of 1 runs could not start' in out


def test_the_time_left_is_by_what_was_logged() -> None:
    (first, second) = plan_runs(TABLES[1], Path('x'), 'demo', [1, 2])
    begun = PlannedRun(first, 100, 400, seconds_per_iter=2.0)
    fresh = PlannedRun(second, 0, 400)
    speed = common_speed([begun, fresh])
    assert begun.seconds_left(speed) == 600
    assert fresh.seconds_left(speed) == 800
    assert fresh.seconds_left(common_speed([fresh])) is None
