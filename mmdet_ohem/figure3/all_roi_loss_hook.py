"""The loss over all RoIs while training."""

import math
from typing import Any

from mmengine.dataset import pseudo_collate
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import Subset

from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from mmdet_ohem.figure3.loss_dataset import build_dataset
from mmdet_ohem.figure3.loss_sums import ALL, mean_losses, no_sums
from mmdet_ohem.host.message_hub import record_mean
from mmdet_ohem.registry import HOOKS


@HOOKS.register_module()
class AllRoILossHook(Hook):
    """Log the loss over all RoIs of a fixed sample of images.

    The loss that a training logs is over the RoIs it has sampled, so it
    cannot be compared between samplers; this one can: it is a point of
    Figure 3 of the paper, see
    :class:`~mmdet_ohem.figure3.AllRoILoss`. Through the message hub, each
    ``interval`` iterations, as ``all_roi_loss/...``: ``cls``, ``loc``,
    ``total``; and the total of foreground (``fg``), of background whose IoU
    with the ground truth is at least 0.1 (``near_bg``) or below (``far_bg``).
    A cascade logs each stage, as ``all_roi_loss/s0.total``. Log lines in
    between repeat the last value.

    It costs about ``num_images`` forward passes, which the log counts as
    ``data_time``; the training goes on as without it, to the last bit.

    Args:
        interval: Iterations between two records.
        num_images: Images of the sample, evenly spaced in the split.
        split: Whose images, 'train' or 'test'.

    Raises:
        ValueError: ``interval`` or ``num_images`` is below 1; at the start of
            a training: the config's data do not fit, see
            :func:`~mmdet_ohem.figure3.loss_dataset.build_dataset`.
        TypeError: At the start of a training: the detector has no RoIs.
    """

    def __init__(
        self,
        interval: int = 1000,
        num_images: int = 50,
        split: str = 'train',
    ) -> None:
        for name, value in (
            ('interval', interval),
            ('num_images', num_images),
        ):
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        self.interval = interval
        self.num_images = num_images
        self.split = split
        self._loss: AllRoILoss | None = None
        self._images: Subset | None = None

    def before_train(self, runner: Runner) -> None:
        """Choose the images."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        self._loss = AllRoILoss(model)
        self._images = build_dataset(runner.cfg, self.split, self.num_images)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Compute and record the loss."""
        if self.every_n_train_iters(runner, self.interval):
            for name, value in self.scalars().items():
                key = f'train/all_roi_loss/{name}'
                record_mean(runner.message_hub, key, value)

    def after_train(self, runner: Runner) -> None:
        """Let go of the images."""
        self._loss = self._images = None

    def scalars(self) -> dict[str, float]:
        """The loss over all RoIs now; kinds without a RoI are left out."""
        assert self._loss is not None and self._images is not None
        sums = no_sums(self._loss.num_stages)
        # No data loader: it would draw from the random state.
        for index in range(get_rank(), len(self._images), get_world_size()):
            sums += self._loss(pseudo_collate([self._images[index]]))
        if get_world_size() > 1:
            sums = sums.to(self._loss.device)
            all_reduce(sums)
        scalars = {}
        for mean in mean_losses(sums.cpu()):
            prefix = f's{mean.stage}.' if len(sums) > 1 else ''
            if mean.kind == ALL:
                scalars[f'{prefix}cls'] = mean.cls
                scalars[f'{prefix}loc'] = mean.loc
            name = 'total' if mean.kind == ALL else mean.kind
            scalars[f'{prefix}{name}'] = mean.total
        return {k: v for k, v in scalars.items() if not math.isnan(v)}
