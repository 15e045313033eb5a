"""Numbers and figure of the loss over all RoIs."""

import csv
from pathlib import Path

from mmdet_ohem.figure3.checkpoint_loss import CheckpointLoss
from mmdet_ohem.figure3.loss_report import RunLosses, draw_figure, write_csv
from mmdet_ohem.figure3.loss_sums import ALL, KIND_NAMES, KINDS


def losses() -> RunLosses:
    """Two foreground RoIs, one of easy background, none between."""
    sums = [[[2.0, 1.0, 1 / 3, 0.5], [0.0] * 4, [1.0, 0.0, 0.1, 0.0]]]
    result = CheckpointLoss('iter_2.pth', 2, 3, 0.1, sums)
    return RunLosses('random, bg_lo = 0.1', 'runs/a', [result])


def test_csv_has_a_line_a_kind_unrounded(tmp_path: Path) -> None:
    path = tmp_path / 'new' / 'losses.csv'
    write_csv([losses()], path)
    with path.open(newline='') as file:
        found = {row['kind']: row for row in csv.DictReader(file)}
    assert list(found) == [ALL, *KINDS] == list(KIND_NAMES)
    fg = found['fg']
    assert (fg['label'], fg['run']) == ('random, bg_lo = 0.1', 'runs/a')
    assert (fg['checkpoint'], fg['iteration']) == ('iter_2.pth', '2')
    assert (fg['num_images'], fg['stage']) == ('3', '0')
    assert (fg['num_rois'], fg['non_finite']) == ('2', '1')
    assert (float(fg['cls']), float(fg['loc'])) == (1 / 6, 0.25)
    assert float(fg['total']) == 1 / 6 + 0.25
    # A mean over no RoI is empty.
    none = found['near_bg']
    assert [none[x] for x in ('cls', 'loc', 'total')] == ['', '', '']
    assert none['num_rois'] == '0'
    assert [x.name for x in path.parent.iterdir()] == ['losses.csv']


def test_the_same_numbers_are_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / x / 'figure3.svg' for x in 'ab']
    for path in paths:
        draw_figure([losses()], [path])
    first, second = (path.read_bytes() for path in paths)
    assert first == second and first.startswith(b'<?xml')
    draw_figure([losses()], [tmp_path / 'x.png'])
    assert (tmp_path / 'x.png').read_bytes().startswith(b'\x89PNG')
