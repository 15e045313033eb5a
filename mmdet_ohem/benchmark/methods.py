"""What is compared, on one detector with one set of weights."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.mining import LossMaskingRoIHead


@dataclass(frozen=True)
class Workload:
    """One line of the table.

    Attributes:
        network: How the table calls the network.
        config: Its baseline config.
        num_images: N.
        num_rois: R, proposals of an image.
        batch_rois: B, RoIs of all N images that are trained on.
        height: Of the resized image, pixels.
        width: Of the resized image, pixels.
    """

    network: str
    config: str
    num_images: int
    num_rois: int = 2000
    batch_rois: int = 128
    height: int = 600
    width: int = 800

    @property
    def num(self) -> int:
        """B / N, RoIs of one image that are trained on."""
        return self.batch_rois // self.num_images


def build_detector(config: str, fc_width: int | None = None) -> Any:
    """Detector of a config with random weights, in training mode.

    Args:
        config: File; its checkpoints are not loaded.
        fc_width: Width of fc6 and fc7, to make it small; None: as it is.

    Returns:
        The detector; frozen layers are frozen.
    """
    cfg = Config.fromfile(config)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    cfg.model.backbone.init_cfg = None
    cfg.model.roi_head.bbox_head.init_cfg = None
    if fc_width is not None:
        cfg.model.roi_head.bbox_head.fc_out_channels = (fc_width, fc_width)
    detector = MODELS.build(cfg.model)
    detector.init_weights()
    return detector.train()


def random_batch(load: Workload, device: torch.device, seed: int = 0) -> dict:
    """Images, ground truth and proposals, as the detector's loader packs them.

    Sides of the proposals are spread evenly in their logarithm from 30 pixels
    to the size of the image, as those of selective search about are.

    Args:
        load: Sizes.
        device: Where the tensors go.
        seed: Of the random numbers.

    Returns:
        ``inputs``, normalised, shape (N, 3, H, W), and ``data_samples``.
    """
    rng = torch.Generator().manual_seed(seed)
    size = torch.tensor([load.width, load.height])
    samples = []
    for _ in range(load.num_images):
        low, high = torch.tensor(30.0).log(), size.log()
        sides = torch.rand(load.num_rois, 2, generator=rng)
        sides = (low + sides * (high - low)).exp()
        corner = torch.rand(load.num_rois, 2, generator=rng) * (size - sides)
        boxes = torch.cat([corner, corner + sides], 1)
        truth = InstanceData(
            bboxes=boxes[:4] + 3.0, labels=torch.arange(4) % 20
        )
        sample = DetDataSample(
            gt_instances=truth,
            ignored_instances=InstanceData(
                bboxes=torch.empty(0, 4),
                labels=torch.empty(0, dtype=torch.long),
            ),
            proposals=InstanceData(bboxes=boxes),
            metainfo=dict(
                img_shape=(load.height, load.width), scale_factor=(1.0, 1.0)
            ),
        )
        samples.append(sample.to(device))
    images = torch.randn(
        load.num_images, 3, load.height, load.width, generator=rng
    )
    return dict(inputs=images.to(device), data_samples=samples)


def _sampling(
    detector: Any, num: int, sampler: dict, neg_iou_thr: Any
) -> None:
    """Give the RoI head a sampler and a bound for background."""
    head = detector.roi_head
    assigner = dict(head.train_cfg.assigner, neg_iou_thr=neg_iou_thr)
    head.bbox_assigner = TASK_UTILS.build(assigner)
    head.bbox_sampler = TASK_UTILS.build(
        dict(sampler, num=num), default_args=dict(context=head)
    )


def _baseline(detector: Any, num: int) -> None:
    sampler = dict(type='RandomSampler', pos_fraction=0.25)
    _sampling(detector, num, sampler, (0.1, 0.5))


def _stock(detector: Any, num: int) -> None:
    sampler = dict(type='mmdet.OHEMSampler', pos_fraction=0.25)
    _sampling(detector, num, sampler, 0.5)


def _ours(detector: Any, num: int) -> None:
    _sampling(detector, num, dict(type='mmdet_ohem.OHEMSampler'), 0.5)


def _ours_float32(detector: Any, num: int) -> None:
    readonly = dict(type='mmdet_ohem.ReadOnlyBBoxHead', dtype='float32')
    sampler = dict(type='mmdet_ohem.OHEMSampler', readonly_head=readonly)
    _sampling(detector, num, sampler, 0.5)


def _loss_masking(detector: Any, num: int) -> None:
    head: StandardRoIHead = detector.roi_head
    masking = LossMaskingRoIHead(
        train_cfg=head.train_cfg, test_cfg=head.test_cfg
    )
    # The very modules, so that all methods train one set of weights.
    masking.bbox_roi_extractor = head.bbox_roi_extractor
    masking.bbox_head = head.bbox_head
    detector.roi_head = masking.train()
    _sampling(detector, num, dict(type='mmdet_ohem.AllRoISampler'), 0.5)


#: Name in the table -> what makes a detector of it, given B / N.
METHODS: dict[str, Callable[[Any, int], None]] = {
    'baseline': _baseline,
    'OHEM': _ours,
    'OHEM, float32': _ours_float32,
    'stock OHEMSampler': _stock,
    'loss masking': _loss_masking,
}


class Method:
    """A method on a detector that other methods use as well.

    Args:
        name: Key of ``METHODS``.
        detector: Is made the method's own at each iteration.
        load: Sizes.
        optimizer: Steps the shared weights.
    """

    def __init__(
        self,
        name: str,
        detector: Any,
        load: Workload,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        self.name = name
        self.detector = detector
        self.optimizer = optimizer
        plain = self.detector.roi_head
        METHODS[name](self.detector, load.num)
        self.roi_head = self.detector.roi_head
        self.parts = (
            self.roi_head.bbox_assigner,
            self.roi_head.bbox_sampler,
        )
        self.detector.roi_head = plain

    def train_iteration(self, batch: dict) -> Tensor:
        """Forward, backward and optimizer step.

        Args:
            batch: As :func:`random_batch` makes it; left as it is.

        Returns:
            The loss.
        """
        self.detector.roi_head = self.roi_head
        self.roi_head.bbox_assigner, self.roi_head.bbox_sampler = self.parts
        # The RoI head takes the boxes out of the samples it is given.
        samples = copy.deepcopy(batch['data_samples'])
        losses = self.detector.loss(batch['inputs'], samples)
        loss = losses['loss_cls'] + losses['loss_bbox']
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()
