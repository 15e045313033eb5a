"""The results of finished runs, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from mmdet_ohem.runs.metrics import measured
from mmdet_ohem.runs.run_record import RunRecord
from mmdet_ohem.runs.work_dir import SERVER, WorkDir
from mmdet_ohem.tables.profile import profile_name
from mmdet_ohem.tables.row import Row, Table
from mmdet_ohem.tables.run_plan import run_folder


@dataclass(frozen=True)
class Measured:
    """One metric of one row over the seeds that were run.

    Attributes:
        values: In percent, one for each finished run.
    """

    values: tuple[float, ...] = ()

    @property
    def mean(self) -> float | None:
        """Mean, None where nothing was run."""
        return mean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of a single run; None with less than two."""
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class RowResult:
    """A row and what was measured of it.

    Attributes:
        row: Of the table.
        measured: By metric of the table; nothing where it was not run.
    """

    row: Row
    measured: Mapping[str, Measured]


def collect(table: Table, work_dir: Path, data: str) -> list[RowResult]:
    """Read the finished runs of a table.

    Args:
        table: Which.
        work_dir: Of all tables.
        data: ``'full'``, or the profile; runs on other data are not read.

    Returns:
        All rows of the table, in its order.

    Raises:
        ValueError: A run lies in a folder where it does not belong, or a
            server's answer names no metric of the table.
    """
    results = []
    for row in table.rows:
        runs = _finished(row, work_dir, data)
        scores = [_scores(table, run, record) for run, record in runs]
        results.append(
            RowResult(
                row,
                {
                    name: Measured(tuple(x[name] for x in scores if name in x))
                    for name in table.metrics
                },
            )
        )
    return results


def _finished(
    row: Row, work_dir: Path, data: str
) -> list[tuple[WorkDir, RunRecord]]:
    """The finished runs of a row and their records."""
    if row.name is None:
        return []
    found, data = [], profile_name(data)
    for folder in sorted(
        run_folder(work_dir, row.name, data, 0).parent.glob('seed*')
    ):
        run = WorkDir(folder)
        record = run.finished
        if record is None:
            continue
        if (record.config, record.data) != (row.name, data):
            raise ValueError(
                f'{folder} holds a {record.data} run of {record.config}: it '
                'was moved there. Remedy: put it back, or run it here again'
            )
        found.append((run, record))
    return found


def _scores(table: Table, run: WorkDir, record: RunRecord) -> dict[str, float]:
    """Percent by metric of the table."""
    answer = run.server_answer
    if answer is None:
        # Not run.metrics, which would take a validation where a server is to
        # measure the test.
        found = measured(record.metrics)
        return {
            name: 100 * found[key]
            for name, key in table.metrics.items()
            if key in found
        }
    unknown = sorted(set(answer) - set(table.metrics))
    if unknown:
        raise ValueError(
            f'{run.folder / SERVER} has {unknown}, which table '
            f'{table.number} does not list. Remedy: percent by name, of '
            f'{list(table.metrics)}'
        )
    return {name: float(value) for name, value in answer.items()}
