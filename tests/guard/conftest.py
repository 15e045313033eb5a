"""A dataset of three images for the trainings of these tests."""

from pathlib import Path

import pytest

from tests.figure3.runs import write_images


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with ``data``."""
    write_images(tmp_path / 'data')
    return tmp_path


@pytest.fixture(autouse=True)
def _plain_configs(monkeypatch: pytest.MonkeyPatch) -> None:
    """mmengine formats the config of each checkpoint: most of a small run."""
    monkeypatch.setattr(
        'mmengine.config.config.FormatCode', lambda text, **_: (text, True)
    )
