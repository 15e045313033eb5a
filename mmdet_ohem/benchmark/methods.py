"""What is compared, on one detector with one set of weights."""

import copy
from typing import Any, NamedTuple

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmdet_ohem.benchmark.workload import Workload
from mmdet_ohem.host.configs import enter_scope
from mmdet_ohem.host.twins import twin, with_roi_head
from mmdet_ohem.mining import LossMaskingRoIHead
from mmdet_ohem.mining.rules import rule_names


def build_detector(
    config: str, fc_width: int | None = None, cache: str | None = None
) -> Any:
    """Detector of a config with random weights, in training mode.

    Args:
        config: File; its checkpoints are not loaded.
        fc_width: Width of fc6 and fc7, to make it small; None: as it is.
        cache: Folder to keep features in; None: they are computed each time.

    Returns:
        The detector; frozen layers are frozen.
    """
    cfg = Config.fromfile(config)
    enter_scope(cfg)
    # Not in the folder of the config: these weights are random.
    cfg.model.pop('feature_cache', None)
    if cache is not None:
        cfg.model.feature_cache = cache
    cfg.model.backbone.init_cfg = None
    cfg.model.roi_head.bbox_head.init_cfg = None
    if fc_width is not None:
        cfg.model.roi_head.bbox_head.fc_out_channels = (fc_width, fc_width)
    detector = MODELS.build(cfg.model)
    detector.init_weights()
    return detector.train()


def fc_sizes(config: str) -> tuple[int, int]:
    """Size of fc6 and fc7, of all regions of a RoI.

    Args:
        config: File.

    Returns:
        How many numbers fc6 reads of a RoI, and how many weights fc6 and fc7
        have.
    """
    cfg = Config.fromfile(config)
    cfg.model.pop('feature_cache', None)
    enter_scope(cfg)
    # Shapes alone: no memory for weights, and no sampler, which would look at
    # numbers.
    with torch.device('meta'):
        roi_head = MODELS.build(dict(cfg.model, train_cfg=None)).roi_head
    layers = {
        name: module
        for name, module in roi_head.named_modules()
        if isinstance(module, nn.Linear) and name.endswith(('fc6', 'fc7'))
    }
    inputs = [x.in_features for n, x in layers.items() if n.endswith('fc6')]
    return sum(inputs), sum(x.weight.numel() for x in layers.values())


class Recipe(NamedTuple):
    """How a method chooses what is trained on.

    Attributes:
        sampler: Config of the sampler, without ``num``.
        neg_iou_thr: Of the assigner.
        roi_head: What is trained; the plain one but for loss masking.
    """

    sampler: dict
    neg_iou_thr: float | tuple[float, float] = 0.5
    roi_head: type[StandardRoIHead] = StandardRoIHead


_FLOAT32 = dict(type='mmdet_ohem.ReadOnlyBBoxHead', dtype='float32')
#: The methods of the table, by name.
TABLE_METHODS = {
    'baseline': Recipe(
        dict(type='RandomSampler', pos_fraction=0.25), (0.1, 0.5)
    ),
    'OHEM': Recipe(dict(type='mmdet_ohem.OHEMSampler')),
    'OHEM, float32': Recipe(
        dict(type='mmdet_ohem.OHEMSampler', readonly_head=_FLOAT32)
    ),
    'stock OHEMSampler': Recipe(
        dict(type='mmdet.OHEMSampler', pos_fraction=0.25)
    ),
    'loss masking': Recipe(
        dict(type='mmdet_ohem.AllRoISampler'), roi_head=LossMaskingRoIHead
    ),
}


def methods() -> dict[str, Recipe]:
    """Everything that can be compared, by name.

    Returns:
        The methods of the table, then each registered mining rule.
    """
    rules = {
        name: Recipe(dict(type='mmdet_ohem.RuleSampler', rule=name))
        for name in rule_names()
    }
    return TABLE_METHODS | rules


def _roi_head(recipe: Recipe, plain: Any, num: int) -> StandardRoIHead:
    """A RoI head for a method, made of the very modules of another one.

    So all methods train one set of weights.
    """
    assigner = dict(plain.train_cfg.assigner, neg_iou_thr=recipe.neg_iou_thr)
    sampler = dict(recipe.sampler, num=num)
    train_cfg = ConfigDict(plain.train_cfg, assigner=assigner, sampler=sampler)
    return twin(plain, train_cfg, recipe.roi_head)


class Method:
    """A method on a detector that other methods use as well.

    Args:
        name: Of one of :func:`methods`.
        detector: Is given the method's RoI head at each iteration.
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
        self.roi_head: Any = _roi_head(
            methods()[name], detector.roi_head, load.num
        )

    def train_iteration(self, batch: dict) -> Tensor:
        """Forward, backward and optimizer step.

        Args:
            batch: As :func:`random_batch` makes it; left as it is.

        Returns:
            The loss.
        """
        # The RoI head takes the boxes out of the samples it is given.
        samples = copy.deepcopy(batch['data_samples'])
        with with_roi_head(self.detector, self.roi_head):
            losses = self.detector.loss(batch['inputs'], samples)
        loss = losses['loss_cls'] + losses['loss_bbox']
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()
