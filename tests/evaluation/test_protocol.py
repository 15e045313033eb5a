"""What counts, and how much of it: objects, detections, COCO's test-dev."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.models.layers import multiclass_nms
from mmdet.registry import DATASETS, METRICS, TASK_UTILS
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmdet_ohem.proposals import VOCProposalDataset, save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry
from tests.voc_folder import Picture, Thing, write_voc

CONFIGS = Path(__file__).parents[2] / 'configs'
DOG = Thing('dog', (10, 20, 40, 60))
HARD_CAT = Thing('cat', (60, 10, 95, 70), difficult=1)
NOWHERE = (0, 0, 9, 9)
LOADING = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadProposals'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs'),
]


@pytest.mark.parametrize(
    ('switch', 'labels'),
    [
        # On the dog, on the difficult cat, on nothing.
        (dict(), [11, -1, -1]),
        (dict(train_on_difficult=True), [11, 7, -1]),
    ],
)
def test_rois_on_difficult_objects_are_background_or_by_a_switch_theirs(
    tmp_path: Path, switch: dict, labels: list[int]
) -> None:
    boxes = [DOG.box, HARD_CAT.box, NOWHERE]
    write_voc(tmp_path, {'a': Picture([DOG, HARD_CAT], proposals=boxes)})
    dataset = VOCProposalDataset(
        data_root=str(tmp_path),
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file='proposals/voc_2007_trainval.pkl',
        pipeline=LOADING,
        **switch,
    )
    sample = dataset[0]['data_samples']
    config = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_ohem_voc07.py')
    assigner = TASK_UTILS.build(config.model.train_cfg.rcnn.assigner)
    assigned = assigner.assign(
        InstanceData(priors=sample.proposals.bboxes),
        InstanceData(
            bboxes=sample.gt_instances.bboxes.tensor,
            labels=sample.gt_instances.labels,
        ),
        InstanceData(bboxes=sample.ignored_instances.bboxes.tensor),
    )
    assert assigned.labels.tolist() == labels
    # 0 is background, -1 would be neither.
    assert (assigned.gt_inds >= 0).all()


def test_at_most_2000_detections_an_image_over_all_classes() -> None:
    config = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_voc07.py')
    rcnn = config.model.test_cfg.rcnn
    num_rois, num_classes = 300, 20
    # Far from each other, so that NMS leaves all of them.
    corner = torch.stack([torch.arange(num_rois) * 50.0] * 2, 1)
    boxes = torch.cat([corner, corner + 20], 1).repeat(1, num_classes)
    scores = torch.linspace(1, 0, num_rois * num_classes)
    scores = scores[torch.randperm(len(scores))].view(num_rois, num_classes)
    background = torch.zeros(num_rois, 1)
    dets, labels = multiclass_nms(
        boxes,
        torch.cat([scores, background], 1),
        rcnn.score_thr,
        rcnn.nms,
        rcnn.max_per_img,
    )
    assert len(dets) == 2000
    assert len(set(labels.tolist())) == num_classes
    best = scores.flatten().sort(descending=True).values[:2000]
    assert torch.equal(dets[:, 4], best)


@pytest.mark.parametrize(
    ('overlap', 'kept'), [(0.29, [0, 1, 2]), (0.31, [0, 2])]
)
def test_nms_at_0_3_within_a_class_and_scores_above_1e_5(
    overlap: float, kept: list[int]
) -> None:
    config = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_voc07.py')
    rcnn = config.model.test_cfg.rcnn
    # Equal squares of side 100 whose IoU is `overlap`.
    moved = 100 * (1 - 2 * overlap / (1 + overlap))
    boxes = torch.tensor([[0.0, 0, 100, 100]] * 4)
    boxes[1, [0, 2]] += moved
    scores = torch.tensor(
        # Of two classes, and background.
        [[0.9, 0, 0], [0.8, 0, 0], [0, 0.7, 0], [1e-5, 0, 0]]
    )
    dets, labels = multiclass_nms(
        boxes.repeat(1, 2), scores, rcnn.score_thr, rcnn.nms, rcnn.max_per_img
    )
    expected = [(0.9, 0), (0.8, 0), (0.7, 1)]
    found = list(zip(dets[:, 4].tolist(), labels.tolist(), strict=True))
    assert found == [
        (pytest.approx(expected[i][0]), expected[i][1]) for i in kept
    ]


def test_test_dev_is_mmdets_own_json(tmp_path: Path) -> None:
    """A list of images in COCO's format, and what its server reads."""
    names = CocoDataset.METAINFO['classes']
    # COCO's category ids have gaps.
    categories = [dict(id=2 * i + 1, name=n) for i, n in enumerate(names)]
    image = dict(id=139, file_name='139.jpg', width=100, height=80)
    ann_file = tmp_path / 'image_info_test-dev2015.json'
    ann_file.write_text(
        json.dumps(dict(images=[image], categories=categories))
    )
    write_voc(tmp_path, {'139': Picture([DOG])})
    save_proposals(
        tmp_path / 'test-dev.pkl',
        {'JPEGImages/139.jpg': make_entry(np.array([DOG.box]))},
    )
    dataset = DATASETS.build(
        dict(
            type='mmdet_ohem.CocoProposalDataset',
            data_root=str(tmp_path),
            ann_file=ann_file.name,
            data_prefix=dict(img='VOC2007/JPEGImages/'),
            proposal_file='test-dev.pkl',
            test_mode=True,
            pipeline=LOADING,
        )
    )
    sample = dataset[0]['data_samples']
    assert sample.proposals.bboxes.tolist() == [list(map(float, DOG.box))]
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[10.0, 20, 40, 60]]),
        scores=torch.tensor([0.5]),
        labels=torch.tensor([2]),
    )
    metric = METRICS.build(
        dict(
            type='CocoMetric',
            metric='bbox',
            format_only=True,
            ann_file=str(ann_file),
            outfile_prefix=str(tmp_path / 'out'),
        )
    )
    metric.dataset_meta = dataset.metainfo
    metric.process({}, [sample.to_dict()])
    assert metric.evaluate(1) == {}
    assert json.loads((tmp_path / 'out.bbox.json').read_text()) == [
        dict(image_id=139, category_id=5, bbox=[10, 20, 30, 40], score=0.5)
    ]
