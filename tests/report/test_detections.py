"""What runs detect in the same images, side by side."""

import pickle
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmdet_ohem.report.detections import class_names, draw_detections
from mmdet_ohem.report.page import make_report
from mmdet_ohem.report.sheets import Sheet
from mmdet_ohem.runs.work_dir import WorkDir
from tests.runs.logged_runs import (
    train_line,
    write_log,
    write_logged_run,
    write_test,
)

CLASSES = """
test_dataloader = dict(
    dataset=dict(type='VOCDataset', metainfo=dict(classes=('zero', 'one'))))
"""


def write_run(
    folder: Path, images: tuple[str, ...] = ('one', 'two'), label: int = 1
) -> Path:
    """A run of 20 iterations, resumed at 10, and its test."""
    write_logged_run(folder, [])
    with (folder / 'config.py').open('a') as config:
        config.write(CLASSES)
    for start, steps in (('1', (5, 10)), ('2', (10, 15, 20))):
        lines = [
            train_line(
                step,
                loss=step / 10 + int(start),
                time=0.5 if step < 20 else 9.0,
                **{
                    'mining/sampled_fg_share': 40.0,
                    'mining/sampled_far_bg_share': 20.0,
                },
            )
            for step in steps
        ]
        write_log(folder, lines, start)
    write_test(folder / 'test', {'pascal_voc/mAP': 0.25}, '3')
    found = {
        'bboxes': torch.tensor([[5.0, 5, 30, 30]]),
        'scores': torch.tensor([0.9]),
        'labels': torch.tensor([label]),
    }
    detections = []
    for name in images:
        path = str(folder.parent / f'{name}.jpg')
        cv2.imwrite(path, np.zeros((40, 60, 3), np.uint8))
        detections.append({'img_path': path, 'pred_instances': found})
    (folder / 'test' / 'detections.pkl').write_bytes(pickle.dumps(detections))
    return folder


def pixels(sheet: Sheet) -> np.ndarray:
    code = sheet.url.removeprefix('data:image/jpeg;base64,')
    return np.asarray(Image.open(BytesIO(b64decode(code))))


def test_numbers_are_those_of_the_logs(tmp_path: Path) -> None:
    results = make_report([write_run(tmp_path / 'ohem')]).results
    found = dict(zip(results.header, results.rows[0], strict=True))
    assert found['run'] == 'random'
    assert found['mAP, %'] == '25.0'
    # The median: the first iterations of a process are slow.
    assert found['s / iteration, median'] == '0.500'
    assert found['foreground of sampled, %'] == '40.0'
    assert found['sampled background with IoU < 0.1, %'] == '20.0'


def test_runs_without_detections_are_named_with_the_remedy(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path / 'ohem')
    (folder / 'test' / 'detections.pkl').unlink()
    runs = {'OHEM': WorkDir(folder)}
    with pytest.raises(
        FileNotFoundError, match=r'ohem holds no .*mmdet-ohem test'
    ):
        draw_detections(runs)
    runs['random'] = WorkDir(write_run(tmp_path / 'random'))
    found = draw_detections(runs, 1)
    assert found.left_out == ['OHEM']
    assert list(found.rows['one']) == ['random']


def test_pictures_are_drawn(tmp_path: Path) -> None:
    runs = {x: WorkDir(write_run(tmp_path / x)) for x in ('a', 'b')}
    rows = draw_detections(runs, 2).rows
    # Two images below each other, two runs beside each other.
    assert [(name, list(row)) for name, row in rows.items()] == [
        ('one', ['a', 'b']),
        ('two', ['a', 'b']),
    ]
    for row in rows.values():
        for sheet in row.values():
            drawn = pixels(sheet)
            # Twice as large.
            assert drawn.shape == (80, 120, 3)
            assert drawn.max() > 0


def test_boxes_lie_where_they_were_found(tmp_path: Path) -> None:
    runs = {'a': WorkDir(write_run(tmp_path / 'a'))}
    drawn = pixels(draw_detections(runs, 1).rows['one']['a']).max(-1) > 60
    columns = np.flatnonzero(drawn[40:55].any(0))
    assert abs(columns.min() - 10) <= 2 and abs(columns.max() - 60) <= 2
    # Nothing with a lower score.
    none = draw_detections(runs, 1, score_thr=0.95).rows['one']['a']
    assert pixels(none).max() < 60


def test_only_images_of_all_runs_are_compared(tmp_path: Path) -> None:
    runs = {
        'a': WorkDir(write_run(tmp_path / 'a', ('one', 'two', 'three'))),
        'b': WorkDir(write_run(tmp_path / 'b', ('three', 'two'))),
    }
    assert list(draw_detections(runs, 6).rows) == ['two', 'three']
    runs['c'] = WorkDir(write_run(tmp_path / 'c', ('four',)))
    with pytest.raises(ValueError, match=r'no image .* all of these.*Remedy'):
        draw_detections(runs)


def test_images_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / 'other').mkdir()
    run = WorkDir(write_run(tmp_path / 'a', ('one', 'other/one', 'two')))
    names = [str(tmp_path / x) for x in ('one.jpg', 'other/one.jpg')]
    assert list(draw_detections({'a': run}).rows) == [*names, 'two']


def test_a_label_without_a_name_is_drawn_by_its_number(tmp_path: Path) -> None:
    runs = {'a': WorkDir(write_run(tmp_path / 'a', label=5))}
    assert pixels(draw_detections(runs, 1).rows['one']['a']).max() > 60


@pytest.mark.parametrize(
    ('dataset', 'first'),
    [
        (dict(type='VOCDataset'), 'aeroplane'),
        (dict(type='mmdet_ohem.VOCProposalDataset'), 'aeroplane'),
        (
            dict(type='ConcatDataset', datasets=[dict(type='CocoDataset')]),
            'person',
        ),
        (dict(type='X', metainfo=dict(classes=('zero',))), 'zero'),
        (dict(type='X'), None),
    ],
)
def test_classes_are_those_of_the_test(
    dataset: dict, first: str | None
) -> None:
    config = Config(dict(test_dataloader=dict(dataset=dataset)))
    assert next(iter(class_names(config)), None) == first
    assert class_names(Config(dict(model=dict(type='RetinaNet')))) == ()


def test_the_page_shows_them(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / x) for x in ('a', 'b')]
    page = make_report(runs, num_detections=2).html
    assert page.count('<figcaption>random (a)</figcaption>') == 2
    assert page.count('alt="Detections of random (b) in ') == 2
    (runs[1] / 'test' / 'detections.pkl').unlink()
    page = make_report(runs, num_detections=2).html
    assert 'as their test kept none: random (b)' in page
    assert '<code>--detections</code> draws' in make_report(runs).html
