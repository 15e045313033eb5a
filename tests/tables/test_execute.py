"""A run does what is missing of it, and no more."""

import fcntl
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmdet_ohem.runs.console_log import CONSOLE_LOG
from mmdet_ohem.runs.run_record import read_finished
from mmdet_ohem.runs.work_dir import WorkDir
from mmdet_ohem.tables import (
    TABLES,
    Launch,
    NotInProfileError,
    Run,
    RunError,
    execute,
    plan_runs,
)
from tests.runs.torn import TORN, hear_warnings, lose_a_block
from tests.runs.torn import write_checkpoint as write_file

CONFIGS = Path(__file__).parents[2] / 'configs'
MAX_ITERS = 1500  # of the demo
# Programs that do what mim's trainings and tests leave behind.
TRAIN = """
import sys, zipfile
print('Iter(train) [100/1500]')
with zipfile.ZipFile(sys.argv[1] + '/iter_1500.pth', 'w') as file:
    file.writestr('data', '')
"""
TEST = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1]) / '20300101'
folder.mkdir(parents=True)
metrics = {'pascal_voc/mAP': 0.5, 'time': 3.0}
(folder / '20300101.json').write_text(json.dumps(metrics))
"""
FAIL = """
raise KeyError('no such thing')
"""


@dataclass(frozen=True)
class Pretended(Launch):
    """Notes what is asked of it and starts small programs instead."""

    program: str = TRAIN
    asked: list[tuple] = field(default_factory=list)

    def train(
        self,
        config: Path,
        work_dir: Path,
        batch_size: int,
        resume_from: Path | None,
    ) -> list[str]:
        # mmengine writes one of the same name into its folder.
        assert config.exists() and config.parent != work_dir
        self.asked.append(('train', batch_size, resume_from))
        return [sys.executable, '-c', self.program, str(work_dir)]

    def test(
        self, config: Path, work_dir: Path, checkpoint: Path, out: Path | None
    ) -> list[str]:
        self.asked.append(('test', checkpoint.name))
        return [sys.executable, '-c', TEST, str(work_dir)]


@pytest.fixture(autouse=True)
def _quick_dumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laying out the text of a config takes seconds."""
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: ''))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (run,) = plan_runs(TABLES[1], tmp_path, 'demo', [13])
    return run


def write_checkpoint(folder: Path, iteration: int) -> Path:
    return write_file(folder / f'iter_{iteration}.pth')


def test_a_run_is_trained_and_tested_once(run: Run) -> None:
    launch = Pretended()
    record = execute(run, CONFIGS, launch)
    assert launch.asked == [('train', 2, None), ('test', 'iter_1500.pth')]
    # Times are no metrics.
    assert record.metrics == {'pascal_voc/mAP': 0.5}
    assert execute(run, CONFIGS, launch) == record
    assert read_finished(run.folder) == record
    assert len(launch.asked) == 2


def test_an_interrupted_run_goes_on(run: Run) -> None:
    write_checkpoint(run.folder, 100)
    expected = write_checkpoint(run.folder, 200)
    # It was killed while it wrote this one.
    run.folder.joinpath('iter_300.pth').write_bytes(b'PK\3\4 and no end')
    launch = Pretended()
    execute(run, CONFIGS, launch)
    assert launch.asked[0] == ('train', 2, expected)


@pytest.mark.parametrize(
    'tear', [*TORN.values(), lose_a_block], ids=[*TORN, 'zeros for weights']
)
def test_a_torn_checkpoint_is_not_resumed(
    run: Run, tear: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = hear_warnings(monkeypatch)
    expected = write_checkpoint(run.folder, 200)
    # Even of the last iteration: it is neither resumed nor tested.
    tear(write_checkpoint(run.folder, MAX_ITERS))
    launch = Pretended()
    execute(run, CONFIGS, launch)
    assert len(messages) == 1 and 'iter_1500.pth is ' in messages[0]
    assert launch.asked == [
        ('train', 2, expected),
        ('test', 'iter_1500.pth'),
    ]


def test_a_trained_run_is_only_tested(run: Run) -> None:
    write_checkpoint(run.folder, MAX_ITERS)
    launch = Pretended()
    execute(run, CONFIGS, launch)
    assert launch.asked == [('test', 'iter_1500.pth')]


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert WorkDir(tmp_path).last_checkpoint() is None
    # By number, not by name.
    write_checkpoint(tmp_path, 900)
    assert WorkDir(tmp_path).last_checkpoint() != write_checkpoint(
        tmp_path, 80
    )


def test_a_failure_is_named_and_tried_again(run: Run) -> None:
    with pytest.raises(RunError, match=r"KeyError: 'no such thing'.*status 1"):
        execute(run, CONFIGS, Pretended(program=FAIL))
    assert read_finished(run.folder) is None
    assert execute(run, CONFIGS, Pretended()).metrics


def test_a_folder_is_of_one_config(run: Run, tmp_path: Path) -> None:
    execute(run, CONFIGS, Pretended())
    path = run.folder / 'finished.json'
    record = json.loads(path.read_text()) | {'config_hash': 'another'}
    path.write_text(json.dumps(record))
    with pytest.raises(RunError, match=r'another version.*delete or rename'):
        execute(run, CONFIGS, Pretended())


def test_a_run_that_goes_on_elsewhere_is_left_alone(run: Run) -> None:
    run.folder.mkdir(parents=True)
    with (run.folder / CONSOLE_LOG).open('ab') as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        # As a training whose table was killed: it has the log alone.
        orphan = subprocess.Popen(
            [sys.executable, '-c', 'input()'],
            stdin=subprocess.PIPE,
            stdout=log,
        )
    launch = Pretended()
    try:
        with pytest.raises(RunError, match='by another process'):
            execute(run, CONFIGS, launch)
    finally:
        orphan.communicate(b'\n')
    assert not launch.asked
    assert execute(run, CONFIGS, launch).metrics


def test_a_row_without_demo_size_is_named(tmp_path: Path) -> None:
    (run,) = plan_runs(TABLES[3], tmp_path, 'demo', [8])
    with pytest.raises(NotInProfileError, match='--data full'):
        execute(run, CONFIGS, Pretended())
    assert not run.folder.exists()


def test_seeds_go_round_the_rows(tmp_path: Path) -> None:
    runs = plan_runs(TABLES[1], tmp_path, numbers=[2, 13], num_seeds=2)
    order = [(run.seed, run.row.number) for run in runs]
    assert order == [(0, 2), (0, 13), (1, 2), (1, 13)]
    assert len({run.folder for run in runs}) == 4


def test_tables_share_runs_of_one_config(tmp_path: Path) -> None:
    (first,) = plan_runs(TABLES[1], tmp_path, numbers=[13])
    (second,) = plan_runs(TABLES[3], tmp_path, numbers=[3])
    assert first.folder == second.folder
    (demo,) = plan_runs(TABLES[1], tmp_path, 'demo', [13])
    assert demo.folder != first.folder
