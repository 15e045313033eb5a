"""A table looks at each config before its first run."""

from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmdet_ohem.doctor.finding import error, ok, warning
from mmdet_ohem.tables import TABLES, ConfigChecks, RunError, plan_runs
from mmdet_ohem.tables import config_checks as module
from mmdet_ohem.tables.execute import execute
from mmdet_ohem.tables.launch import Launch


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders of the runs that were looked at; VGG-M has an error."""
    folders = []

    def check_config(config: Config, folder: Path) -> list:
        folders.append(folder)
        bad = 'vgg_m' in str(folder)
        last = error('weights', 'gone') if bad else ok('weights', 'there')
        return [warning('disk', 'tight'), last]

    monkeypatch.setattr(module, 'check_config', check_config)
    return folders


def test_each_config_is_looked_at_once(
    looked: list[Path], tmp_path: Path
) -> None:
    warned: list[str] = []
    check = ConfigChecks(lambda run, text: warned.append(text))
    runs = plan_runs(TABLES[1], tmp_path, 'demo', [1, 2], num_seeds=2)
    outcomes: list[str] = []
    for run in runs:
        try:
            check(run, Config({}))
            outcomes.append('')
        except RunError as failed:
            outcomes.append(str(failed))
    assert outcomes == ['weights: gone', '', 'weights: gone', '']
    assert looked == [run.folder for run in runs[:2]]
    assert warned == ['disk: tight'] * 2


def test_a_row_that_fails_its_check_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # without the data of the demo
    configs = Path(__file__).parents[2] / 'configs'
    (run,) = plan_runs(TABLES[1], tmp_path / 'runs', 'demo', [2])
    check = ConfigChecks(lambda run, text: None)
    nothing: Any = lambda text: None  # noqa: E731
    with pytest.raises(RunError, match=r'data/demo/ImageSets.*vgg16_digits'):
        execute(run, configs, Launch(), None, nothing, check)
    assert not run.folder.exists()
