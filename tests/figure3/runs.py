"""Folders of trainings that nobody trained."""

import copy
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from tests.voc_folder import Picture, Thing, boxes_around, write_voc

CONFIGS = Path(__file__).parents[2] / 'configs'
THINGS = [
    Thing('dog', (4, 4, 43, 43)),
    Thing('cat', (50, 20, 95, 75)),
    Thing('dog', (20, 50, 45, 75), difficult=1),
]
SCALE = (150, 120)


def write_images(root: Path, num: int = 3) -> Path:
    """A dataset of images of 100 x 80 pixels in VOC's layout."""
    pictures = {
        f'image{i}': Picture(THINGS, proposals=boxes_around(THINGS, 20 + i))
        for i in range(num)
    }
    return write_voc(root, pictures)


def small_config(data_root: Path, name: str = 'fast_rcnn_vgg16_voc07') -> Any:
    """A config of the project, narrow, on images of a test."""
    config = Config.fromfile(CONFIGS / f'{name}.py')
    config.model.backbone = dict(
        type='ResNet',
        depth=18,
        base_channels=4,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        norm_cfg=dict(type='BN', requires_grad=True),
    )
    extractor = config.model.roi_head.bbox_roi_extractor
    extractor.out_channels = 16
    if 'output_size' in extractor:
        extractor.output_size = 3
    config.model.roi_head.bbox_head.update(
        in_channels=16,
        roi_feat_size=3,
        fc_out_channels=(16, 16),
        init_cfg=None,
    )
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(data_root)
        for step in loader.dataset.pipeline:
            for transform in step.get('transforms', ()):
                if transform.type == 'Resize':
                    transform.scale = SCALE
    return config


def write_run(folder: Path, config: Any, iterations: tuple[int, ...]) -> Path:
    """A work dir as a training leaves it, with random weights."""
    folder.mkdir(parents=True)
    config.dump(folder / Path(config.filename).name)
    for iteration in iterations:
        torch.manual_seed(iteration)
        # Fixtures of a module run before the scope of a test is set.
        with DefaultScope.overwrite_default_scope('mmdet'):
            detector = MODELS.build(copy.deepcopy(config.model))
        detector.init_weights()
        torch.save(
            dict(meta=dict(iter=iteration), state_dict=detector.state_dict()),
            folder / f'iter_{iteration}.pth',
        )
    return folder
