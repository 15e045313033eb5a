"""All that can be looked at with a config."""

from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmdet_ohem.doctor.data import load_data
from mmdet_ohem.doctor.finding import ERROR, Finding, checked, warning
from mmdet_ohem.doctor.model import check_classes, check_samplers
from mmdet_ohem.doctor.resources import check_resources
from mmdet_ohem.doctor.training_step import take_step
from mmdet_ohem.doctor.weights import check_weights


def check_config(
    config: Config,
    work_dir: Path,
    step: bool = False,
    device: str | None = None,
) -> Iterator[Finding]:
    """Look at data, proposals, weights, classes, samplers, memory and disk.

    Args:
        config: A whole config, its modules imported.
        work_dir: For the checkpoints; it need not exist.
        step: Whether to train on one image, if all else is fine.
        device: For that; None: a GPU if there is one.

    Yields:
        What is found, line by line.
    """
    scope = config.get('default_scope', 'mmdet')
    with DefaultScope.overwrite_default_scope(scope):
        found, loaded = load_data(config)
        yield from found
        for what, check in (
            ('classes', lambda: check_classes(config, loaded)),
            ('sampler', lambda: check_samplers(config, loaded)),
            ('weights', lambda: check_weights(config)),
            ('model', lambda: check_resources(config, work_dir)),
        ):
            lines = checked(what, check)
            found += lines
            yield from lines
        if not step:
            return
        samples = [x.sample for x in loaded if x.split == 'train']
        if not samples or any(x.level == ERROR for x in found):
            yield warning(
                'training step', 'not taken: mend the errors above first'
            )
            return
        yield from checked(
            'training step', lambda: take_step(config, samples[0], device)
        )
