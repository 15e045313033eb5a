"""How well boxes fit, and whether their scores tell."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from mmdet_ohem.evidence import read_records, record_of
from mmdet_ohem.evidence.box_fit import (
    box_fits,
    fit_metrics,
    tight_shares,
)
from mmdet_ohem.mining.roi_loss import RoILosses
from mmdet_ohem.mining.rules import PredictedRoIs
from mmdet_ohem.mining.rules.rois import no_rois
from mmdet_ohem.runs.console_log import CONSOLE_LOG
from mmdet_ohem.runs.work_dir import WorkDir
from tests.figure3.runs import THINGS, small_config, write_run
from tests.tables.finished_runs import finish
from tests.voc_folder import Picture, write_voc
from tools import evidence

GT = (0.0, 0.0, 10.0, 10.0)


def box(iou: float) -> tuple[float, ...]:
    """A box within the object that has this IoU with it."""
    return (0.0, 0.0, 10.0, 10.0 * iou)


def rois(before: list, after: list, scores: list) -> PredictedRoIs:
    """Foreground RoIs of one object of class 1, by their IoU with it."""
    num = len(before)
    score = torch.tensor(scores)
    return PredictedRoIs(
        boxes=torch.tensor([box(x) for x in before]),
        labels=torch.ones(num, dtype=torch.long),
        gt_inds=torch.zeros(num, dtype=torch.long),
        gt_boxes=torch.tensor([GT] * num),
        max_overlaps=torch.tensor(before),
        losses=RoILosses(torch.zeros(num), torch.zeros(num)),
        scores=torch.stack([torch.rand(num), score, 1 - score], 1),
        refined_boxes=torch.tensor([box(x) for x in after]),
    )


def test_an_object_has_the_means_of_its_rois() -> None:
    (found,) = box_fits(
        rois([0.5, 0.6, 0.7], [0.6, 0.9, 0.6], [0.1, 0.3, 0.2])
    )
    assert found['before'] == pytest.approx(0.6)
    assert found['after'] == pytest.approx(0.7)
    # Ranks of the scores 1, 3, 2; of the IoUs 1.5, 3, 1.5.
    assert found['rank'] == pytest.approx(0.8660, abs=1e-4)


@pytest.mark.parametrize(
    ('scores', 'rank'), [([0.1, 0.2, 0.3], 1), ([0.9, 0.5, 0.1], -1)]
)
def test_scores_that_follow_the_fit_have_a_rank_of_one(
    scores: list, rank: float
) -> None:
    (found,) = box_fits(rois([0.5] * 3, [0.5, 0.6, 0.7], scores))
    assert found['rank'] == pytest.approx(rank)


def test_alike_scores_say_nothing_of_the_fit() -> None:
    (found,) = box_fits(rois([0.5] * 3, [0.5, 0.6, 0.7], [0.4] * 3))
    assert set(found) == {'before', 'after'}


def test_an_objects_own_box_is_no_proposal() -> None:
    plain = rois([0.5, 0.6, 0.7], [0.6, 0.9, 0.6], [0.1, 0.3, 0.2])
    more = rois([1, 0.5, 0.6, 0.7], [1, 0.6, 0.9, 0.6], [0.9, 0.1, 0.3, 0.2])
    assert box_fits(more) == box_fits(plain)


def test_two_rois_rank_nothing() -> None:
    assert box_fits(rois([0.5, 0.6], [0.6, 0.7], [0.1, 0.2])) == []


def test_an_image_without_rois_has_no_fit() -> None:
    assert box_fits(cast(PredictedRoIs, no_rois(PredictedRoIs))) == []


def test_background_is_left_out() -> None:
    found = rois([0.5, 0.6, 0.7, 0.1], [0.6] * 4, [0.1, 0.3, 0.2, 0.9])
    found.labels[3] = found.gt_inds[3] = -1
    (fit,) = box_fits(found)
    assert fit['before'] == pytest.approx(0.6)


def test_loose_foreground_has_the_loss_that_ohem_takes() -> None:
    # 64 loose RoIs of other places have more loss than all tight ones.
    num = 70
    corner = torch.arange(num)[:, None] * 20.0
    found = replace(
        rois([0.5] * 64 + [0.8] * 6, [0.5] * num, [0.5] * num),
        losses=RoILosses(
            torch.tensor([2.0] * 64 + [1.0] * 6), torch.zeros(num)
        ),
    )
    found.boxes[:] += corner
    found.gt_boxes[:] += corner
    shares = tight_shares(found)
    assert sorted(shares['tight']) == [0] * 64 + [1] * 6
    assert shares['hard_tight'] == [0] * 64


def test_tightness_leaves_out_background_and_an_objects_own_box() -> None:
    found = rois([1.0, 0.9, 0.6, 0.1], [0.5] * 4, [0.5] * 4)
    found.labels[3] = -1
    # NMS leaves one of the first two: equal losses, so the first.
    assert tight_shares(found) == {
        'tight': [1.0, 0.0],
        'hard_tight': [0.0],
    }


def test_an_image_without_rois_has_no_tight_ones() -> None:
    empty = cast(PredictedRoIs, no_rois(PredictedRoIs))
    assert tight_shares(empty) == {'tight': [], 'hard_tight': []}


def write(root: Path, iterations: tuple[int, ...]) -> WorkDir:
    """A run whose proposals stand beside the objects by 1 to 5 pixels."""
    boxes = np.array([x.box for x in THINGS])[:, None] + np.arange(6)[:, None]
    pictures = {
        f'image{i}': Picture(THINGS, proposals=boxes.reshape(-1, 4))
        for i in range(3)
    }
    config = small_config(write_voc(root / 'data', pictures))
    return WorkDir(write_run(root / 'run', config, iterations))


def test_a_run_has_the_means_over_its_objects(tmp_path: Path) -> None:
    run = write(tmp_path, (1, 2))
    seen: list[tuple[int, int]] = []
    found = fit_metrics(run, lambda *x: seen.append(x))
    names = {'before', 'after', 'rank', 'tight', 'hard_tight'}
    assert set(found) <= {f'fit/{name}' for name in names}
    assert 0 < found['fit/tight'] <= 1
    assert 0.5 < found['fit/before'] < 1
    assert 0 < found['fit/after'] < 1
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert found == fit_metrics(run)


def test_a_run_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='no checkpoint'):
        fit_metrics(write(tmp_path, ()))


def test_a_record_keeps_the_fit_beside_its_other_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write(tmp_path, (1,))
    # The record of a run that a table finished.
    ended = finish(tmp_path / 'runs', 3, {'AP50': 0.25, 'AP70': 0.125})
    (ended / 'finished.json').rename(run.folder / 'finished.json')
    (run.folder / CONSOLE_LOG).write_text('printed')
    path = tmp_path / 'records.jsonl'
    argv = ['evidence.py', 'fit', '--records', path, '--work-dir', run.folder]
    monkeypatch.setattr(sys, 'argv', [str(x) for x in argv])
    assert evidence.main() == 0
    (record,) = read_records(path)
    metrics = dict(record.metrics)
    assert metrics.pop('pascal_voc/AP50') == 0.25
    assert metrics.pop('pascal_voc/AP70') == 0.125
    assert metrics == fit_metrics(run)
    # Collecting the run again keeps them.
    assert record_of(run, [record]) == record
