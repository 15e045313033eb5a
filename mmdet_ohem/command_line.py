"""How all commands end.

An error that somebody has put into words ends as one line, ``error: what,
value, remedy``, with exit status 2. A bug keeps its traceback. With
``MMDET_OHEM_DEBUG=1`` in the environment every error has one.

This module needs only the standard library: it has to work where the rest of
the package cannot be imported.
"""

import functools
import linecache
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

#: Set it to see tracebacks.
DEBUG = 'MMDET_OHEM_DEBUG'
PROGRAM = 'mmdet-ohem'
_PACKAGE = Path(__file__).resolve().parent
# Told whoever raises them: they are about files, modules and configs.
_ALWAYS_TOLD = (OSError, ImportError, SyntaxError)
# Told where one of these packages says them on purpose.
_TOLD_IF_SAID = (
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    FloatingPointError,  # a training that diverged
)
_SPEAKERS = {'__main__', 'mmcv', 'mmdet', 'mmdet_ohem', 'mmengine', 'tools'}


def command(
    goes_on: bool = False,
) -> Callable[[Callable[[], int]], Callable[[], int]]:
    """Make a ``main`` function end as all commands do.

    Args:
        goes_on: Whether the same command, called again after an interruption,
            goes on from there.

    Returns:
        A decorator. What it gives returns 2 after an error that is told and
        130 after Ctrl-C; it raises any other error.
    """

    def decorate(main: Callable[[], int]) -> Callable[[], int]:
        @functools.wraps(main)
        def wrapped() -> int:
            # Of mmengine, at its import, and no user can mend it.
            warnings.filterwarnings('ignore', 'pkg_resources is deprecated')
            try:
                return main()
            except KeyboardInterrupt:
                more = (
                    '; the same command goes on from here' if goes_on else ''
                )
                sys.stderr.write(f'interrupted{more}\n')
                return 130
            except Exception as error:
                if os.environ.get(DEBUG) or not is_told(error):
                    raise
                sys.stderr.write(f'error: {in_a_line(error)}\n')
                return 2

        return wrapped

    return decorate


def is_told(error: BaseException) -> bool:
    """Whether an error is the user's to mend, and not a bug.

    Args:
        error: As it was caught.

    Returns:
        True for errors about files, modules and configs, and for errors that
        a ``raise`` of this package or of OpenMMLab's has put into words. A
        ValueError of numpy is none: nobody has thought of it.
    """
    if isinstance(error, _ALWAYS_TOLD):
        return True
    if type(error).__name__ == 'OutOfMemoryError':  # torch's, not imported
        return True
    return isinstance(error, _TOLD_IF_SAID) and _is_raised_by_speaker(
        error.__traceback__
    )


def in_a_line(error: BaseException) -> str:
    """The message of an error, without line breaks.

    Args:
        error: Any.

    Returns:
        What it says; its type where it says nothing.
    """
    if isinstance(error, OSError) and error.filename and error.strerror:
        text = f'{error.filename}: {error.strerror}'
    elif isinstance(error, KeyError) and error.args:
        text = str(error.args[0])  # str(error) has quotes around it
    else:
        text = str(error)
    return ' '.join(text.split()) or type(error).__name__


def _is_raised_by_speaker(trace: TracebackType | None) -> bool:
    """Whether the innermost line is a ``raise`` of a package that explains."""
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    code, names = trace.tb_frame.f_code, trace.tb_frame.f_globals
    package = str(names.get('__name__')).split('.')[0]
    line = linecache.getline(code.co_filename, trace.tb_lineno, names)
    return package in _SPEAKERS and line.strip().startswith('raise')


def end_own_command(error: ImportError) -> None:
    """End this process by one line, if it is one of our commands.

    The package says at its import that something is missing. A program that
    imports it gets the exception; a user of a command gets a line.

    Args:
        error: Why the package cannot be imported.

    Raises:
        SystemExit: The process is a command of ours.
    """
    if _is_console_script():
        # It knows how to say more: doctor lists all that is missing.
        from mmdet_ohem.commands import main

        raise SystemExit(main())
    folders = (_PACKAGE.parent / 'tools', _PACKAGE / '.mim/tools')
    if Path(sys.argv[0]).resolve().parent in folders:
        sys.stderr.write(f'error: {in_a_line(error)}\n')
        raise SystemExit(2)


def _is_console_script() -> bool:
    """Whether this process is ``mmdet-ohem`` or ``python -m mmdet_ohem``."""
    if Path(sys.argv[0]).stem == PROGRAM:
        return True
    # While python -m imports the package, argv[0] is not its file yet.
    called = sys.orig_argv
    module = called[called.index('-m') + 1] if '-m' in called[:-1] else ''
    return sys.argv[0] == '-m' and module == _PACKAGE.name
