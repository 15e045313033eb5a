"""Pictures of the hard examples while training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmdet.structures.bbox import get_box_tensor
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmdet_ohem.registry import HOOKS
from mmdet_ohem.watch.hard_example_drawing import (
    DrawingStyle,
    draw_hard_examples,
)
from mmdet_ohem.watch.record_summary import summarize
from mmdet_ohem.watch.sampler_listener import (
    SampledImage,
    listen,
    samplers_of,
)


@HOOKS.register_module()
class HardExampleVisualizationHook(Hook):
    """Draw the RoIs that were mined, at intervals.

    Of the first image of the batch, the hardest RoIs with the loss beside
    each, and the ground truth, go to the backends of the runner's visualizer
    as ``hard_examples`` (``hard_examples_s0`` and so on for the stages of a
    cascade): files in ``vis_data/vis_image``, TensorBoard, WandB. No display
    is needed.

    The picture is the image as the network sees it, before normalisation and
    before ``batch_augments`` of the data preprocessor. It is taken for BGR,
    as mmcv loads images. Nothing is drawn during a warm-up of the sampler.

    Args:
        interval: Iterations between two pictures.
        max_boxes: RoIs drawn at the most: the hardest, half of them foreground
            and half background where there are enough.
        draw_suppressed: Draw, faintly, what the NMS removed.
        min_side: Images whose shorter side has fewer pixels are enlarged.

    Raises:
        ValueError: ``interval``, ``max_boxes`` or ``min_side`` is below 1.
        TypeError: At the start of a training: the detector has no RoI head,
            or no sampler of it scores RoIs.
    """

    def __init__(
        self,
        interval: int = 500,
        max_boxes: int = 16,
        draw_suppressed: bool = False,
        min_side: int = 480,
    ) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self.style = DrawingStyle(max_boxes, draw_suppressed, min_side)
        self._samplers: list[Any] = []
        self._stops: list[Callable[[], None]] = []
        self._first_images: dict[int, SampledImage] = {}

    def before_train(self, runner: Runner) -> None:
        """Find the samplers."""
        self._stop()  # of a training that broke off
        samplers = samplers_of(runner.model, type(self).__name__)
        if not any(hasattr(sampler, 'last_record') for sampler in samplers):
            raise TypeError(
                f'{type(self).__name__}: {type(samplers[0]).__name__} '
                'computes no loss of each RoI to draw. Remedy: leave the '
                'hook out of custom_hooks, or train with '
                "sampler=dict(type='mmdet_ohem.OHEMSampler'); "
                'mmdet-ohem browse draws other samplers, too'
            )
        self._samplers = samplers

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Listen to the samplers where this iteration is drawn."""
        if is_main_process() and self.every_n_train_iters(
            runner, self.interval
        ):
            self._stop()
            self._stops = [
                listen(sampler, self._listener(stage))
                for stage, sampler in enumerate(self._samplers)
            ]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Draw what was heard."""
        for stage, sampled in self._first_images.items():
            if sampled.record is None:  # a warm-up, or another sampler
                continue
            name = 'hard_examples'
            if len(self._samplers) > 1:
                name += f'_s{stage}'
            step = runner.iter + 1
            picture = draw_hard_examples(
                as_rgb(data_batch['inputs'][0]),
                sampled.record,
                get_box_tensor(sampled.gt_instances.bboxes),
                self.style,
                caption=(f'iteration {step}: {summarize(sampled.record)}'),
            )
            runner.visualizer.add_image(name, picture, step)
        self._stop()

    def after_train(self, runner: Runner) -> None:
        """Leave the samplers as they were."""
        self._stop()

    def _listener(self, stage: int) -> Callable[[SampledImage], None]:
        def keep_first(image: SampledImage) -> None:
            self._first_images.setdefault(stage, image)

        return keep_first

    def _stop(self) -> None:
        for stop in self._stops:
            stop()
        self._stops.clear()
        self._first_images.clear()


def as_rgb(inputs: Tensor) -> np.ndarray:
    """The picture that a pipeline packed.

    Args:
        inputs: BGR in [0, 255], uint8 or float, shape (3, H, W).

    Returns:
        RGB, uint8, shape (H, W, 3).
    """
    pixels = inputs.detach().cpu().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).flip(-1).numpy())
