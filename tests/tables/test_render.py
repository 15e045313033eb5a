"""Results beside the paper, as Markdown and CSV."""

import csv
import io
from pathlib import Path

import pytest

from mmdet_ohem.tables import TABLES
from mmdet_ohem.tables.collect import collect
from mmdet_ohem.tables.render import render_csv, render_markdown
from tests.tables.finished_runs import finish


def lines_of(text: str, row: int) -> list[list[str]]:
    """Cells of all lines of a row."""
    lines = [x for x in text.splitlines() if x.startswith('|')]
    cells = [[x.strip() for x in line.split('|')[1:-1]] for line in lines]
    return [x for x in cells if x[0] == str(row)]


def line_of(text: str, row: int) -> list[str]:
    """Cells of the first line of a row."""
    return lines_of(text, row)[0]


def test_mean_and_spread_are_over_seeds(tmp_path: Path) -> None:
    for seed, value in enumerate([0.70, 0.71, 0.69]):
        finish(tmp_path, seed, dict(mAP=value))
    results = collect(TABLES[1], tmp_path, 'full')
    measured = results[12].measured['mAP']
    assert measured.values == pytest.approx((70, 71, 69))
    assert measured.mean == pytest.approx(70)
    # Of a single run: sqrt((0 + 1 + 1) / 2).
    assert measured.spread == pytest.approx(1)
    cells = line_of(render_markdown(TABLES[1], results, 'full'), 13)
    assert cells[-5:] == ['69.9', '71.5', '70.0 ± 1.0', '3', '+0.1']


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    finish(tmp_path, 0, dict(mAP=0.7))
    results = collect(TABLES[1], tmp_path, 'full')
    cells = line_of(render_markdown(TABLES[1], results, 'full'), 13)
    assert cells[-3:] == ['70.0', '1', '+0.1']


def test_rows_that_were_not_run_are_empty(tmp_path: Path) -> None:
    results = collect(TABLES[1], tmp_path, 'full')
    text = render_markdown(TABLES[1], results, 'full')
    assert len(results) == 13
    for row in TABLES[1].rows:
        assert line_of(text, row.number)[-3:] == ['', '', '']


def test_demo_runs_are_never_mixed_with_others(tmp_path: Path) -> None:
    finish(tmp_path, 0, dict(mAP=0.25), data='demo')
    full = collect(TABLES[1], tmp_path, 'full')
    assert full[12].measured['mAP'].values == ()
    text = render_markdown(
        TABLES[1], collect(TABLES[1], tmp_path, 'demo'), 'demo'
    )
    assert 'ours (demo)' in text
    assert 'not with the numbers of the paper' in text
    # No difference between things that cannot be compared.
    assert line_of(text, 13)[-3:] == ['25.0', '1', '']


def test_classes_are_listed_below(tmp_path: Path) -> None:
    finish(tmp_path, 0, {'mAP': 0.7, 'AP50/aeroplane': 0.722})
    text = render_markdown(
        TABLES[3], collect(TABLES[3], tmp_path, 'full'), 'full'
    )
    rows = lines_of(text, 3)
    assert rows[1][:5] == ['3', 'paper', '69.9', '71.2', '78.3']
    assert rows[2][:5] == ['3', 'ours', '70.0', '72.2', '']
    assert rows[3][:5] == ['3', 'difference', '+0.1', '+1.0', '']


def test_csv_has_a_line_for_each_number_unrounded(tmp_path: Path) -> None:
    finish(tmp_path, 0, {'mAP': 0.70123, 'AP50/aeroplane': 0.722})
    text = render_csv(TABLES[3], collect(TABLES[3], tmp_path, 'full'), 'full')
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == len(TABLES[3].rows) * 21
    line = next(x for x in lines if (x['row'], x['metric']) == ('3', 'mAP'))
    assert float(line['mean']) == pytest.approx(70.123)
    assert float(line['difference']) == pytest.approx(0.223)
    assert (line['paper'], line['released']) == ('69.9', '71.5')
    assert (line['seeds'], line['spread'], line['data']) == ('1', '', 'full')
    empty = next(x for x in lines if x['row'] == '4')
    assert (empty['mean'], empty['difference']) == ('', '')


def test_markdown_is_a_table_of_cells_as_they_are(tmp_path: Path) -> None:
    results = collect(TABLES[1], tmp_path, 'full')
    title, empty, header, rule, first, *_ = render_markdown(
        TABLES[1], results, 'full'
    ).splitlines()
    assert title.startswith('## Table 1: ') and empty == ''
    assert len(header) == len(rule) == len(first)
    assert [x.strip() for x in header.split('|')[1:-1]] == [
        'row', 'experiment', 'net', 'N', 'LR', 'B', 'bg_lo', 'paper mAP',
        'released code', 'ours', 'seeds', 'difference',
    ]  # fmt: skip
    assert set(rule) <= set('|:-')
    # Neither 1e-3 nor 0.10.
    assert [x.strip() for x in first.split('|')[3:8]] == [
        'VGGM', '2', '0.001', '128', '0.1',
    ]  # fmt: skip
