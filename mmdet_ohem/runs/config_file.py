"""The config of a run, as the training has dumped it."""

from pathlib import Path

from mmengine.config import Config

from mmdet_ohem.host.configs import load_config
from mmdet_ohem.host.safe_config import read_dumped_config


def read_config(folder: Path, import_custom_modules: bool = True) -> Config:
    """Read the config that a training has dumped.

    Args:
        folder: mmdet's ``--work-dir``.
        import_custom_modules: Whether to run it, with the modules that it
            imports: what builds the detector needs that. What only looks at
            a run reads the values and runs nothing.

    Returns:
        The config.

    Raises:
        FileNotFoundError: There is no folder, or no config in it.
        ValueError: There are several configs, or it cannot be read, or one
            that is to be read without running it is more than a dump.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder} is no folder. Remedy: give the --work-dir of a training'
        )
    configs = sorted(folder.glob('*.py'))
    if not configs:
        raise FileNotFoundError(
            f'{folder} holds no config (*.py): it is no work dir of a '
            'training. Remedy: give the --work-dir of mim train'
        )
    if len(configs) > 1:
        names = ', '.join(path.name for path in configs)
        raise ValueError(
            f'{folder} holds several configs ({names}). Remedy: leave only '
            'the one that its checkpoints were trained with'
        )
    if import_custom_modules:
        return load_config(configs[0])
    return read_dumped_config(configs[0])
