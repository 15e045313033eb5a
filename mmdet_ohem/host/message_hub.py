"""Scalars in mmengine's log.

Relies on ``MessageHub.log_scalars`` of mmengine 0.10.7 being the very dict of
the hub's history buffers, and on ``LogProcessor`` averaging every scalar
whose name contains 'loss', 'time' or 'grad_norm' over its last records.
"""

from mmengine.logging import HistoryBuffer, MessageHub


def record_mean(hub: MessageHub, key: str, value: float) -> None:
    """Record a scalar that is a mean already, and is not to be smoothed.

    The log shows the last value alone, whatever the scalar is called.

    Args:
        hub: Of the runner.
        key: Name of the scalar, such as 'train/mining/loss'.
        value: The mean.
    """
    # A new buffer each time: one that a checkpoint brought may be longer.
    hub.log_scalars[key] = HistoryBuffer(max_length=1)
    hub.update_scalar(key, value)
