"""Keeps the boxes of finished images while a proposal file is being made.

A database of SQLite with two tables: how the boxes are made, and a row an
image. The boxes stay there until they are asked for. Every image is a
transaction, so that a process killed at any moment loses no image that it had
finished. An image whose boxes the disk has spoilt since is known by its
checksum, and left out.
"""

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from mmdet_ohem.counts import Count
from mmdet_ohem.proposals.proposal_entries import FoundBoxes

# Marks our databases among those of other programs: 'ohem' in ASCII.
_APPLICATION_ID = 0x6F68656D
_TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (
    name TEXT PRIMARY KEY, num_boxes INTEGER NOT NULL, boxes BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
"""
# Later than the others: a run that an older version began goes on.
_LATER_COLUMNS = {
    'scores': "BLOB NOT NULL DEFAULT x''",
    'width': 'INTEGER NOT NULL DEFAULT 0',
    'height': 'INTEGER NOT NULL DEFAULT 0',
}
_SELECT = (
    'SELECT name, num_boxes, boxes, scores, width, height, checksum '
    'FROM images'
)


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
        counts: Number of boxes by image id.
        sizes: Width and height by image id, pixels.

    Raises:
        SettingsMismatchError: The file was written under other settings.
        ValueError: The file is something else, damaged, or in use by another
            process; it is left as it is.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self.path = path
        self.counts: dict[str, int] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
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

    def add(self, image_id: str, found: FoundBoxes) -> None:
        """Keeps one image's boxes.

        Args:
            image_id: Name of the image.
            found: Of the image.

        Raises:
            ValueError: The file cannot be written.
        """
        boxes = found.boxes.astype('<f4').tobytes()
        scores = b''
        if found.scores is not None:
            scores = found.scores.astype('<f4').tobytes()
        count, checksum = len(found.boxes), zlib.crc32(boxes + scores)
        row = (image_id, count, boxes, checksum, scores, *found.size)
        with self._naming_the_file(), self._database:
            self._database.execute(
                'INSERT OR REPLACE INTO images (name, num_boxes, boxes, '
                'checksum, scores, width, height) VALUES (?, ?, ?, ?, ?, ?, '
                '?)',
                row,
            )
        self.counts[image_id], self.sizes[image_id] = count, found.size

    def read(self, image_id: str) -> FoundBoxes:
        """Reads one image's boxes.

        Args:
            image_id: One of ``counts``.

        Raises:
            ValueError: The file cannot be read.
        """
        with self._naming_the_file():
            (row,) = self._database.execute(
                f'{_SELECT} WHERE name = ?', (image_id,)
            )
        _, count, data, scores, width, height, _ = row
        # A copy, since what comes from bytes cannot be written to.
        boxes = np.frombuffer(data, '<f4').astype(np.float32)
        return FoundBoxes(
            boxes.reshape(count, 4),
            (width, height),
            np.frombuffer(scores, '<f4').astype(np.float32)
            if scores
            else None,
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
        self._add_columns()
        for row in self._database.execute(_SELECT):
            name, count, boxes, scores, *size, checksum = row
            if zlib.crc32(boxes + scores) == checksum:
                self.counts[name], self.sizes[name] = count, tuple(size)
        if found != settings:
            raise SettingsMismatchError(
                f'{self.path} holds {Count(len(self.counts)):image} of an '
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

    def _add_columns(self) -> None:
        """Brings the table of an older version up to date."""
        known = {
            row[1]
            for row in self._database.execute('PRAGMA table_info(images)')
        }
        for name, kind in _LATER_COLUMNS.items():
            if name not in known:
                self._database.execute(
                    f'ALTER TABLE images ADD COLUMN {name} {kind}'
                )

    def _make_tables(self, settings: dict[str, object]) -> None:
        self._database.execute(f'PRAGMA application_id = {_APPLICATION_ID}')
        for statement in _TABLES.strip().rstrip(';').split(';'):
            self._database.execute(statement)
        self._database.executemany(
            'INSERT INTO settings VALUES (?, ?)',
            [(name, json.dumps(value)) for name, value in settings.items()],
        )
        self._add_columns()

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
