"""What a table of the paper consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row of a table, which one leaf config measures.

    Attributes:
        number: As in the paper; where it numbers none, counted from 1.
        config: Name of the leaf in ``configs/``, without ``.py``; None where
            other authors' method is quoted, which is not measured here.
        settings: What the table says of it, by column.
        paper: What the paper reports, by metric, in percent.
        released: What the authors' released code reaches by its own account,
            by metric, in percent; empty where nothing is said.
        keys: Values that differ from the leaf's, by dotted key, as
            ``--cfg-options`` has them.
        variant: What these are called in names of runs; empty without keys.
    """

    number: int
    config: str | None
    settings: Mapping[str, str]
    paper: Mapping[str, float]
    released: Mapping[str, float] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ''

    @property
    def name(self) -> str | None:
        """Of the row's runs: the leaf's, with the variant; None without."""
        if self.config is None or not self.variant:
            return self.config
        stem, _, data = self.config.rpartition('_')
        return f'{stem}_{self.variant}_{data}'


@dataclass(frozen=True)
class Table:
    """One table of the paper.

    Attributes:
        number: As in the paper; a name of a table that is not the paper's.
        title: What it is about, in a line.
        metrics: Metrics by the names that the rows use, the main one first
            -> key of the evaluation that measures it.
        rows: In the paper's order.
    """

    number: int | str
    title: str
    metrics: Mapping[str, str]
    rows: tuple[Row, ...]

    @property
    def heading(self) -> str:
        """Number and title, for a page."""
        return f'Table {self.number}: {self.title}'

    def select(self, numbers: list[int] | None) -> list[Row]:
        """Rows that can be measured.

        Args:
            numbers: Of these rows; None: of all.

        Returns:
            The rows, in the order of ``numbers``.

        Raises:
            ValueError: There is no such row, or it quotes another method.
        """
        known = {row.number: row for row in self.rows}
        for number in numbers or ():
            if number not in known:
                raise ValueError(
                    f'table {self.number} has no row {number}: its rows are '
                    f'1 to {len(self.rows)}'
                )
            if known[number].config is None:
                raise ValueError(
                    f'row {number} of table {self.number} quotes another '
                    'method, which is not measured here'
                )
        wanted = known if numbers is None else dict.fromkeys(numbers)
        return [known[x] for x in wanted if known[x].config is not None]
