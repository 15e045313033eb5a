"""Trains and tests in several processes, with and without GPUs."""

from typing import Any

from mmengine.runner import Runner
from torch import nn

from mmdet_ohem.host.process_group import (
    ddp_without_gpu,
    has_gpu,
    join_without_gpu,
)
from mmdet_ohem.registry import RUNNERS


@RUNNERS.register_module()
class AnyDeviceRunner(Runner):
    """mmengine's runner, whose ``--launcher pytorch`` also works on CPUs.

    mmengine's own gives each process a GPU before anything else, and fails
    where there is none. Here processes without a GPU are joined by gloo. With
    GPUs, and in a single process, nothing is different. In a config::

        runner_type = 'mmdet_ohem.AnyDeviceRunner'
    """

    def setup_env(self, env_cfg: dict) -> None:
        """Join the other processes first, where mmengine could not.

        Args:
            env_cfg: Of the config; its ``dist_cfg.timeout`` counts, its
                backend does not where there is no GPU.

        Raises:
            ValueError: A launcher other than 'pytorch' without a GPU.
        """
        if self.distributed and not has_gpu():
            dist_cfg = env_cfg.get('dist_cfg') or {}
            join_without_gpu(self.launcher, dist_cfg.get('timeout'))
        super().setup_env(env_cfg)

    def wrap_model(
        self, model_wrapper_cfg: dict | None, model: nn.Module
    ) -> Any:
        """Wrap the model for training in several processes.

        Args:
            model_wrapper_cfg: Of the config.
            model: The detector.

        Returns:
            The wrapper; in a single process the detector itself.
        """
        if self.distributed and not has_gpu():
            find_unused = self.cfg.get('find_unused_parameters', False)
            model_wrapper_cfg = ddp_without_gpu(model_wrapper_cfg, find_unused)
        return super().wrap_model(model_wrapper_cfg, model)
