"""The loss over all RoIs of runs at their checkpoints: Figure 3."""

import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from mmdet.registry import MODELS
from mmengine.dist import (
    all_reduce,
    broadcast_object_list,
    get_world_size,
    is_main_process,
)
from mmengine.logging import print_log
from torch.utils.data import Subset

from mmdet_ohem.counts import Count
from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from mmdet_ohem.figure3.checkpoint_loss import CheckpointLoss, result_path
from mmdet_ohem.figure3.loss_dataset import build_dataloader, build_dataset
from mmdet_ohem.figure3.loss_sums import ALL, mean_losses, no_sums
from mmdet_ohem.host.configs import enter_scope
from mmdet_ohem.host.refusals import Purpose, check_config
from mmdet_ohem.runs.checkpoints import load_weights
from mmdet_ohem.runs.work_dir import WorkDir


class Progress(NamedTuple):
    """How far an analysis is.

    Attributes:
        checkpoint: Being computed.
        nth: Place of this checkpoint among those that were missing, from 0.
        num_checkpoints: That were missing.
        done: Images of this checkpoint that are done.
        num_images: Images of this checkpoint.
    """

    checkpoint: Path
    nth: int
    num_checkpoints: int
    done: int
    num_images: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class AnalysisSettings:
    """How the loss over all RoIs is computed.

    Attributes:
        split: Whose images, 'train' or 'test'.
        max_images: Take no more of them, evenly spaced; None takes all.
        dtype: As for :class:`~mmdet_ohem.ReadOnlyBBoxHead`.
        device: Where the detectors run.
        checkpoints: Take only these: iterations, or epochs where checkpoints
            are named by epochs; None takes all.
    """

    split: str = 'train'
    max_images: int | None = None
    dtype: str = 'float32'
    device: str = 'cpu'
    checkpoints: Sequence[int] | None = None


class LossAnalysis:
    """Compute what is not computed yet, one result for each checkpoint.

    In a distributed job each process takes its share of the images; the
    numbers are those of one process but for the order of adding float64.
    A torn checkpoint is left out with a warning, unless it was asked for.

    Args:
        runs: What to analyse; their configs must be able to build.
        results: Folder of the results.
        settings: How.

    Raises:
        TypeError: A run is not of a two-stage detector.
        FileNotFoundError: A run has no config, or no (such) checkpoint.
        ValueError: A run has several configs, or a checkpoint that was asked
            for is torn.
    """

    def __init__(
        self,
        runs: Sequence[WorkDir],
        results: Path,
        settings: AnalysisSettings,
    ) -> None:
        for run in runs:
            check_config(run.config, Purpose.LOSSES_OF_A_RUN)
        self.runs = runs
        self.checkpoints = [
            run.select_checkpoints(settings.checkpoints) for run in runs
        ]
        self.results = results
        self.settings = settings

    def pending(self) -> list[tuple[WorkDir, Path]]:
        """Checkpoints without a result, as the first process finds them."""
        found = [
            (index, checkpoint)
            for index, run in enumerate(self.runs)
            for checkpoint in self.checkpoints[index]
            if CheckpointLoss.load(self.path_of(run, checkpoint)) is None
        ]
        # While a process is still looking, another may be writing.
        shared = [found]
        broadcast_object_list(shared)
        return [(self.runs[index], path) for index, path in shared[0]]

    def path_of(self, run: WorkDir, checkpoint: Path) -> Path:
        """Where the result of a checkpoint is, or will be."""
        cfg = run.config
        settings = dict(
            split=self.settings.split,
            max_images=self.settings.max_images,
            dtype=self.settings.dtype,
            model=repr(cfg.model),
            train=repr((cfg.get('train_dataloader') or {}).get('dataset')),
            test=repr((cfg.get('test_dataloader') or {}).get('dataset')),
        )
        return result_path(self.results, checkpoint, settings)

    def compute(self, on_progress: OnProgress | None = None) -> None:
        """Compute and save the results that are missing.

        Args:
            on_progress: Told of each image, in the first process.

        Raises:
            ValueError: A run's data do not fit, see
                :func:`~mmdet_ohem.figure3.loss_dataset.build_dataset`, or a
                checkpoint does not, or is torn in its middle.
        """
        built: tuple[WorkDir, AllRoILoss, Subset] | None = None
        pending = self.pending()
        for nth, (run, checkpoint) in enumerate(pending):
            if built is None or built[0] is not run:
                built = (run, *self._build(run))
            tell = partial(_tell, on_progress, checkpoint, nth, len(pending))
            self._compute_one(*built, checkpoint, tell)

    def load(self) -> list[list[CheckpointLoss]]:
        """Results of each run, all of them computed.

        Returns:
            A list for each run, in the order of its checkpoints.
        """
        loaded = [
            [CheckpointLoss.load(self.path_of(run, x)) for x in checkpoints]
            for run, checkpoints in zip(
                self.runs, self.checkpoints, strict=True
            )
        ]
        return [[x for x in results if x] for results in loaded]

    def _build(self, run: WorkDir) -> tuple[AllRoILoss, Subset]:
        """Detector and images of a run."""
        config = run.config
        enter_scope(config)
        dataset = build_dataset(
            config, self.settings.split, self.settings.max_images
        )
        # Building writes into the config, which the results are named by.
        detector = MODELS.build(copy.deepcopy(config.model))
        detector.to(self.settings.device)
        return AllRoILoss(detector, dtype=self.settings.dtype), dataset

    def _compute_one(
        self,
        run: WorkDir,
        loss: AllRoILoss,
        dataset: Subset,
        checkpoint: Path,
        tell: Callable[[int, int], None],
    ) -> None:
        """Compute one checkpoint in all processes, save it in the first."""
        begin = time.perf_counter()
        iteration = load_weights(loss.detector, checkpoint)
        loader_cfg = run.config.get(f'{self.settings.split}_dataloader')
        loader = build_dataloader(dataset, loader_cfg.get('num_workers', 0))
        sums = no_sums(loss.num_stages)
        tell(0, len(dataset))
        for done, batch in enumerate(loader, start=1):
            sums += loss(batch)
            # The other processes are about as far.
            tell(min(done * get_world_size(), len(dataset)), len(dataset))
        sums = _add_up(sums, self.settings.device)
        if is_main_process():
            _warn_of_non_finite(checkpoint, sums)
            CheckpointLoss(
                checkpoint=checkpoint.name,
                iteration=iteration,
                num_images=len(dataset),
                seconds=time.perf_counter() - begin,
                sums=sums.tolist(),
            ).save(self.path_of(run, checkpoint))


def _tell(
    on_progress: OnProgress | None,
    checkpoint: Path,
    nth: int,
    num_checkpoints: int,
    done: int,
    num_images: int,
) -> None:
    """Report progress in the first process, if anybody listens."""
    if on_progress and is_main_process():
        on_progress(
            Progress(checkpoint, nth, num_checkpoints, done, num_images)
        )


def _add_up(sums: torch.Tensor, device: str) -> torch.Tensor:
    """Sums of all processes."""
    if get_world_size() == 1:
        return sums
    total = sums.to(device)
    all_reduce(total)
    return total.cpu()


def _warn_of_non_finite(checkpoint: Path, sums: torch.Tensor) -> None:
    for mean in mean_losses(sums):
        if mean.kind == ALL and mean.non_finite:
            print_log(
                f'{checkpoint}, stage {mean.stage}: '
                f'left out {mean.non_finite} of '
                f'{Count(mean.num_rois + mean.non_finite):RoI} whose loss is '
                'not '
                'finite. Look for boxes without area in the ground truth, '
                'or for a training that diverged',
                logger='current',
                level=logging.WARNING,
            )
