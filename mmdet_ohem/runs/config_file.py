"""The config of a run, as the training has dumped it."""

from pathlib import Path

from mmengine.config import Config

from mmdet_ohem.host.configs import load_config


def read_config(folder: Path, import_custom_modules: bool = True) -> Config:
    """Read the config that a training has dumped.

    Args:
        folder: mmdet's ``--work-dir``.
        import_custom_modules: Whether the modules that it imports must be
            there: what builds the detector needs them, what only looks does
            not.

    Returns:
        The config.

    Raises:
        FileNotFoundError: There is no folder, or no config in it.
        ValueError: There are several configs, or it cannot be read.
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
    return load_config(configs[0], import_custom_modules=import_custom_modules)
