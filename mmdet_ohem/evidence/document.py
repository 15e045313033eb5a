"""A document whose numbers come from records, all of them."""

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, StrictUndefined, TemplateError

from mmdet_ohem.evaluation.false_positives import DECOY, KINDS
from mmdet_ohem.evidence.errors import error_key
from mmdet_ohem.evidence.markdown import (
    NOTHING,
    losses_table,
    markdown,
    trials_table,
)
from mmdet_ohem.evidence.statistics import Comparison, Evidence
from mmdet_ohem.tables import find_table
from mmdet_ohem.tables.row import Row

#: Metrics by the names that a document uses; any other one by its own key.
METRICS = {'AP50': 'pascal_voc/AP50', 'AP70': 'pascal_voc/AP70'}
_PERCENT = 100


class Document:
    """Fills a template with what records say.

    A template is Jinja2's, in Markdown, and sees these methods as functions.
    A leaf is named without its data: ``'vgg16_ohem'`` stands for
    ``fast_rcnn_vgg16_ohem_voc07``, and ``'sppnet_vgg16'`` for
    ``sppnet_vgg16_voc07``.

    Args:
        evidence: The records.
        folder: Of the template, and of further files that it names.
    """

    def __init__(self, evidence: Evidence, folder: Path = Path()) -> None:
        self.evidence = evidence
        self.folder = folder

    def render(self, template: str) -> str:
        """Fill a template.

        Args:
            template: Its text.

        Returns:
            The document.

        Raises:
            ValueError: The template asks for what there is not.
        """
        names = (
            'table', 'value', 'difference', 'p_value', 'verdict', 'classes',
            'late', 'runs', 'trials', 'false_positives', 'errors', 'losses',
        )  # fmt: skip
        environment = Environment(
            undefined=StrictUndefined, keep_trailing_newline=True
        )
        environment.globals |= {name: getattr(self, name) for name in names}
        try:
            return environment.from_string(template).render()
        except TemplateError as error:
            raise ValueError(
                f'the template of the document is wrong: {error}'
            ) from error

    def runs(self, data: str, leaf: str | None = None) -> int:
        """Number of runs on some data, or of one leaf on them."""
        return sum(
            x.data == data and leaf in (None, _short(x.config))
            for x in self.evidence.records
        )

    def value(self, data: str, leaf: str, metric: str = 'AP50') -> str:
        """Mean and spread of a metric, in percent."""
        where = data, _config(leaf), METRICS.get(metric, metric)
        mean = self.evidence.mean(*where)
        spread = self.evidence.spread(*where)
        if mean is None:
            return NOTHING
        return f'{mean:.1f}' + ('' if spread is None else f' ± {spread:.1f}')

    def difference(
        self, data: str, leaf: str, other: str, metric: str = 'AP50'
    ) -> str:
        """Mean difference over the common seeds, in percent points."""
        mean = self._compare(data, leaf, other, metric).mean
        return NOTHING if mean is None else f'{mean:+.1f}'

    def p_value(
        self, data: str, leaf: str, other: str, metric: str = 'AP50'
    ) -> str:
        """Of the paired t test of a difference."""
        p_value = self._compare(data, leaf, other, metric).p_value
        if p_value is None:
            return NOTHING
        return '< .001' if p_value < 0.001 else f'{p_value:.3f}'.lstrip('0')

    def verdict(
        self, data: str, leaf: str, other: str, metric: str = 'AP50'
    ) -> str:
        """'higher', 'lower' or 'not decided'."""
        return self._compare(data, leaf, other, metric).verdict

    def late(self, data: str, leaf: str, scalar: str) -> str:
        """Mean of a logged scalar over the last quarter of training."""
        mean = self.evidence.late_mean(data, _config(leaf), scalar)
        return NOTHING if mean is None else f'{mean:.3g}'

    def table(self, data: str, name: str = '1', base: str = 'vgg16') -> str:
        """Rows of a table that were run, in Markdown.

        Args:
            data: Name of the profile.
            name: Of the table, as for ``mmdet-ohem table``.
            base: The leaf that all others are compared with.
        """
        lines = [
            self._line(data, row, base)
            for row in find_table(name).rows
            if row.name and self.runs(data, _short(row.name))
        ]
        return markdown(lines)

    def classes(
        self, data: str, leaves: Iterable[str], metric: str = 'AP50'
    ) -> str:
        """Mean AP of each class, in Markdown, a line for each leaf."""
        lines = []
        for leaf in leaves:
            runs = self.evidence.runs(data, _config(leaf)).values()
            prefix = f'{METRICS.get(metric, metric)}/'
            names = sorted({k for x in runs for k in x.metrics if prefix in k})
            values = {
                k.removeprefix(prefix): self.evidence.mean(
                    data, _config(leaf), k
                )
                for k in names
            }
            shown = {k: f'{x:.1f}' for k, x in values.items() if x is not None}
            lines.append({'leaf': leaf, **shown})
        return markdown(lines)

    def false_positives(
        self, data: str, leaves: Iterable[str], recall: int
    ) -> str:
        """False positives an image at a recall, in Markdown.

        Args:
            data: Name of the profile.
            leaves: A line for each.
            recall: Percent of the objects of each class.
        """
        lines = []
        for leaf in leaves:
            line = {'leaf': leaf}
            line['classes that reach it'] = self.errors(
                data, leaf, 'classes', recall
            )
            for kind in (DECOY, *KINDS):
                line[kind] = self.errors(data, leaf, kind, recall)
            lines.append(line)
        # Most data have no decoys.
        if all(line[DECOY] == NOTHING for line in lines):
            for line in lines:
                del line[DECOY]
        return markdown(lines)

    def errors(self, data: str, leaf: str, kind: str, recall: int) -> str:
        """False positives of a kind an image, or classes that reach a recall.

        Args:
            data: Name of the profile.
            leaf: Of which.
            kind: One of ``KINDS``, or ``'classes'``.
            recall: Percent of the objects of each class.
        """
        key = error_key(kind, recall)
        mean = self.evidence.mean(data, _config(leaf), key)
        # A number, which Evidence takes for a share.
        return NOTHING if mean is None else f'{mean / _PERCENT:.2f}'

    def losses(self, name: str, kind: str = 'all') -> str:
        """Mean loss of the RoIs of a kind as training goes on, in Markdown.

        Args:
            name: A file of ``mmdet-ohem loss``, beside the template.
            kind: ``'all'``, ``'fg'``, ``'near_bg'`` or ``'far_bg'``.

        Raises:
            ValueError: There is no such file, or it is something else.
        """
        return losses_table(self.folder / name, kind)

    def trials(self) -> str:
        """The mAP of each validation of the trials, in Markdown."""
        return trials_table(self.evidence.records)

    def _line(self, data: str, row: Row, base: str) -> dict[str, str]:
        """One row of a table."""
        leaf = _short(str(row.name))
        line = {
            'row': str(row.number),
            **row.settings,
            'paper': str(row.paper.get('mAP', NOTHING)),
            'seeds': str(self.runs(data, leaf)),
        }
        for metric in METRICS:
            line[metric] = self.value(data, leaf, metric)
            line[f'Δ {metric}'] = self.difference(data, leaf, base, metric)
            line[f'p {metric}'] = self.p_value(data, leaf, base, metric)
        if leaf == base:
            line |= {k: NOTHING for k in line if k[:2] in ('Δ ', 'p ')}
        return line

    def _compare(
        self, data: str, leaf: str, other: str, metric: str
    ) -> Comparison:
        return self.evidence.compare(
            data, _config(leaf), _config(other), METRICS.get(metric, metric)
        )


def write_document(template: Path, evidence: Evidence) -> str:
    """Fill the template in a file.

    Args:
        template: The file.
        evidence: What its numbers come from.

    Returns:
        The document.

    Raises:
        ValueError: The template asks for what there is not.
    """
    text = template.read_text(encoding='utf-8')
    return Document(evidence, template.parent).render(text)


def _config(leaf: str) -> str:
    # SPPnet and MR-CNN have names of their own.
    prefix = 'fast_rcnn_' if leaf.startswith('vgg') else ''
    return f'{prefix}{leaf}_voc07'


def _short(config: str) -> str:
    return config.removeprefix('fast_rcnn_').removesuffix('_voc07')
