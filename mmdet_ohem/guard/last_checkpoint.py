"""The checkpoint from which a training that broke off goes on."""

import logging
import re
from pathlib import Path

from mmengine.logging import print_log

from mmdet_ohem.runs.torn_checkpoints import find_flaw

_NAME = re.compile(r'(iter|epoch)_(\d+)\.pth')


def last_checkpoint(folder: Path) -> Path | None:
    """Find the newest readable checkpoint of a training.

    mmengine trusts the note ``last_checkpoint``, which is empty or out of
    date where a process was killed while it saved. Here the note only says
    where to begin: a checkpoint of a higher number, written after the one in
    the note, is newer. Others of higher numbers are of an earlier training
    in the same folder.

    Args:
        folder: mmdet's ``--work-dir``.

    Returns:
        The file, checked to its last byte; None where there is none. Torn
        ones that are newer are named in a warning.
    """
    for path in _newest_first(folder):
        flaw = find_flaw(path, thorough=True)
        if flaw is None:
            return path
        print_log(
            f'{path} {flaw}; it is skipped. Remedy: none is needed, the '
            'training writes it again',
            logger='current',
            level=logging.WARNING,
        )
    return None


def _newest_first(folder: Path) -> list[Path]:
    """Checkpoints of a folder, those of its last training first."""
    paths = [x for x in folder.glob('*.pth') if _NAME.fullmatch(x.name)]
    noted = _read_note(folder)
    paths.sort(key=_by_time, reverse=True)
    if noted not in paths:
        return paths
    # The process may have been killed between a checkpoint and its note.
    after = paths[: paths.index(noted)]
    after = [x for x in after if _number(x) > _number(noted)]
    first = [*sorted(after, key=_number, reverse=True), noted]
    return [*first, *(x for x in paths if x not in first)]


def _read_note(folder: Path) -> Path | None:
    """The checkpoint in mmengine's note, by its name in this folder."""
    try:
        text = (folder / 'last_checkpoint').read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return folder / Path(text).name if text else None


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[2]) if match else -1


def _by_time(path: Path) -> tuple[int, int]:
    return path.stat().st_mtime_ns, _number(path)
