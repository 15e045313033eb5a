"""Devices and the default scope, for all tests."""

import logging
import sys
from collections.abc import Iterator

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

import mmdet_ohem  # noqa: F401  registers the classes under test


@pytest.fixture(
    params=['cpu', pytest.param('cuda', marks=pytest.mark.gpu)],
)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Each device there is; a missing GPU shows as skipped."""
    if request.param == 'cuda' and not torch.cuda.is_available():
        pytest.skip('no CUDA device')
    return torch.device(request.param)


@pytest.fixture(autouse=True)
def _mmdet_scope() -> Iterator[None]:
    """Configs name mmdet's classes without prefix, as at run time."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _open_streams() -> None:
    """Loggers outlive a test, and its captured stderr is closed after it."""
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            if type(handler) is logging.StreamHandler:
                handler.stream = sys.stderr
