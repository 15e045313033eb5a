"""Ranking a split: the numbers, the files and the command."""

import csv
import json
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.dataset import pseudo_collate
from pycocotools.coco import COCO

from mmdet_ohem.commands import main
from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from mmdet_ohem.figure3.loss_dataset import build_dataset
from mmdet_ohem.figure3.loss_sums import ALL, mean_losses, pick_mean
from mmdet_ohem.hard import (
    LABEL_MISTAKES,
    MISSING,
    HardRanking,
    refuse_other_results,
)
from mmdet_ohem.hard.flags import FlagRules
from tests.figure3.detectors import (
    CONFIGS,
    NUM_CLASSES,
    OTHERS,
    batch_of_one,
    small_model,
)
from tests.figure3.detectors import build as build_detector
from tests.figure3.runs import small_config, write_images, write_run

EVERY = FlagRules(score_thr=0.0, far_iou=1.0)


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, a config and a checkpoint, in a folder with a blank."""
    root = tmp_path_factory.mktemp('hard examples')
    data = write_images(root / 'data')
    config = small_config(data)
    config.model.roi_head.bbox_head.num_classes = 20
    write_run(root / 'run', config, (2,))
    return root


@pytest.fixture
def call(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command, run; its folder."""
    out = root / 'out'
    (config,) = (root / 'run').glob('*.py')
    monkeypatch.setattr(
        sys,
        'argv',
        [
            *('mmdet-ohem', 'hard', str(config)),
            *(str(root / 'run/iter_2.pth'), '--score-thr', '0', '--num', '5'),
            *('--out', str(out), '--pictures', '3', '--device', 'cpu'),
        ],
    )
    assert main() == 0
    return out


# Of fiftyone.Detection; an annotation with such a key cannot be imported.
FIELDS_OF_FIFTYONE = (
    *('label', 'bounding_box', 'mask', 'mask_path', 'confidence', 'index'),
    *('tags', 'attributes', 'instance'),
)


def test_no_key_is_a_field_of_fiftyones_detections(call: Path) -> None:
    content = json.loads((call / 'label_mistakes.json').read_text())
    keys = {key for x in content['annotations'] for key in x}
    assert 'labelled' in keys
    assert not keys & set(FIELDS_OF_FIFTYONE)


def test_results_of_another_ranking_stay(
    call: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (call / 'label_mistakes.json').read_bytes()
    monkeypatch.setattr(sys, 'argv', [*sys.argv, '--split', 'test'])
    assert main() == 2
    assert f'{call} has results of another split: train, not test. ' in (
        capsys.readouterr().err
    )
    assert (call / 'label_mistakes.json').read_bytes() == before


def test_results_of_unknown_origin_stay(tmp_path: Path) -> None:
    refuse_other_results(tmp_path, {'config': 'a.py'})
    (tmp_path / LABEL_MISTAKES).write_text('[]')
    with pytest.raises(ValueError, match='another config: unknown'):
        refuse_other_results(tmp_path, {'config': 'a.py'})


@pytest.mark.parametrize('name', [*CONFIGS, *OTHERS])
def test_losses_are_those_of_figure_3(name: str) -> None:
    score = AllRoILoss(build_detector(small_model(name)))
    batch = batch_of_one()
    rois = score.predicted(batch)
    means = mean_losses(score(batch))
    last = pick_mean(means, score.num_stages - 1, ALL)
    assert last is not None
    assert len(rois) == last.num_rois
    assert rois.losses.total.mean().item() == pytest.approx(last.total, 1e-4)
    assert rois.scores.shape == (len(rois), NUM_CLASSES + 1)
    assert rois.refined_boxes.shape == rois.boxes.shape


def test_images_and_rois_are_ranked_and_in_pixels_of_the_image(
    root: Path,
) -> None:
    config = small_config(root / 'data')
    torch.manual_seed(2)
    detector = MODELS.build(config.model)
    dataset = build_dataset(config)
    names = [f'class {i}' for i in range(20)]
    ranking = HardRanking(detector, names, 5, EVERY)(dataset)
    assert len(ranking.images) == 3
    losses = [x.loss for x in ranking.rois]
    assert losses == sorted(losses, reverse=True) and len(losses) <= 15
    score = AllRoILoss(detector)
    for image in ranking.images:
        (data,) = (
            x
            for x in map(dataset.__getitem__, range(3))
            if x['data_samples'].img_path == image.image
        )
        rois = score.predicted(pseudo_collate([data]))
        assert image.num_rois == len(rois)
        assert image.mean_loss == pytest.approx(
            rois.losses.total.mean().item(), abs=1e-5
        )
        assert image.objects[0][0] == pytest.approx((4, 4, 43, 43), abs=0.01)
        assert (image.width, image.height) == (100, 80)


def test_the_files_agree(call: Path) -> None:
    with (call / 'images.csv').open() as file:
        images = list(csv.DictReader(file))
    with (call / 'rois.csv').open() as file:
        rois = list(csv.DictReader(file))
    assert len(images) == 3 and 0 < len(rois) <= 15
    assert [int(x['rank']) for x in rois] == list(range(1, len(rois) + 1))
    losses = [float(x['loss']) for x in rois]
    assert losses == sorted(losses, reverse=True)
    for roi in rois:
        parts = float(roi['cls_loss']) + float(roi['loc_loss'])
        assert float(roi['loss']) == pytest.approx(parts, abs=2e-4)
    total = sum(int(x[MISSING]) for x in images)
    content = json.loads((call / 'label_mistakes.json').read_text())
    flagged = [x for x in content['annotations'] if x['flag'] == MISSING]
    assert len(flagged) == total


def test_coco_reads_the_flagged(call: Path) -> None:
    for name in ('label_mistakes', 'false_positives'):
        coco = COCO(call / f'{name}.json')
        root = coco.dataset['info']['root']
        for image in coco.loadImgs(coco.getImgIds()):
            assert Path(root, image['file_name']).is_file()
        for item in coco.loadAnns(coco.getAnnIds()):
            x, y, width, height = item['bbox']
            assert x >= 0 and y >= 0 and x + width <= 100.01
            assert y + height <= 80.01
            assert item['category_id'] in coco.cats


def test_the_page_is_whole(call: Path) -> None:
    text = (call / 'hard.html').read_text()
    assert text.count('<figure>') >= 6
    assert text.count('src="data:image/jpeg') == text.count('<img')
    assert 'http' not in text.replace('https://', '')


def test_num_is_a_number_of_rois(root: Path) -> None:
    detector = MODELS.build(small_config(root / 'data').model)
    with pytest.raises(ValueError, match='num must be at least 1'):
        HardRanking(detector, ['a'], 0)
