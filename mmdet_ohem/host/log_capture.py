"""What mmengine would log, as a list.

Relies on ``MMLogger.callHandlers`` of mmengine 0.10.7 asking only the
handlers of the logger itself, and ``print_log(logger='current')`` going to
the current instance.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

from mmengine.logging import MMLogger


class _Keep(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def captured_warnings(hide_prints: bool = False) -> Iterator[list[str]]:
    """Keep what is logged inside from the console.

    Args:
        hide_prints: Also drop what is printed, by all threads.

    Yields:
        The warnings and errors that were logged, so far. What the host warns
        of by ``warnings.warn`` is dropped.
    """
    messages: list[str] = []
    logger = MMLogger.get_current_instance()
    before = logger.handlers
    logger.handlers = [_Keep(messages)]
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter('ignore')
            if hide_prints:
                stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            yield messages
    finally:
        logger.handlers = before
