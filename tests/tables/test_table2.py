"""Table 2 as the paper has it."""

import pytest

from mmdet_ohem.tables import TABLE2
from mmdet_ohem.tables.table2 import cost_ratio, find_costs


def test_rows_are_the_papers() -> None:
    assert [(x.seconds, x.memory_gb) for x in TABLE2] == [
        (0.13, 2.6), (0.22, 3.6), (0.60, 11.2), (0.57, 6.4), (1.00, 8.7),
    ]  # fmt: skip
    assert [x.number for x in TABLE2] == [1, 2, 3, 4, 5]
    assert [x.passes for x in TABLE2] == [1, 1, 1, 2, 2]


def test_ratios_are_to_the_baseline_in_as_many_passes() -> None:
    assert cost_ratio('VGG-M', 'OHEM') == pytest.approx(0.22 / 0.13)
    assert cost_ratio('VGG16', 'OHEM') == pytest.approx(1.00 / 0.57)
    assert cost_ratio('VGG16', 'baseline') == 1
    assert cost_ratio('VGG16', 'loss masking') is None
    assert find_costs('ResNet', 'OHEM') == []
