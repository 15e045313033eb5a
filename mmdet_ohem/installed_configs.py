"""Where the configs of this package are, in a clone and in an installation."""

from difflib import get_close_matches
from pathlib import Path

from mmdet_ohem.counts import Count

_PACKAGE = Path(__file__).resolve().parent


def config_folder() -> Path:
    """The folder of the leaf configs.

    Returns:
        Of a wheel, what it carries in ``mmdet_ohem/.mim``; of a clone, its
        ``configs``.

    Raises:
        FileNotFoundError: The package came without them.
    """
    for folder in (_PACKAGE / '.mim/configs', _PACKAGE.parent / 'configs'):
        # Any package may have a folder of this name beside ours.
        if (folder / 'metafile.yml').is_file():
            return folder
    raise FileNotFoundError(
        f'{_PACKAGE} came without its configs. Remedy: install it from a '
        'wheel, or by pip install -e . from a clone'
    )


def config_file(name: str) -> str:
    """The path of one of our configs, wherever the package is installed.

    A config of your own names it as its base. mmengine evaluates the value of
    ``_base_`` before it runs the file, so that an import line does not reach
    it, but a call does:
    ``_base_ = __import__('mmdet_ohem').config_file('NAME')``.

    Args:
        name: Such as ``fast_rcnn_vgg16_ohem_voc07``, with or without ``.py``.

    Returns:
        An absolute path.

    Raises:
        FileNotFoundError: There is no such config.
    """
    folder = config_folder()
    path = folder / f'{name.removesuffix(".py")}.py'
    if not path.is_file():
        names = sorted(x.stem for x in folder.glob('*.py'))
        near = get_close_matches(name, names, cutoff=0.3) or names[:3]
        raise FileNotFoundError(
            f'there is no config {name!r} in {folder}. Remedy: one of its '
            f'{Count(len(names)):config}, such as {", ".join(near)}'
        )
    return str(path)
