"""Finished runs, read and set beside the paper."""

import csv
import io
import json
from pathlib import Path

import pytest

from mmdet_ohem.runs.run_record import write_finished
from mmdet_ohem.tables import TABLES, RunRecord
from mmdet_ohem.tables.collect import SERVER, collect
from mmdet_ohem.tables.render import render_csv, render_markdown
from mmdet_ohem.tables.run_plan import run_folder

OHEM = 'fast_rcnn_vgg16_ohem_voc07'
VOC12 = 'fast_rcnn_vgg16_ohem_voc12'


def finish(
    work_dir: Path,
    seed: int,
    metrics: dict[str, float],
    data: str = 'full',
    config: str = OHEM,
) -> Path:
    """A finished run; metrics without their prefix."""
    folder = run_folder(work_dir, config, data, seed)
    folder.mkdir(parents=True)
    named = {f'pascal_voc/{key}': x for key, x in metrics.items()}
    write_finished(folder, RunRecord(config, data, seed, 'hash', named))
    return folder


def line_of(text: str, row: int) -> list[str]:
    """Cells of the first line of a row."""
    lines = [x for x in text.splitlines() if x.startswith(f'| {row} |')]
    return [cell.strip() for cell in lines[0].strip('|').split('|')]


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


def test_a_run_that_is_not_finished_does_not_count(tmp_path: Path) -> None:
    run_folder(tmp_path, OHEM, 'full', 0).mkdir(parents=True)
    (result,) = collect(TABLES[1], tmp_path, 'full')[12:]
    assert result.measured['mAP'].values == ()


def test_demo_runs_are_never_mixed_with_others(tmp_path: Path) -> None:
    finish(tmp_path, 0, dict(mAP=0.25), data='demo')
    full = collect(TABLES[1], tmp_path, 'full')
    assert full[12].measured['mAP'].values == ()
    text = render_markdown(
        TABLES[1], collect(TABLES[1], tmp_path, 'demo'), 'demo'
    )
    assert 'ours (demo)' in text
    assert 'not comparable' in text.replace('\n', ' ')
    # No difference between things that cannot be compared.
    assert line_of(text, 13)[-3:] == ['25.0', '1', '']


def test_a_run_in_a_wrong_folder_is_an_error(tmp_path: Path) -> None:
    folder = finish(tmp_path, 0, dict(mAP=0.25), data='demo')
    wrong = run_folder(tmp_path, OHEM, 'full', 0)
    wrong.parent.mkdir(parents=True)
    folder.rename(wrong)
    with pytest.raises(ValueError, match=r'holds a demo run.*put it back'):
        collect(TABLES[1], tmp_path, 'full')


def test_classes_are_listed_below(tmp_path: Path) -> None:
    finish(tmp_path, 0, {'mAP': 0.7, 'AP50/aeroplane': 0.722})
    text = render_markdown(
        TABLES[3], collect(TABLES[3], tmp_path, 'full'), 'full'
    )
    rows = [x for x in text.splitlines() if x.startswith('| 3 |')]
    assert rows[1].startswith('| 3 | paper | 69.9 | 71.2 | 78.3')
    assert rows[2].startswith('| 3 | ours | 70.0 | 72.2 |  |')
    assert rows[3].startswith('| 3 | difference | +0.1 | +1.0 |  |')


def test_the_answer_of_a_server_is_taken(tmp_path: Path) -> None:
    folder = finish(tmp_path, 0, {}, config=VOC12)
    (folder / SERVER).write_text(json.dumps({'mAP': 70.1, 'dog': 80.0}))
    result = collect(TABLES[4], tmp_path, 'full')[1]
    assert result.measured['mAP'].values == (70.1,)
    assert result.measured['dog'].values == (80.0,)
    assert result.measured['cat'].values == ()
    (folder / SERVER).write_text(json.dumps({'map': 70.1}))
    with pytest.raises(ValueError, match=r"\['map'\], which table 4"):
        collect(TABLES[4], tmp_path, 'full')


def test_csv_has_a_line_for_each_number_unrounded(tmp_path: Path) -> None:
    finish(tmp_path, 0, {'mAP': 0.70123, 'AP50/aeroplane': 0.722})
    text = render_csv(TABLES[3], collect(TABLES[3], tmp_path, 'full'), 'full')
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 10 * 21
    line = next(x for x in lines if (x['row'], x['metric']) == ('3', 'mAP'))
    assert float(line['mean']) == pytest.approx(70.123)
    assert float(line['difference']) == pytest.approx(0.223)
    assert (line['paper'], line['released']) == ('69.9', '71.5')
    assert (line['seeds'], line['spread'], line['data']) == ('1', '', 'full')
    empty = next(x for x in lines if x['row'] == '4')
    assert (empty['mean'], empty['difference']) == ('', '')
