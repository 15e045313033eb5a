"""A document whose numbers come from records, all of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined, TemplateError

from mmdet_ohem.evaluation.false_positives import DECOY, KINDS
from mmdet_ohem.evidence.markdown import (
    NOTHING,
    losses_table,
    markdown,
    trials_table,
)
from mmdet_ohem.evidence.numbers import (
    METRICS,
    PERCENT,
    Numbers,
    config_name,
    short_name,
)
from mmdet_ohem.evidence.statistics import Evidence
from mmdet_ohem.evidence.training_figure import training_table
from mmdet_ohem.tables import find_table
from mmdet_ohem.tables.row import Row

# VGG_CNN_M_1024 in the names of leaves.
_SMALLER = 'vgg_m'


class Document:
    """Fills a template with what records say.

    A template is Jinja2's, in Markdown, and sees the methods of ``numbers``
    and of this as functions. Leaves go by the names of ``Numbers``.

    Args:
        evidence: The records.
        folder: Of the template, and of further files that it names.

    Attributes:
        numbers: Single ones.
        drawn: Tables of the figures that the template asked for, by file.
    """

    def __init__(self, evidence: Evidence, folder: Path = Path()) -> None:
        self.evidence = evidence
        self.folder = folder
        self.numbers = Numbers(evidence)
        self.drawn: dict[Path, pd.DataFrame] = {}

    def render(self, template: str) -> str:
        """Fill a template.

        Args:
            template: Its text.

        Returns:
            The document.

        Raises:
            ValueError: The template asks for what there is not.
        """
        single = (
            'value', 'difference', 'p_value', 'compared', 'answer', 'late',
            'runs', 'seeds', 'errors',
        )  # fmt: skip
        own = (
            'table', 'classes', 'trials', 'false_positives', 'losses',
            'training',
        )  # fmt: skip
        environment = Environment(
            undefined=StrictUndefined, keep_trailing_newline=True
        )
        environment.globals |= {x: getattr(self.numbers, x) for x in single}
        environment.globals |= {x: getattr(self, x) for x in own}
        try:
            return environment.from_string(template).render()
        except TemplateError as error:
            raise ValueError(
                f'the template of the document is wrong: {error}'
            ) from error

    def table(self, data: str, name: str = '1', base: str = 'vgg16') -> str:
        """Rows of a table that were run, in Markdown.

        Args:
            data: Name of the profile.
            name: Of the table, as for ``mmdet-ohem table``.
            base: The leaf of VGG16 that all others of VGG16 are compared with;
                those of VGG_CNN_M_1024 are compared with the same of theirs.
        """
        lines = [
            self._line(data, row, base)
            for row in find_table(name).rows
            if row.name and self.numbers.runs(data, short_name(row.name))
        ]
        return markdown(lines)

    def classes(
        self, data: str, leaves: Iterable[str], metric: str = 'AP50'
    ) -> str:
        """Mean AP of each class, in Markdown, a line for each leaf."""
        lines = []
        for leaf in leaves:
            runs = self.evidence.runs(data, config_name(leaf)).values()
            prefix = f'{METRICS.get(metric, metric)}/'
            names = sorted({k for x in runs for k in x.metrics if prefix in k})
            values = {
                k.removeprefix(prefix): self.evidence.mean(
                    data, config_name(leaf), k
                )
                for k in names
            }
            shown = {
                k: f'{PERCENT * x:.1f}'
                for k, x in values.items()
                if x is not None
            }
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
            line['classes that reach it'] = self.numbers.errors(
                data, leaf, 'classes', recall
            )
            for kind in (DECOY, *KINDS):
                line[kind] = self.numbers.errors(data, leaf, kind, recall)
            lines.append(line)
        # Most data have no decoys.
        if all(line[DECOY] == NOTHING for line in lines):
            for line in lines:
                del line[DECOY]
        return markdown(lines)

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

    def training(
        self,
        name: str,
        data: str,
        leaves: Mapping[str, str],
        scalars: Mapping[str, str],
    ) -> str:
        """A figure of scalars as training goes on, mean over the seeds.

        Its numbers come to ``drawn``, from which it is drawn.

        Args:
            name: Of the figure, a file beside the template: ``NAME.svg``.
            data: Name of the profile.
            leaves: Leaves by their names in the legend.
            scalars: Logged scalars by the titles of their panels.

        Returns:
            The figure in Markdown.

        Raises:
            ValueError: There is no number at all.
        """
        table = training_table(self.evidence, data, leaves, scalars)
        self.drawn[self.folder / f'{name}.svg'] = table
        told = ', '.join(dict.fromkeys(table.scalar))
        return f'![{told}]({self.folder.name}/{name}.svg)'

    def _line(self, data: str, row: Row, base: str) -> dict[str, str]:
        """One row of a table."""
        leaf = short_name(str(row.name))
        if _SMALLER in leaf:
            base = base.replace('vgg16', _SMALLER)
        line = {
            'row': str(row.number),
            **row.settings,
            'paper': str(row.paper.get('mAP', NOTHING)),
            'seeds': str(self.numbers.runs(data, leaf)),
        }
        for metric in METRICS:
            line[metric] = self.numbers.value(data, leaf, metric)
            line[f'Δ {metric}'] = self.numbers.difference(
                data, leaf, base, metric
            )
            line[f'p {metric}'] = self.numbers.p_value(
                data, leaf, base, metric
            )
        if leaf == base:
            line |= {k: NOTHING for k in line if k[:2] in ('Δ ', 'p ')}
        return line
