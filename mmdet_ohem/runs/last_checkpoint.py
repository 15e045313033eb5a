"""The checkpoint from which a training that broke off goes on."""

from pathlib import Path

from mmdet_ohem.runs.checkpoints import find_checkpoints, is_torn


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
        if not is_torn(path, thorough=True):
            return path
    return None


def _newest_first(folder: Path) -> list[Path]:
    """Checkpoints of a folder, those of its last training first."""
    numbers = {path: n for n, path in find_checkpoints(folder).items()}
    # The clock of some file systems is coarse: then the number decides.
    paths = sorted(
        numbers,
        key=lambda x: (x.stat().st_mtime_ns, numbers[x]),
        reverse=True,
    )
    noted = _read_note(folder)
    if noted not in paths:
        return paths
    # The process may have been killed between a checkpoint and its note.
    after = paths[: paths.index(noted)]
    after = [x for x in after if numbers[x] > numbers[noted]]
    first = [*sorted(after, key=numbers.__getitem__, reverse=True), noted]
    return [*first, *(x for x in paths if x not in first)]


def _read_note(folder: Path) -> Path | None:
    """The checkpoint in mmengine's note, by its name in this folder."""
    try:
        text = (folder / 'last_checkpoint').read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return folder / Path(text).name if text else None
