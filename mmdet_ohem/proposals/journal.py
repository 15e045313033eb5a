"""Keeps the boxes of finished images while a proposal file is being made.

A database of SQLite with two tables: how the boxes are made, and a row an
image. Every image is a transaction, so that a process killed at any moment
loses no image that it had finished. An image whose boxes the disk has spoilt
since is known by its checksum, and left out.
"""

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

# Marks our databases among those of other programs: 'ohem' in ASCII.
_APPLICATION_ID = 0x6F68656D
_TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (
    name TEXT PRIMARY KEY, num_boxes INTEGER NOT NULL, boxes BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
"""


class SettingsMismatchError(ValueError):
    """Boxes on disk were made in another way than those asked for."""


class Journal:
    """The finished images of a run that may have been interrupted.

    Open it with ``with``; it is then in step with its file, and what
    :meth:`add` was given is on the disk when it returns.

    Args:
        path: The file; made when missing.
        settings: How the boxes are made; values that JSON has.

    Attributes:
        boxes: ``(n, 4)`` float32 by image id.

    Raises:
        SettingsMismatchError: The file was written under other settings.
        ValueError: The file is something else, damaged, or in use by another
            process; it is left as it is.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self.path = path
        self.boxes: dict[str, np.ndarray] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            self._forget_rollback()
        with self._naming_the_file():
            self._database = sqlite3.connect(path, timeout=1)
        try:
            with self._naming_the_file():
                self._open(dict(settings))
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> 'Journal':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.close()

    def add(self, image_id: str, boxes: np.ndarray) -> None:
        """Keeps one image's boxes.

        Args:
            image_id: Name of the image.
            boxes: ``(n, 4)`` float32.

        Raises:
            ValueError: The file cannot be written.
        """
        self.boxes[image_id] = boxes
        data = boxes.astype('<f4').tobytes()
        row = (image_id, len(boxes), data, zlib.crc32(data))
        with self._naming_the_file(), self._database:
            self._database.execute(
                'INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?)', row
            )

    def remove(self) -> None:
        """Closes and deletes the file."""
        self._database.close()
        self.path.unlink(missing_ok=True)
        self._forget_rollback()

    def _forget_rollback(self) -> None:
        """Deletes what a killed process left for undoing its last step.

        SQLite keeps it beside the file, and does not delete it where a later
        process has nothing to write; beside a new file it would be wrong.
        """
        name = f'{self.path.name}-journal'
        self.path.with_name(name).unlink(missing_ok=True)

    def _open(self, settings: dict[str, object]) -> None:
        """Makes the tables of a new file, or reads those of an old one."""
        # One process at a time: two would do the same images.
        self._database.execute('PRAGMA locking_mode = EXCLUSIVE')
        with self._database:
            self._database.execute('BEGIN EXCLUSIVE')
            if self._is_new():
                self._make_tables(settings)
                return
        found = {
            name: json.loads(value)
            for name, value in self._database.execute('SELECT * FROM settings')
        }
        rows = self._database.execute('SELECT * FROM images')
        for name, count, data, checksum in rows:
            if zlib.crc32(data) == checksum:
                # A copy, since what comes from bytes cannot be written to.
                boxes = np.frombuffer(data, '<f4').astype(np.float32)
                self.boxes[name] = boxes.reshape(count, 4)
        if found != settings:
            raise SettingsMismatchError(
                f'{self.path} holds {len(self.boxes)} images of an '
                f'unfinished run made with {found}, this run asks for '
                f'{settings}; finish that run with its own settings, delete '
                'the file, or choose another output file'
            )

    def _is_new(self) -> bool:
        """Whether the file is still empty.

        Raises:
            ValueError: It is a database of another program.
        """
        (mark,) = self._database.execute('PRAGMA application_id').fetchone()
        (tables,) = self._database.execute(
            'SELECT COUNT(*) FROM sqlite_master'
        ).fetchone()
        if mark != _APPLICATION_ID and (mark or tables):
            raise sqlite3.DatabaseError('a database of another program')
        return not tables

    def _make_tables(self, settings: dict[str, object]) -> None:
        self._database.execute(f'PRAGMA application_id = {_APPLICATION_ID}')
        for statement in _TABLES.strip().rstrip(';').split(';'):
            self._database.execute(statement)
        self._database.executemany(
            'INSERT INTO settings VALUES (?, ?)',
            [(name, json.dumps(value)) for name, value in settings.items()],
        )

    @contextlib.contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        """Say which file it is that SQLite complains of."""
        try:
            yield
        except SettingsMismatchError:
            raise
        except sqlite3.OperationalError as error:
            raise ValueError(
                f'{self.path}, where unfinished proposals are kept, cannot '
                f'be used ({error}); wait until no other process makes the '
                'same file, make room on the disk, or choose another output '
                'file'
            ) from error
        except (sqlite3.DatabaseError, ValueError) as error:
            raise ValueError(
                f'{self.path} is in the way: unfinished proposals are kept '
                f'there, but it holds something else or is damaged ({error}); '
                'move or delete it, or choose another output file'
            ) from error
