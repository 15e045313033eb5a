"""A test loop that runs each image at several scales."""

import copy
from typing import Any

from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import TestLoop
from torch import nn

from mmdet_ohem.host.patching import replaced
from mmdet_ohem.host.pipelines import replace_pipelines
from mmdet_ohem.localization.views import (
    build_tta_model,
    in_words,
    views_pipeline,
)
from mmdet_ohem.registry import LOOPS


@LOOPS.register_module()
class MultiScaleTestLoop(TestLoop):
    """+M at test time without a flag: mmdet's ``--tta`` as a line of config.

    ``test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')`` tests with the
    config's ``tta_pipeline`` and ``tta_model``; where it has none, with the
    test pipeline at the paper's scales, in proportion to its own, and
    ``MultiScaleTTAModel``. The log says which scales. Training,
    validation, checkpoints and, once the test is over or has failed, the
    runner's model are as without it.

    It is a loop and not a hook for two reasons: mmengine does not tell hooks
    that a test has failed, and all hooks, in any order, must see the model
    that is tested.

    Args:
        runner: The runner.
        dataloader: Config of the test data; single-scale, as for validation.
        evaluator: As for mmengine's ``TestLoop``.
        fp16: As for mmengine's ``TestLoop``.

    Raises:
        TypeError: ``dataloader`` is built already, so that its pipeline
            cannot be changed.
    """

    def __init__(
        self, runner: Any, dataloader: Any, evaluator: Any, fp16: bool = False
    ) -> None:
        if not isinstance(dataloader, dict):
            raise TypeError(
                f'test_dataloader is a {type(dataloader).__name__}, but '
                'MultiScaleTestLoop replaces the pipeline of its dataset. '
                'Remedy: give the config of the data loader'
            )
        dataloader = copy.deepcopy(dataloader)
        pipeline = views_pipeline(runner.cfg)
        self._scales = in_words(pipeline)
        replace_pipelines(dataloader['dataset'], pipeline)
        super().__init__(runner, dataloader, evaluator, fp16)

    def run(self) -> dict:
        """Test; the runner's model is a TTA model meanwhile."""
        model = self._with_views(self.runner.model)
        with replaced(self.runner, model=model):
            return super().run()

    def _with_views(self, model: Any) -> nn.Module:
        # Evaluation needs nothing of a wrapper for distributed training.
        bare = model.module if is_model_wrapper(model) else model
        if isinstance(bare, BaseTTAModel):  # as with --tta
            return model
        print_log(
            f'testing at several scales (+M): {self._scales}',
            logger='current',
        )
        return build_tta_model(self.runner.cfg, bare)
