"""The demo's report reads what mmengine and mmdet write."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmdet_ohem.demo.report import draw_curves, draw_detections, read_run


def write_run(folder: Path, num_images: int = 2) -> Path:
    """A run of 20 iterations, resumed at 10, and its test."""
    for start, steps in (('1', (5, 10)), ('2', (10, 15, 20))):
        log = folder / start / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        lines = [
            {
                'lr': 0.1,
                'step': step,
                'loss': step / 10 + int(start),
                'time': 0.5 if step < 20 else 9.0,
                'mining/sampled_fg_share': 40.0,
                'mining/sampled_far_bg_share': 20.0,
            }
            for step in steps
        ]
        log.write_text('\n'.join(json.dumps(line) for line in lines))
    test = folder / 'test' / '3' / '3.json'
    test.parent.mkdir(parents=True)
    test.write_text(json.dumps({'pascal_voc/mAP': 0.25}))
    image = str(folder / 'image.jpg')
    cv2.imwrite(image, np.zeros((40, 60, 3), np.uint8))
    found = {
        'bboxes': torch.tensor([[5.0, 5, 30, 30]]),
        'scores': torch.tensor([0.9]),
        'labels': torch.tensor([1]),
    }
    detections = [{'img_path': image, 'pred_instances': found}] * num_images
    (folder / 'test' / 'detections.pkl').write_bytes(pickle.dumps(detections))
    return folder


def test_numbers_are_those_of_the_logs(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / 'ohem'))
    assert run.name == 'ohem'
    assert run.map50 == 0.25
    # The median: the first iterations of a process are slow.
    assert run.seconds_per_iter == 0.5
    assert (run.fg_share, run.far_bg_share) == (40, 20)
    # Iteration 10 was logged twice; the resumed training counts.
    assert run.curves['loss'] == ([5, 10, 15, 20], [1.5, 3.0, 3.5, 4.0])


def test_an_unfinished_run_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = write_run(tmp_path / 'ohem')
    (folder / 'test' / 'detections.pkl').unlink()
    with pytest.raises(FileNotFoundError, match=r'ohem holds no run .* mim'):
        read_run(folder)


def test_pictures_are_drawn(tmp_path: Path) -> None:
    runs = [read_run(write_run(tmp_path / name)) for name in ('a', 'b')]
    draw_curves(runs, tmp_path / 'curves.png')
    draw_detections(runs, ('zero', 'one'), tmp_path / 'found.png', 2)
    drawn = cv2.imread(str(tmp_path / 'found.png'))
    assert drawn is not None
    # Two images below each other, two runs beside each other, twice as large.
    assert drawn.shape == (160, 240, 3)
    assert drawn.max() > 0
    assert (tmp_path / 'curves.png').stat().st_size > 1000
