"""setuptools' build backend, and in each wheel what mim looks for.

mim looks for configs, tools and the model index in ``mmdet_ohem/.mim`` beside
the metadata of the installation. A wheel carries copies of them there. An
editable one carries small files that lead to those of the checkout, so that
an edited config counts at once; a new one is found after `pip install -e .`.

Run by pip and other builders, never by hand.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from wheel.wheelfile import WheelFile

__all__ = [
    'build_editable',
    'build_sdist',
    'build_wheel',
    'get_requires_for_build_editable',
    'get_requires_for_build_sdist',
    'get_requires_for_build_wheel',
    'prepare_metadata_for_build_editable',
    'prepare_metadata_for_build_wheel',
]

_ID = 'See ../configs/{}.py; mim finds a config by the name of a file.\n'
_CONFIG = '_base_ = [{!r}]\n'
_TOOL = "import runpy\n\nrunpy.run_path({!r}, run_name='__main__')\n"
_INDEX = 'Import:\n  - {!r}\n'


def build_wheel(
    wheel_directory: str,
    config_settings: dict | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel with copies; see PEP 517."""
    name = build_meta.build_wheel(
        wheel_directory, config_settings, metadata_directory
    )
    _add_files(Path(wheel_directory, name), dict(_copies(Path.cwd())))
    return name


def build_editable(
    wheel_directory: str,
    config_settings: dict | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel that leads to this folder; see PEP 660."""
    name = build_meta.build_editable(
        wheel_directory, config_settings, metadata_directory
    )
    _add_files(Path(wheel_directory, name), dict(_links(Path.cwd())))
    return name


def _copies(root: Path) -> Iterator[tuple[str, str]]:
    """Name below ``.mim`` and text of what a wheel carries."""
    index = root / 'model-index.yml'
    for path in (
        index,
        *(root / 'tools').glob('*.py'),
        *(root / 'configs').rglob('*.*'),
    ):
        if path.suffix in ('.py', '.yml'):
            name = path.relative_to(root).as_posix()
            yield name, path.read_text(encoding='utf-8')
    yield from _ids(root)


def _links(root: Path) -> Iterator[tuple[str, str]]:
    """The same for an editable wheel; mim looks for no ``_base_``."""
    metafile = root / 'configs/metafile.yml'
    yield 'model-index.yml', _INDEX.format(metafile.as_posix())
    for path in (root / 'configs').glob('*.py'):
        yield f'configs/{path.name}', _CONFIG.format(path.as_posix())
    for path in (root / 'tools').glob('*.py'):
        yield f'tools/{path.name}', _TOOL.format(path.as_posix())
    yield from _ids(root)


def _ids(root: Path) -> Iterator[tuple[str, str]]:
    for path in (root / 'configs').glob('*.py'):
        yield f'ids/{path.stem}', _ID.format(path.stem)


def _add_files(wheel: Path, texts: dict[str, str]) -> None:
    """Add ``mmdet_ohem/.mim/<name>`` to a wheel and to its RECORD."""
    with tempfile.TemporaryDirectory(dir=wheel.parent) as folder:
        # A wheel's file name tells its tags, so that it stays the same.
        grown = Path(folder, wheel.name)
        with WheelFile(wheel) as source, WheelFile(grown, 'w') as target:
            for item in source.infolist():
                if item.filename != source.record_path:
                    target.writestr(item, source.read(item))
            for name, text in sorted(texts.items()):
                target.writestr(f'mmdet_ohem/.mim/{name}', text)
        os.replace(grown, wheel)
