"""False positives of a run are those of its detections and its data."""

from pathlib import Path

import pytest
import torch
from mmengine.fileio import dump

from mmdet_ohem.evidence.average_precision import strict_ap
from mmdet_ohem.evidence.errors import error_metrics
from mmdet_ohem.runs.work_dir import WorkDir
from tests.configs.data_folder import NAMES, THINGS, write_data
from tests.configs.leaves import BASELINE, on_folder


def write_run(root: Path, names: tuple[str, ...] = NAMES) -> WorkDir:
    """A test in which a dog is found, and one more where there is nothing."""
    config = on_folder(BASELINE, write_data(root))
    classes = ('cat', 'dog')
    config.test_dataloader.dataset.metainfo = dict(classes=classes)
    folder = root / 'run'
    (folder / 'test').mkdir(parents=True)
    config.dump(folder / 'config.py')
    x1, y1, x2, y2 = THINGS[0].box
    found = dict(
        bboxes=torch.tensor([[70, 70, 90, 90], [x1, y1, x2, y2]]),
        scores=torch.tensor([0.9, 0.8]),
        labels=torch.tensor([1, 1]),
    )
    path = config.test_dataloader.dataset
    images = f'{path.data_root}{path.data_prefix.sub_data_root}JPEGImages'
    dump(
        [
            dict(img_path=f'{images}/{name}.jpg', pred_instances=found)
            for name in names
        ],
        folder / 'test/detections.pkl',
    )
    return WorkDir(folder)


def test_errors_are_numbers_an_image(tmp_path: Path) -> None:
    found = error_metrics(write_run(tmp_path))
    # The cat is never found: dogs alone reach the recall.
    assert found['false_positives/classes@40'] == 1
    assert found['false_positives/background@40'] == 1


def test_errors_on_decoys_are_counted_apart(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    # The detection where there is no object, in the first image.
    corners = '<xmin>71</xmin><ymin>71</ymin><xmax>90</xmax><ymax>90</ymax>'
    decoy = f'<decoy><bndbox>{corners}</bndbox></decoy></annotation>'
    for path in tmp_path.rglob(f'{NAMES[0]}.xml'):
        path.write_text(path.read_text().replace('</annotation>', decoy))
    found = error_metrics(run)
    num = found['false_positives/decoy@40']
    assert 0 < num <= 1
    assert found['false_positives/background@40'] == 1 - num


def test_images_of_other_data_are_named(tmp_path: Path) -> None:
    run = write_run(tmp_path, ('a', 'zebra'))
    with pytest.raises(ValueError, match=r'zebra\.jpg, which is not in'):
        error_metrics(run)


def test_a_run_without_detections_has_no_errors(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    (run.folder / 'test/detections.pkl').unlink()
    assert error_metrics(run) == {}


def test_ap_at_a_stricter_iou_is_that_of_the_same_detections(
    tmp_path: Path,
) -> None:
    found = strict_ap(write_run(tmp_path))
    # Each dog is found behind one wrong detection; no cat is.
    assert 0 < found['pascal_voc/AP70/dog'] <= 0.5 + 1e-6
    assert found['pascal_voc/AP70/cat'] == 0
    mean = found['pascal_voc/AP70/dog'] / 2
    assert found['pascal_voc/AP70'] == pytest.approx(mean)
    assert set(found) == {f'pascal_voc/AP70{x}' for x in ('', '/dog', '/cat')}


def test_a_box_that_fits_loosely_counts_at_half_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    kept = run.read_detections()
    x1, y1, x2, y2 = THINGS[0].box
    for image in kept:
        box = [x1, y1, x2, y1 + 0.6 * (y2 - y1)]
        image['pred_instances']['bboxes'][1] = torch.tensor(box)
    dump(kept, run.folder / 'test/detections.pkl')
    assert strict_ap(run)['pascal_voc/AP70/dog'] == 0
    assert error_metrics(run)['false_positives/classes@40'] == 1


def test_another_metric_has_no_stricter_ap(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    path = run.folder / 'config.py'
    text = path.read_text()
    path.write_text(text + "test_evaluator = dict(type='CocoMetric')\n")
    assert strict_ap(WorkDir(run.folder)) == {}
    path.write_text(text)
    (run.folder / 'test/detections.pkl').unlink()
    assert strict_ap(WorkDir(run.folder)) == {}
