"""Means in the log are the last ones, and not smoothed."""

from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub
from mmengine.runner import LogProcessor

from mmdet_ohem.host.message_hub import record_mean


def logged(hub: MessageHub, name: str) -> float:
    runner = SimpleNamespace(message_hub=hub)
    return LogProcessor(window_size=10)._collect_scalars([], runner, 'train')[
        name
    ]


@pytest.mark.parametrize('name', ['loss', 'share'])
def test_the_log_shows_the_last_value(name: str) -> None:
    hub = MessageHub(name='last')
    for value in (1.0, 5.0, 2.0):
        record_mean(hub, f'train/{name}', value)
        assert logged(hub, name) == value


def test_what_an_older_checkpoint_brought_is_not_averaged() -> None:
    hub = MessageHub(name='older')
    for value in (8.0, 9.0):
        hub.update_scalar('train/loss', value)
    assert logged(hub, 'loss') == 8.5
    record_mean(hub, 'train/loss', 1.0)
    assert logged(hub, 'loss') == 1.0
