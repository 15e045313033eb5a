"""The checkpoint from which a training that broke off goes on."""

from pathlib import Path

from mmdet_ohem.runs.checkpoints import find_checkpoints, is_torn


def last_checkpoint(
    folder: Path, note_folder: Path | None = None
) -> Path | None:
    """Find the newest readable checkpoint of a training.

    mmengine trusts the note ``last_checkpoint``, which is empty or out of
    date where a process was killed while it saved. Here the note only says
    where to begin: a checkpoint of a higher number, written after the one in
    the note, is newer. Others of higher numbers are of an earlier training
    in the same folder.

    Args:
        folder: mmdet's ``--work-dir``, or where else checkpoints go.
        note_folder: Where the note is, if it is elsewhere.

    Returns:
        The file, checked to its last byte (a folder, as DeepSpeed writes
        them, is not looked into); None where there is none. Torn ones that
        are newer are named in a warning.
    """
    for path in _newest_first(folder, _read_note(note_folder or folder)):
        if path.is_dir() or not is_torn(path, thorough=True):
            return path
    return None


def _newest_first(folder: Path, note: str) -> list[Path]:
    """Checkpoints of a folder, those of its last training first."""
    numbers = {path: n for n, path in find_checkpoints(folder).items()}
    # The clock of some file systems is coarse: then the number decides.
    paths = sorted(
        numbers,
        key=lambda path: (path.stat().st_mtime_ns, numbers[path]),
        reverse=True,
    )
    noted = folder / note
    if noted not in paths:
        return paths
    # The process may have been killed between a checkpoint and its note.
    after = paths[: paths.index(noted)]
    after = [path for path in after if numbers[path] > numbers[noted]]
    first = [*sorted(after, key=numbers.__getitem__, reverse=True), noted]
    return [*first, *(path for path in paths if path not in first)]


def _read_note(folder: Path) -> str:
    """The name of the checkpoint in mmengine's note, if there is one."""
    try:
        text = (folder / 'last_checkpoint').read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ''
    return Path(text).name
