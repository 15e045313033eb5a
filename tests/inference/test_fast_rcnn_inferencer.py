"""From an image, and boxes or none, to detections and a picture."""

from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

import mmdet_ohem.proposals.selective_search as selective_search_module
from mmdet_ohem import FastRCNNInferencer
from mmdet_ohem.inference.drawing import picture_names
from mmdet_ohem.localization import MultiScaleTTAModel, box_voting_inference
from tests.localization.tiny_detectors import (
    build,
    fast_rcnn,
    faster_rcnn,
    noise,
    proposals,
)

CONFIGS = Path(__file__).parents[2] / 'configs'
SCALES = [(130, 60), (130, 80), (130, 120), (130, 130)]


def fast_config() -> Any:
    """A config of ours with a tiny model and small views."""
    config = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_voc07.py')
    config.model = ConfigDict(fast_rcnn(num_classes=20))
    pipeline = config.test_dataloader.dataset.pipeline
    pipeline[2].transforms[0].scale = (130, 80)
    views = config.tta_pipeline[2].transforms
    views[0] = views[0][: len(SCALES)]
    for view, scale in zip(views[0], SCALES, strict=True):
        view.transforms[0].scale = scale
    return config


def faster_config() -> Any:
    """A config with mmdet's pipeline, without views of its own."""
    config = fast_config()
    config.model = ConfigDict(faster_rcnn(num_classes=20))
    config.pop('tta_pipeline')
    config.pop('tta_model')
    config.test_dataloader.dataset.pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(130, 80), keep_ratio=True),
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='PackDetInputs'),
    ]
    return config


def save(root: Path, config: Any) -> tuple[Path, Path]:
    """A config file and a checkpoint as a training writes it."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        detector = build(config.model)
    path, checkpoint = root / 'config.py', root / 'epoch_1.pth'
    config.dump(path)
    meta = dict(dataset_meta=dict(classes=tuple('abcdefghijklmnopqrst')))
    torch.save(dict(meta=meta, state_dict=detector.state_dict()), checkpoint)
    return path, checkpoint


@pytest.fixture(scope='module')
def fast(tmp_path_factory: pytest.TempPathFactory) -> Any:
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp('fast')
    return FastRCNNInferencer(*save(root, fast_config()), device='cpu')


@pytest.fixture(scope='module')
def faster(tmp_path_factory: pytest.TempPathFactory) -> Any:
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp('faster')
    return FastRCNNInferencer(*save(root, faster_config()), device='cpu')


def by_hand(detect: Any, multi_scale: bool, vote: bool, boxes: Any) -> Any:
    """The same detections, put together from mmdet's parts."""
    pixels = noise()
    data = dict(img=pixels, img_id=0)
    load: list[dict] = [dict(type='LoadImageFromNDArray')]
    if boxes is not None:
        scores = np.zeros(len(boxes), np.float32)
        data['proposals'] = dict(bboxes=boxes, scores=scores)
        load.append(dict(type='LoadProposals'))
    resized = [
        dict(type='Resize', scale=scale, keep_ratio=True)
        for scale in (SCALES if multi_scale else [(130, 80)])
    ]
    if boxes is not None:
        resized = [
            dict(type='ProposalBroadcaster', transforms=[x]) for x in resized
        ]
    views = [resized, [dict(type='PackDetInputs')]]
    packed = Compose([*load, dict(type='TestTimeAug', transforms=views)])(data)
    model = MultiScaleTTAModel(detect.detector)
    batch = {key: [[x] for x in item] for key, item in packed.items()}
    if not vote:
        return model.test_step(batch)[0].pred_instances
    with box_voting_inference(model):
        return model.test_step(batch)[0].pred_instances


@pytest.mark.parametrize('vote', [False, True])
@pytest.mark.parametrize('multi_scale', [False, True])
@torch.no_grad()
def test_detects_as_its_parts_do(
    fast: Any, multi_scale: bool, vote: bool
) -> None:
    boxes = proposals()
    found = fast(noise(), boxes, multi_scale=multi_scale, vote=vote)
    expected = by_hand(fast, multi_scale, vote, boxes)
    found = found.pred_instances
    assert len(found) == len(expected) > 3
    torch.testing.assert_close(found.bboxes, expected.bboxes)
    torch.testing.assert_close(found.scores, expected.scores)
    assert torch.equal(found.labels, expected.labels)


@torch.no_grad()
def test_an_rpn_needs_no_boxes(
    faster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = faster(noise()).pred_instances
    torch.testing.assert_close(
        plain.bboxes, by_hand(faster, False, False, None).bboxes
    )
    monkeypatch.setattr(
        'mmdet_ohem.localization.views.views_pipeline.__defaults__',
        (SCALES,),
    )
    multi = faster(noise(), multi_scale=True, vote=True).pred_instances
    torch.testing.assert_close(
        multi.bboxes, by_hand(faster, True, True, None).bboxes
    )


def test_an_rpn_takes_no_boxes(faster: Any) -> None:
    with pytest.raises(ValueError, match='leave boxes out'):
        faster(noise(), proposals())


def test_a_call_leaves_no_trace(fast: Any) -> None:
    before = fast(noise(), proposals()).pred_instances
    fast(noise(), proposals(), multi_scale=True, vote=True)
    after = fast(noise(), proposals()).pred_instances
    assert torch.equal(before.bboxes, after.bboxes)


def test_keys_of_the_configs_hook_are_used() -> None:
    config = fast_config()
    hook = dict(type='mmdet_ohem.IterativeBBoxVotingHook', num_rounds=0)
    config.custom_hooks.append(hook)
    detect = FastRCNNInferencer(config, device='cpu')
    detect(noise(), proposals())
    with pytest.raises(ValueError, match='num_rounds'):
        detect(noise(), proposals(), vote=True)


def test_a_list_gives_a_list(fast: Any, tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), noise())
    boxes = proposals()
    alone = fast(noise(), boxes)
    found = fast([path, str(path), noise()], [boxes, boxes, boxes])
    assert [x.get('img_path') for x in found] == [str(path)] * 2 + [None]
    for sample in found:
        assert torch.equal(
            sample.pred_instances.bboxes, alone.pred_instances.bboxes
        )
    assert isinstance(fast([noise()], [boxes]), list)


def test_selective_search_makes_boxes(fast: Any) -> None:
    pytest.importorskip('cv2.ximgproc')
    expected = fast(noise(), selective_search_module.selective_search(noise()))
    found = fast(noise())
    assert torch.equal(
        found.pred_instances.bboxes, expected.pred_instances.bboxes
    )


def test_without_opencvs_contrib_it_says_so(
    fast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cv2, 'ximgproc', raising=False)
    with pytest.raises(ImportError, match='opencv-contrib-python-headless'):
        fast(noise())


def test_class_names_are_the_checkpoints(fast: Any) -> None:
    assert fast.dataset_meta['classes'][0] == 'a'
    untrained = FastRCNNInferencer(fast_config(), device='cpu')
    assert untrained.dataset_meta['classes'][0] == 'aeroplane'


def test_the_users_config_is_not_changed() -> None:
    config = fast_config()
    before = config.to_dict()
    FastRCNNInferencer(config, device='cpu')(noise(), proposals())
    assert config.to_dict() == before


def test_a_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'no\.pth'):
        FastRCNNInferencer(fast_config(), tmp_path / 'no.pth', device='cpu')


def test_pictures_show_what_scores_high(fast: Any, tmp_path: Path) -> None:
    image = tmp_path / 'a.png'
    cv2.imwrite(str(image), noise())
    boxes = proposals()
    for folder, score_thr in (('all', 0.0), ('none', 1.0)):
        out = tmp_path / folder
        fast([image] * 2, [boxes] * 2, out_dir=out, score_thr=score_thr)
        assert sorted(x.name for x in out.iterdir()) == ['a.png', 'a_1.png']
    drawn, blank = (
        mmcv.imread(str(tmp_path / folder / 'a.png'))
        for folder in ('all', 'none')
    )
    assert drawn.shape == noise().shape
    assert np.array_equal(blank, noise())
    assert not np.array_equal(drawn, noise())


def test_names_of_pictures() -> None:
    images = ['x/a.jpg', Path('y/a.jpg'), 'b.png', noise(), noise()]
    assert picture_names(images) == [
        'a.jpg', 'a_1.jpg', 'b.png', 'image.jpg', 'image_1.jpg'
    ]  # fmt: skip
