"""How errors name the checkpoint that a training can go on from."""

from mmengine.runner import Runner

from mmdet_ohem.host.checkpoint_saving import WholeCheckpointHook


def last_good_checkpoint(runner: Runner) -> str:
    """Name the last checkpoint that has finite weights.

    Args:
        runner: Of a training.

    Returns:
        Words for the end of a message.
    """
    for hook in runner.hooks:
        if isinstance(hook, WholeCheckpointHook):
            if hook.last_written is None:
                return 'There is no checkpoint to go on from yet'
            return f'The last good checkpoint is {hook.last_written}'
    return (
        'Whether an earlier checkpoint is good is not known without '
        'default_hooks.checkpoint.type=mmdet_ohem.SafeCheckpointHook'
    )
