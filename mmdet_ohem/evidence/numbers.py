"""Single numbers of a document, as text, from records."""

from mmdet_ohem.evidence.errors import error_key
from mmdet_ohem.evidence.markdown import NOTHING
from mmdet_ohem.evidence.statistics import (
    Claim,
    Comparison,
    Evidence,
    compare_seeds,
)

#: Metrics by the names that a document uses; any other one by its own key.
METRICS = {'AP50': 'pascal_voc/AP50', 'AP70': 'pascal_voc/AP70'}
PERCENT = 100


class Numbers:
    """What records say of leaves on some data.

    A leaf is named without its data: ``'vgg16_ohem'`` stands for
    ``fast_rcnn_vgg16_ohem_voc07``, and ``'sppnet_vgg16'`` for
    ``sppnet_vgg16_voc07``. One on other data than those that are given has
    them before its name: ``'third/vgg16_b2048'``.

    Args:
        evidence: The records.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def runs(self, data: str | None = None, leaf: str | None = None) -> int:
        """Number of runs: all, those on some data, or of one leaf there."""
        if data is not None and leaf is not None:
            return len(self.evidence.runs(*_find(data, leaf)))
        return sum(data in (None, x.data) for x in self.evidence.records)

    def seeds(self, data: str, leaf: str) -> str:
        """Number of runs of a leaf, with its noun: '3 seeds'."""
        number = self.runs(data, leaf)
        return f'{number} seed' + ('' if number == 1 else 's')

    def value(self, data: str, leaf: str, metric: str = 'AP50') -> str:
        """Mean and spread of a metric that is a share, in percent."""
        where = *_find(data, leaf), METRICS.get(metric, metric)
        mean = self.evidence.mean(*where)
        spread = self.evidence.spread(*where)
        if mean is None:
            return NOTHING
        text = f'{PERCENT * mean:.1f}'
        return text if spread is None else f'{text} ± {PERCENT * spread:.1f}'

    def difference(
        self, data: str, leaf: str, other: str, metric: str = 'AP50'
    ) -> str:
        """Mean difference over the common seeds, in percent points."""
        mean = self._compare(data, leaf, other, metric).mean
        return NOTHING if mean is None else f'{PERCENT * mean:+.1f}'

    def p_value(
        self, data: str, leaf: str, other: str, metric: str = 'AP50'
    ) -> str:
        """Of the paired t test of a difference."""
        p_value = self._compare(data, leaf, other, metric).p_value
        if p_value is None:
            return NOTHING
        return '< .001' if p_value < 0.001 else f'{p_value:.3f}'.lstrip('0')

    def compared(
        self, data: str, leaf: str, other: str, metric: str = 'AP50'
    ) -> str:
        """Difference and p value, '+1.2 (p .259)', or '+1.2 (1 seed)'."""
        difference = self.difference(data, leaf, other, metric)
        p_value = self.p_value(data, leaf, other, metric)
        if difference == NOTHING:
            return NOTHING
        known = '1 seed' if p_value == NOTHING else f'p {p_value}'
        return f'{difference} ({known})'

    def answer(
        self,
        claim: Claim,
        data: str,
        leaf: str,
        other: str,
        metric: str = 'AP50',
    ) -> str:
        """'yes', 'no' or 'not decided' to a claim about a difference."""
        return self._compare(data, leaf, other, metric).answer(claim)

    def late(self, data: str, leaf: str, scalar: str) -> str:
        """Mean of a logged scalar over the last quarter of training."""
        mean = self.evidence.late_mean(*_find(data, leaf), scalar)
        return NOTHING if mean is None else f'{mean:.3g}'

    def errors(self, data: str, leaf: str, kind: str, recall: int) -> str:
        """False positives of a kind an image, or classes that reach a recall.

        Args:
            data: Name of the profile.
            leaf: Of which.
            kind: One of ``KINDS``, or ``'classes'``.
            recall: Percent of the objects of each class.
        """
        key = error_key(kind, recall)
        mean = self.evidence.mean(*_find(data, leaf), key)
        return NOTHING if mean is None else f'{mean:.2f}'

    def _compare(
        self, data: str, leaf: str, other: str, metric: str
    ) -> Comparison:
        key = METRICS.get(metric, metric)
        ours = self.evidence.values(*_find(data, leaf), key)
        theirs = self.evidence.values(*_find(data, other), key)
        return compare_seeds(ours, theirs)


def _find(data: str, leaf: str) -> tuple[str, str]:
    """Data and whole name of a leaf, which may name its data itself."""
    elsewhere, _, name = leaf.rpartition('/')
    return elsewhere or data, config_name(name)


def config_name(leaf: str) -> str:
    """The whole name of a leaf.

    Args:
        leaf: Without its data.
    """
    # SPPnet and MR-CNN have names of their own.
    prefix = 'fast_rcnn_' if leaf.startswith('vgg') else ''
    return f'{prefix}{leaf}_voc07'


def short_name(config: str) -> str:
    """The name of a leaf without its data.

    Args:
        config: The whole one.
    """
    return config.removeprefix('fast_rcnn_').removesuffix('_voc07')
