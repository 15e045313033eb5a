"""Check at import that mmdet and what it stands on are there.

They are not requirements of the package: pip would install stock mmdet over
a fork that has the same import names.
"""

import importlib

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
    remedy = REMEDIES[name]
    try:
        importlib.import_module(name)
    # mmdet asserts the versions of mmcv and mmengine.
    except (ImportError, AssertionError, OSError) as error:
        if isinstance(error, AssertionError):
            remedy = f'{remedy}; {REMEDIES["mmcv"]}'
        raise ImportError(
            f'mmdet_ohem needs {name}, which cannot be imported '
            f'({type(error).__name__}: {error}). Remedy: {remedy}'
        ) from error
    if name == 'mmdet':
        _check_mmdet_version()


def _check_mmdet_version() -> None:
    """Refuse mmdet 2.x, whose registries and samplers are others."""
    # Forks are distributed under other names, so that only the module itself
    # knows its version.
    import mmdet

    found = tuple(int(part) for part in mmdet.__version__.split('.')[:2])
    if found < _OLDEST_MMDET:
        raise ImportError(
            f'mmdet_ohem needs mmdet 3.x, found {mmdet.__version__}. '
            f'Remedy: {REMEDIES["mmdet"]}'
        )
