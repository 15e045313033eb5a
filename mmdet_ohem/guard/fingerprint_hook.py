"""A resumed training says where it is another one."""

import logging
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmdet_ohem.counts import Count
from mmdet_ohem.guard.fingerprint import changes, fingerprint, is_schedule
from mmdet_ohem.host.resuming import Loading, purpose_of_loading
from mmdet_ohem.registry import HOOKS

_KEY = 'fingerprint'


@HOOKS.register_module()
class FingerprintHook(Hook):
    """Keep what a training depends on in its checkpoints, and compare.

    These are the config of model, data and schedule, the seed, the number of
    processes, and the lists and proposal files of the dataset. Where
    ``--resume`` finds others, the training goes on and a warning lists what
    changed: to make a training longer is legitimate, and only its owner knows
    whether the rest is. (Other classes and other weights are an error, see
    :class:`WeightsFitHook`.) Checkpoints of other hooks have no fingerprint
    and are resumed as they are.
    """

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Add the fingerprint."""
        checkpoint[_KEY] = _fingerprint_of(runner)

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Compare it with that of this training."""
        before = checkpoint.get(_KEY)
        if not before or purpose_of_loading(runner) is not Loading.RESUME:
            return
        now = _fingerprint_of(runner)
        # mmengine goes on with the seed of the checkpoint.
        if runner.cfg.get('randomness', {}).get('seed') is None:
            now['seed'] = before.get('seed', now['seed'])
        lines = changes(before, now)
        if not lines:
            return
        other = [x for x in lines if not is_schedule(x)]
        verdict = (
            f'{len(other)} of these are not of the schedule: it is no longer '
            'the same training'
            if other
            else 'only the schedule changed'
        )
        text = '\n  '.join(lines)
        print_log(
            f'resume: {Count(len(lines)):value} '
            f'{Count(len(lines)):differs|differ} from those of the '
            f'checkpoint, {verdict}. Remedy, if that is not on purpose: stop '
            f'and resume with the values from before\n  {text}',
            logger='current',
            level=logging.WARNING,
        )


def _fingerprint_of(runner: Runner) -> dict[str, str]:
    return fingerprint(
        runner.cfg.to_dict(),
        seed=runner.seed,
        processes=get_world_size(),
        images=len(runner.train_dataloader.dataset),
    )
