"""Detections in a user's own images, by a line of Python."""

import copy
import logging
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.registry import DATASETS, MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from torch import nn

from mmdet_ohem.guard.load_fitting import load_fitting
from mmdet_ohem.host.configs import enter_scope, load_config
from mmdet_ohem.inference.drawing import (
    draw_detections,
    picture_names,
    refuse_to_replace,
)
from mmdet_ohem.inference.inputs import (
    Boxes,
    Image,
    boxes_per_image,
    checked_boxes,
    read_image,
)
from mmdet_ohem.inference.pipelines import (
    inference_pipeline,
    loads_proposals,
)
from mmdet_ohem.localization import (
    IterativeBBoxVotingHook,
    MultiScaleTTAModel,
    box_voting_inference,
)
from mmdet_ohem.localization.views import (
    in_words,
    single_view_pipeline,
    views_pipeline,
)
from mmdet_ohem.proposals.proposal_file import make_entry
from mmdet_ohem.proposals.selective_search import selective_search
from mmdet_ohem.runs.torn_checkpoints import check_checkpoint


class FastRCNNInferencer:
    """A detector that takes an image, and boxes or none.

    mmdet's own inferencers cannot run Fast R-CNN: they have no proposals.
    Detectors with an RPN work as well; they take no boxes.

    Args:
        config: A config file, or the config.
        checkpoint: Its weights; None leaves them random.
        device: Such as ``'cuda:0'``; None: a GPU if there is one.
        mode: Of the selective search, ``'fast'`` or ``'quality'``.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        ValueError: One of them is something else.

    Attributes:
        detector: The model; mmdet's functions can be called with it.
        dataset_meta: ``classes`` and ``palette``.

    Raises:
        ValueError: The weights do not fit the config.

    Example:
        >>> detect = FastRCNNInferencer('configs/x.py', 'work_dirs/x.pth')
        >>> sample = detect('street.jpg', multi_scale=True, vote=True)
        >>> sample.pred_instances.bboxes  # (K, 4)
    """

    def __init__(
        self,
        config: str | os.PathLike[str] | Config,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str | None = None,
        mode: str = 'fast',
    ) -> None:
        if isinstance(config, Config):
            self.config = copy.deepcopy(config)
        else:
            self.config = load_config(config, ['model', 'test_dataloader'])
        enter_scope(self.config)
        self.mode = mode
        self.dataset_meta: dict[str, Any] = {}
        self.detector = self._load(checkpoint)
        self.detector.to(device or get_device()).eval()
        self._pipelines: dict[bool, tuple[Compose, bool]] = {}

    @torch.no_grad()
    def __call__(
        self,
        images: Image | Sequence[Image],
        boxes: Boxes | Sequence[Boxes | None] | None = None,
        multi_scale: bool = False,
        vote: bool = False,
        out_dir: str | os.PathLike[str] | None = None,
        score_thr: float = 0.3,
    ) -> DetDataSample | list[DetDataSample]:
        """Detect objects.

        Args:
            images: A path, an array (H, W, 3) uint8 BGR, or a list of these.
            boxes: Proposals of the image, (n, 4) xyxy edges in its pixels
                (the whole image is 0, 0, width, height); for a list of images
                a list of these. None: selective search, unless the detector
                makes its own.
            multi_scale: +M: at the scales of the config's ``tta_pipeline``,
                else at the paper's in proportion to the config's own.
            vote: +B: iterative localisation and box voting, with the keys of
                the config's ``IterativeBBoxVotingHook``, else the paper's.
            out_dir: Where to draw the detections, a picture an image.
            score_thr: Only detections with a greater score are drawn; all
                are returned.

        Returns:
            A sample, or a list of them for a list; ``pred_instances`` has
            ``bboxes`` ((K, 4) xyxy edges, pixels of the original image),
            ``scores`` and ``labels``, by descending score.

        Raises:
            FileNotFoundError: An image is missing.
            ValueError: An image or boxes are not as described, or a picture
                would replace its image.
            ImportError: Selective search needs OpenCV's contrib modules.
        """
        many = isinstance(images, list | tuple)
        listed: Sequence[Any] = images if many else [images]  # type: ignore
        given = boxes_per_image(boxes, len(listed) if many else None)
        names = picture_names(listed)
        if out_dir is not None:
            refuse_to_replace(listed, out_dir)
        samples = []
        for image, own_boxes, name in zip(listed, given, names, strict=True):
            pixels = read_image(image)
            sample = self._detect(pixels, own_boxes, multi_scale, vote)
            if not isinstance(image, np.ndarray):
                sample.set_metainfo(dict(img_path=os.fspath(image)))
            samples.append(sample)
            if out_dir is not None:
                draw_detections(
                    pixels,
                    sample,
                    self.dataset_meta,
                    Path(out_dir) / name,
                    score_thr,
                )
        return samples if many else samples[0]

    def _load(self, checkpoint: str | os.PathLike[str] | None) -> nn.Module:
        """Build the detector and give it weights and class names."""
        if checkpoint is not None:
            check_checkpoint(os.fspath(checkpoint))
        detector = revert_sync_batchnorm(MODELS.build(self.config.model))
        dataset = self.config.test_dataloader.dataset
        # Lazy: only what the data set says of itself.
        meta = dict(DATASETS.build({**dataset, 'lazy_init': True}).metainfo)
        if checkpoint is None:
            print_log(
                'no checkpoint: the weights are random',
                logger='current',
                level=logging.WARNING,
            )
        else:
            loaded = load_fitting(detector, checkpoint)
            meta.update(loaded.get('meta', {}).get('dataset_meta') or {})
        # Where mmdet's own functions look for it.
        self.dataset_meta = detector.dataset_meta = meta
        return detector

    def _detect(
        self,
        pixels: np.ndarray,
        boxes: Boxes | None,
        multi_scale: bool,
        vote: bool,
    ) -> DetDataSample:
        """Detections of one image."""
        pipeline, takes_boxes = self._pipeline(multi_scale)
        data: dict[str, Any] = dict(img=pixels, img_id=0)
        if takes_boxes:
            data['proposals'] = make_entry(self._proposals(pixels, boxes))
        elif boxes is not None:
            raise ValueError(
                'boxes are given, but this config makes its own: its test '
                'pipeline has no LoadProposals. Remedy: leave boxes out, or '
                'use a Fast R-CNN config'
            )
        packed = pipeline(data)
        model: Any = self.detector
        if multi_scale:
            model = MultiScaleTTAModel(model, **self._tta_keys())
            batch = {
                key: [[x] for x in views] for key, views in packed.items()
            }
        else:
            batch = {key: [item] for key, item in packed.items()}
        with self._voting(model) if vote else nullcontext():
            return model.test_step(batch)[0]

    def _tta_keys(self) -> dict[str, Any]:
        """Keys of the config's ``tta_model``, where it is ours."""
        keys = dict(self.config.get('tta_model', {}))
        ours = MultiScaleTTAModel.__name__
        return keys if keys.pop('type', '').endswith(ours) else {}

    def _voting(self, model: Any) -> AbstractContextManager[None]:
        """+B as the config's hook has it, if it has one."""
        name = IterativeBBoxVotingHook.__name__
        for hook in self.config.get('custom_hooks', []):
            keys = dict(hook)
            if keys.pop('type').endswith(name):
                keys.pop('priority', None)
                return box_voting_inference(model, **keys)
        return box_voting_inference(model)

    def _pipeline(self, multi_scale: bool) -> tuple[Compose, bool]:
        """The pipeline, and whether it takes boxes."""
        if multi_scale not in self._pipelines:
            if multi_scale:
                config = views_pipeline(self.config)
                print_log(f'+M: {in_words(config)}', logger='current')
            else:
                config = single_view_pipeline(self.config)
            self._pipelines[multi_scale] = (
                Compose(inference_pipeline(config)),
                loads_proposals(config),
            )
        return self._pipelines[multi_scale]

    def _proposals(
        self, pixels: np.ndarray, boxes: Boxes | None
    ) -> np.ndarray:
        if boxes is None:
            return selective_search(pixels, mode=self.mode)
        height, width = pixels.shape[:2]
        return checked_boxes(boxes, width, height)
