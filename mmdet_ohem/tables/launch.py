"""Commands of ``mim`` for a run."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdet_ohem.counts import Count

LAUNCHERS = ('none', 'pytorch', 'slurm')


@dataclass(frozen=True)
class Launch:
    """How trainings and tests are started.

    Attributes:
        launcher: ``'none'``: a process a run; ``'pytorch'``, ``'slurm'``:
            the images of an iteration are spread over ``gpus``.
        gpus: Number of GPUs. With ``'none'`` so many runs go side by side, a
            GPU each; 0 is the CPU, one run at a time.
        partition: Of slurm.
        srun_args: More arguments for slurm, in one string.
        jobs: Without a GPU, so many runs go side by side, and share the
            cores: each gets its part of the threads.
    """

    launcher: str = 'none'
    gpus: int = 0
    partition: str | None = None
    srun_args: str | None = None
    jobs: int = 1

    def __post_init__(self) -> None:
        if self.jobs < 1 or (self.jobs > 1 and self.gpus > 0):
            raise ValueError(
                f'jobs is {self.jobs} with {Count(self.gpus):GPU}, expected 1 '
                'or '
                'more, and more than 1 only without a GPU. Remedy: --gpus, '
                'which is the number of runs side by side'
            )
        if self.launcher not in LAUNCHERS:
            raise ValueError(
                f'launcher must be one of {LAUNCHERS}, got {self.launcher!r}'
            )
        if self.gpus < 0 or (self.launcher != 'none' and self.gpus == 0):
            raise ValueError(
                f'gpus is {self.gpus}: launcher {self.launcher!r} needs 1 or '
                'more (0 is the CPU, with launcher none)'
            )
        if self.launcher == 'slurm' and not self.partition:
            raise ValueError('launcher slurm needs a partition')

    @property
    def devices(self) -> Sequence[str | None]:
        """One for each run that goes on at the same time.

        Each is the number of a GPU, empty for the CPU, or None where the
        launcher or the machine decides.
        """
        if self.gpus == 0:
            return [''] * self.jobs
        if self.launcher != 'none' or self.gpus == 1:
            return [None]
        visible = os.environ.get('CUDA_VISIBLE_DEVICES')
        names = visible.split(',') if visible else map(str, range(self.gpus))
        return list(names)[: self.gpus]

    def environment(self, device: str | None) -> dict[str, str]:
        """Variables for the processes of a run.

        Args:
            device: One of :attr:`devices`.

        Returns:
            Values by name, to be set beside the others.
        """
        found = {}
        if device is not None:
            found['CUDA_VISIBLE_DEVICES'] = device
        if self.jobs > 1:
            # More threads than cores wait for each other by spinning.
            threads = max((os.cpu_count() or 1) // self.jobs, 1)
            found['OMP_NUM_THREADS'] = str(threads)
        return found

    def images_per_gpu(self, num_images: int) -> int:
        """Images of an iteration on each GPU.

        Args:
            num_images: Of an iteration in all, N.

        Returns:
            Batch size of one process.

        Raises:
            ValueError: They cannot be spread evenly: the paper's protocol
                has N images an iteration, and N is not to be changed.
        """
        if self.launcher == 'none':
            return num_images
        if num_images % self.gpus:
            raise ValueError(
                f'N = {Count(num_images):image} an iteration cannot be spread '
                'over '
                f'{Count(self.gpus):GPU}. Remedy: --gpus {num_images}, or '
                f'--launcher none --gpus {self.gpus}, which trains '
                f'{Count(self.gpus):row} side by side'
            )
        return num_images // self.gpus

    def train(
        self,
        config: Path,
        work_dir: Path,
        batch_size: int,
        resume_from: Path | None,
    ) -> list[str]:
        """The command that trains, or goes on training.

        Args:
            config: Config file.
            work_dir: For checkpoints and logs.
            batch_size: Of each process.
            resume_from: Checkpoint; None: from the beginning.

        Returns:
            Program and arguments.
        """
        command = [*self._mim('train', config), '--work-dir', str(work_dir)]
        if self.launcher != 'none':
            command += [
                '--cfg-options',
                f'train_dataloader.batch_size={batch_size}',
            ]
        if resume_from is not None:
            command += ['--resume', str(resume_from)]
        return command

    def test(
        self, config: Path, work_dir: Path, checkpoint: Path, out: Path | None
    ) -> list[str]:
        """The command that tests.

        Args:
            config: Config file.
            work_dir: For the metrics.
            checkpoint: Of the model.
            out: For the detections of all images; None: they are not kept.

        Returns:
            Program and arguments.
        """
        command = [
            *self._mim('test', config),
            '--checkpoint', str(checkpoint), '--work-dir', str(work_dir),
        ]  # fmt: skip
        return command if out is None else [*command, '--out', str(out)]

    def _mim(self, verb: str, config: Path) -> list[str]:
        gpus = min(self.gpus, 1) if self.launcher == 'none' else self.gpus
        command = [
            sys.executable, '-m', 'mim', verb, 'mmdet', str(config),
            '--gpus', str(gpus), '--launcher', self.launcher,
        ]  # fmt: skip
        if self.launcher == 'slurm':
            command += ['--gpus-per-node', str(min(gpus, 8))]
            command += ['--partition', str(self.partition)]
            if self.srun_args:
                command += ['--srun-args', self.srun_args]
        return command
