"""Check at import that mmdet and what it stands on are there.

They are not requirements of the package: pip would install stock mmdet over
a fork that has the same import names.
"""

import importlib
from importlib import metadata

#: What the package stands on, in the order of import, and how to get it.
REMEDIES = {
    'torch': "pip install 'torch>=2.4'",
    'mmengine': "pip install 'mmengine>=0.10.7'",
    'mmcv': (
        "pip install 'setuptools<81' && MMCV_WITH_OPS=1 pip install "
        "--no-build-isolation 'mmcv>=2.1,<2.2'"
    ),
    'mmcv.ops': (
        'mmcv was built without its ops, or for another torch: install torch '
        "first, then pip install 'setuptools<81' && pip uninstall mmcv && "
        'MMCV_WITH_OPS=1 pip install --no-cache-dir --no-build-isolation '
        "'mmcv>=2.1,<2.2'"
    ),
    'mmdet': "pip install 'mmdet>=3.3,<3.4'",
}
_OLDEST_MMDET = (3, 0)
# What forks call what they distribute, behind a prefix of their own.
_DISTRIBUTED_AS = {'mmdet': 'mmdetection'}
_OPENMMLAB = ('mmengine', 'mmcv', 'mmdet')


def check_installation() -> None:
    """Import what this package stands on.

    Raises:
        ImportError: Something is missing, does not load or is too old; the
            message says what to install.
    """
    for name in REMEDIES:
        import_needed(name)


def import_needed(name: str) -> None:
    """Import one of the modules that this package stands on.

    Args:
        name: One of ``REMEDIES``.

    Raises:
        ImportError: It is missing, does not load or is too old; the message
            says what to install.
    """
    try:
        importlib.import_module(name)
    # mmdet asserts the versions of mmcv and mmengine.
    except (ImportError, AssertionError, OSError) as error:
        raise ImportError(
            f'mmdet_ohem needs {name}, which cannot be imported '
            f'({type(error).__name__}: {error}). Remedy: '
            f'{remedy(name, error)}'
        ) from error
    if name == 'mmdet':
        _check_mmdet_version()


def remedy(name: str, error: Exception | None = None) -> str:
    """Say what to install: one thing, and nothing over a fork.

    Args:
        name: One of ``REMEDIES``.
        error: What its import raised.

    Returns:
        A command, with a reason where it is for a fork.
    """
    if isinstance(error, AssertionError):
        # mmdet is there; it says which of the two is not what it wants.
        name = 'mmengine' if 'mmengine' in str(error).lower() else 'mmcv'
    fork = fork_prefix()
    package = name.partition('.')[0]
    if not fork or package not in _OPENMMLAB:
        return REMEDIES[name]
    package = f'{fork}-{_DISTRIBUTED_AS.get(package, package)}'
    why = f"mmdet's packages are those of {fork} here"
    if name not in ('mmcv', 'mmcv.ops'):
        return f'pip install --upgrade {package} ({why})'
    # An upgrade would keep the one that is there; and pip, left to itself,
    # builds it where there is no torch, and without its ops.
    return (
        'pip install --force-reinstall --no-deps --no-cache-dir '
        f'--no-build-isolation {package} ({why}; its ops compile against this '
        'torch, by setuptools and wheel, which must be installed)'
    )


def fork_prefix() -> str:
    """The fork that OpenMMLab's packages are from.

    Returns:
        Such as ``onedl`` of ``onedl-mmcv``; empty where they are its own, or
        are not there.
    """
    distributions = metadata.packages_distributions()
    for module in _OPENMMLAB:
        for name in distributions.get(module, ()):
            prefix, dash, _ = name.lower().partition(f'-{module}')
            if dash and prefix:
                return prefix
    return ''


def _check_mmdet_version() -> None:
    """Refuse mmdet 2.x, whose registries and samplers are others."""
    # Forks are distributed under other names, so that only the module itself
    # knows its version.
    import mmdet

    found = tuple(int(part) for part in mmdet.__version__.split('.')[:2])
    if found < _OLDEST_MMDET:
        raise ImportError(
            f'mmdet_ohem needs mmdet 3.x, found {mmdet.__version__}. '
            f'Remedy: {remedy("mmdet")}'
        )
