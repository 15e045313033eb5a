"""Records of finished runs, in one small file that goes with the document."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mmdet_ohem.evidence.average_precision import STRICT_AP, strict_ap
from mmdet_ohem.evidence.errors import error_metrics
from mmdet_ohem.host.files import write_text
from mmdet_ohem.runs.console_log import CONSOLE_LOG
from mmdet_ohem.runs.training_log import Curve
from mmdet_ohem.runs.work_dir import WorkDir

# What explains a result: how the loss falls, how large the steps are, and
# what was mined.
_CURVES = ('loss', 'loss_cls', 'loss_bbox', 'grad_norm', 'time')
_MINING = 'mining/'
_DIGITS = 4
#: What stands for the data of a training that chose a setting.
TRIALS = 'trials'


@dataclass(frozen=True)
class EvidenceRecord:
    """One finished run.

    Attributes:
        config: Name of the leaf.
        data: Name of the profile, or ``'full'``.
        seed: Of the run.
        config_hash: Of all values that can change the outcome.
        metrics: Key of the evaluation -> value, in [0, 1], and false
            positives for each image, where the test has kept detections.
        seconds: Training and test took.
        checkpoint: SHA-256 of the last checkpoint, which was tested.
        log: SHA-256 of what the run printed.
        versions: Of the software and hardware it ran on.
        iterations: At which the curves have their values.
        curves: What the training logged, by the name of the scalar; None
            where it logged nothing, or a number that is not finite.
    """

    config: str
    data: str
    seed: int
    config_hash: str
    metrics: Mapping[str, float]
    seconds: float
    checkpoint: str
    log: str
    versions: Mapping[str, str]
    iterations: tuple[int, ...]
    curves: Mapping[str, tuple[float | None, ...]]

    @property
    def key(self) -> tuple[str, str, int]:
        """What there is one record of: data, config and seed."""
        return self.data, self.config, self.seed


def collect_records(
    work_dir: Path, known: Iterable[EvidenceRecord] = ()
) -> list[EvidenceRecord]:
    """Read the finished runs below a folder.

    Args:
        work_dir: ``--work-dir`` of ``mmdet-ohem table``.
        known: Of earlier calls. Where a run's log and checkpoint are still
            those of its record, this is taken, which saves counting its false
            positives again.

    Returns:
        Their records, by data, config and seed.

    Raises:
        FileNotFoundError: There is none, or a run has lost its checkpoint.
    """
    folders = sorted(work_dir.glob('*/*/seed*'))
    runs = [WorkDir(x) for x in folders]
    known = list(known)
    found = [record_of(x, known) for x in runs if x.finished is not None]
    if not found:
        raise FileNotFoundError(
            f'{work_dir} has no finished run, of {len(folders)} that were '
            'begun. Remedy: give the --work-dir of mmdet-ohem table'
        )
    return sorted(found, key=lambda x: x.key)


def record_of(
    run: WorkDir, known: Iterable[EvidenceRecord] = ()
) -> EvidenceRecord:
    """Make the record of a finished run.

    Args:
        run: Its work dir.
        known: One of the same data, config, seed, checkpoint and log is
            returned.

    Raises:
        FileNotFoundError: It is not finished, or has lost its checkpoint.
    """
    finished, checkpoint = run.finished, run.last_checkpoint()
    if finished is None or checkpoint is None:
        lacks = 'record' if finished is None else 'checkpoint'
        raise FileNotFoundError(
            f'{run.folder} has no {lacks}. Remedy: mmdet-ohem table '
            'finishes it'
        )
    hashes = _sha256(checkpoint), _sha256(run.folder / CONSOLE_LOG)
    key = finished.data, finished.config, finished.seed
    for record in known:
        if (record.key, record.checkpoint, record.log) == (key, *hashes):
            return record
    names = [
        name
        for name in run.curves
        if name in _CURVES or name.startswith(_MINING)
    ]
    strict = {} if STRICT_AP in finished.metrics else strict_ap(run)
    iterations = sorted({i for x in names for i in run.curves[x].iterations})
    return EvidenceRecord(
        config=finished.config,
        data=finished.data,
        seed=finished.seed,
        config_hash=finished.config_hash,
        metrics=strict | dict(finished.metrics) | error_metrics(run),
        seconds=round(finished.seconds, 1),
        checkpoint=hashes[0],
        log=hashes[1],
        versions=run.versions,
        iterations=tuple(iterations),
        curves={x: _values(run.curves[x], iterations) for x in names},
    )


def trial_of(run: WorkDir) -> EvidenceRecord:
    """Make a record of a training that was validated, and not kept.

    Args:
        run: Its work dir, whose name becomes the name of the config.

    Returns:
        A record on the data ``'trials'``; its metrics are those of the last
        validation, its curves those of all.

    Raises:
        ValueError: It was never validated.
    """
    curves = run.validation
    if not curves:
        raise ValueError(
            f'{run.folder} has no validation in its log. Remedy: give work '
            'dirs of trainings with a val_dataloader'
        )
    steps = sorted({i for x in curves.values() for i in x.iterations})
    return EvidenceRecord(
        config=run.folder.name,
        data=TRIALS,
        seed=run.config.get('randomness', {}).get('seed') or 0,
        config_hash='',
        metrics={name: x.values[-1] for name, x in curves.items()},
        seconds=0.0,
        checkpoint='',
        log='',
        versions=run.versions,
        iterations=tuple(steps),
        curves={name: _values(x, steps) for name, x in curves.items()},
    )


def read_records(path: Path) -> list[EvidenceRecord]:
    """Read a file of records.

    Args:
        path: Of :func:`write_records`; where there is no file there is no
            record.

    Raises:
        ValueError: The file is something else.
    """
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            values = json.loads(line)
            values['iterations'] = tuple(values['iterations'])
            values['curves'] = {
                name: tuple(x) for name, x in values['curves'].items()
            }
            found.append(EvidenceRecord(**values))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f'{path}, line {number} is no record of a run ({error!r}). '
                'Remedy: tools/evidence.py of a clone writes it (collect)'
            ) from error
    return found


def write_records(path: Path, records: Iterable[EvidenceRecord]) -> None:
    """Write records, a line of JSON each, by data, config and seed.

    Args:
        path: The file; it is replaced whole.
        records: One for each key; of several the last one counts.
    """
    unique = {x.key: x for x in records}
    lines = [
        json.dumps(asdict(unique[key]), sort_keys=True) + '\n'
        for key in sorted(unique)
    ]
    write_text(path, ''.join(lines))


def _values(curve: Curve, iterations: list[int]) -> tuple[float | None, ...]:
    """Values at these iterations, with few digits."""
    known = dict(zip(curve.iterations, curve.values, strict=True))
    return tuple(_rounded(known.get(i)) for i in iterations)


def _rounded(value: float | None) -> float | None:
    # JSON knows no NaN.
    if value is None or value != value or abs(value) == float('inf'):
        return None
    return float(f'{value:.{_DIGITS}g}')


def _sha256(path: Path) -> str:
    if not path.exists():
        return ''
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()
