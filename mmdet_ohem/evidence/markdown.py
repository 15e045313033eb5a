"""Tables in Markdown."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from mmdet_ohem.evidence.records import TRIALS, EvidenceRecord

#: Stands for a number that nobody has measured.
NOTHING = '-'
_MAP = 'pascal_voc/mAP'


def markdown(lines: Sequence[dict[str, str]]) -> str:
    """A table, or a sentence where there is no line.

    Args:
        lines: Cells by the header of their column.
    """
    if not lines:
        return 'Nothing was run.'
    text = pd.DataFrame(lines).fillna('')
    return text.to_markdown(index=False, disable_numparse=True)


def losses_table(path: Path, kind: str) -> str:
    """Mean loss of the RoIs of a kind as training goes on.

    Args:
        path: ``losses.csv`` of ``mmdet-ohem loss``.
        kind: ``'all'``, ``'fg'``, ``'near_bg'`` or ``'far_bg'``.

    Raises:
        ValueError: There is no such file, or it is something else.
    """
    try:
        table = pd.read_csv(path)
        table = table[table.kind == kind]
        return markdown(
            [
                {'run': label, **_by_iteration(curve)}
                for label, curve in table.groupby('label', sort=False)
            ]
        )
    except (OSError, ValueError, AttributeError, KeyError) as error:
        raise ValueError(
            f'{path} is no losses.csv of mmdet-ohem loss ({error!r})'
        ) from error


def trials_table(records: Iterable[EvidenceRecord]) -> str:
    """The mAP of each validation of the trials.

    Args:
        records: Of which the trials are shown.
    """
    lines = []
    for trial in records:
        if trial.data == TRIALS:
            curve = trial.curves[_MAP]
            points = zip(trial.iterations, curve, strict=True)
            found = {
                f'{step}': f'{100 * value:.1f}'
                for step, value in points
                if value is not None
            }
            lines.append({'trial': trial.config, **found})
    return markdown(lines)


def _by_iteration(curve: pd.DataFrame) -> dict[str, str]:
    pairs = zip(curve.iteration, curve.total, strict=True)
    return {f'{step}': f'{value:.3f}' for step, value in pairs}
