"""The set-up refuses what it cannot do before it installs anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def set_up(clone: Path, stack: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a clone that has nothing else."""
    (clone / 'dev').mkdir()
    for name in ('dev/setup_env.sh', 'requirements.txt', 'pyproject.toml'):
        shutil.copy(ROOT / name, clone / name)
    return subprocess.run(
        ['bash', str(clone / 'dev/setup_env.sh')],
        env={**os.environ, 'STACK': stack, 'PYTHON': '/no/such/python'},
        capture_output=True,
        text=True,
    )


def test_an_unknown_stack_is_refused(tmp_path: Path) -> None:
    done = set_up(tmp_path, 'mmlab')
    assert done.returncode == 1
    assert 'STACK is openmmlab or onedl, not mmlab' in done.stderr


@pytest.mark.parametrize(
    ('installed', 'stack', 'refused'),
    [
        ('mmdet-3.3.0', 'onedl', True),
        ('mmcv-2.1.0', 'onedl', True),
        ('onedl_mmengine-0.10.12', 'openmmlab', True),
        ('mmdet-3.3.0', 'openmmlab', False),
        ('onedl_mmcv-2.3.6', 'onedl', False),
        ('mmdet_ohem-0.1.0', 'onedl', False),
    ],
)
def test_a_fork_and_what_it_is_a_fork_of_are_not_mixed(
    installed: str, stack: str, refused: bool, tmp_path: Path
) -> None:
    folder = tmp_path / '.venv/lib/python3.11/site-packages'
    (folder / f'{installed}.dist-info').mkdir(parents=True)
    done = set_up(tmp_path, stack)
    # Without Python it gets no further than this in any case.
    assert done.returncode
    assert ('delete it first' in done.stderr) == refused
