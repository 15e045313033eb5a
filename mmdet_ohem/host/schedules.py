"""When the hooks of mmengine do their work.

Relies on the attributes and conditions of ``CheckpointHook`` and
``LoggerHook`` of mmengine 0.10.7, which tell nobody when they are due.
"""

from mmengine.hooks import CheckpointHook, Hook, LoggerHook
from mmengine.runner import Runner


def saves_checkpoint_now(runner: Runner) -> bool:
    """Whether a checkpoint by iterations is saved after this iteration.

    Args:
        runner: Of a training, in ``after_train_iter``.

    Returns:
        Whether one of its hooks saves.
    """
    return any(_saves_now(hook, runner) for hook in runner.hooks)


def logging_interval(runner: Runner) -> int:
    """Iterations between two lines of the log.

    Args:
        runner: Of a training.

    Returns:
        The interval of its ``LoggerHook``, else that hook's default.
    """
    hooks = (hook for hook in runner.hooks if isinstance(hook, LoggerHook))
    return next((hook.interval for hook in hooks), LoggerHook().interval)


def _saves_now(hook: Hook, runner: Runner) -> bool:
    if not isinstance(hook, CheckpointHook) or hook.by_epoch:
        return False
    last = hook.save_last and hook.is_last_train_iter(runner)
    return last or hook.every_n_train_iters(
        runner, hook.interval, hook.save_begin
    )
