"""Build a wheel of an unpacked source of mmcv, from fewer compilation units.

Run by ``__main__`` in a process of its own, whose output it reads:
``python -m dev.mmcv_wheel.compile SOURCE FOLDER COUNT``. mmcv's setup.py and
sources stay as they are: between reading setup.py and running it, the sources
of the extension become the units.
"""

import os
import sys

# distutils is setuptools' own once setuptools is imported.
import setuptools

# isort: split
from distutils.core import run_setup
from pathlib import Path
from typing import Any

from dev.mmcv_wheel.units import group, unit_text

__all__ = ['main', 'use_units']

# Debug information is 50 times the code, and 40% of the time. It changes no
# instruction; optimisation is as mmcv and Python have it.
FLAGS = ['-g0']


def use_units(extension: Any, folder: Path, count: int) -> int:
    """Give an extension units in place of its C++ files.

    Args:
        extension: A ``setuptools.Extension`` of torch's kind; changed.
            Sources of other compilers stay as they are.
        folder: Where the units go; made.
        count: How many units.

    Returns:
        How many files the compilers have now.
    """
    paths = [Path(x).resolve() for x in extension.sources]
    texts = {x: x.read_text() for x in paths if x.suffix == '.cpp'}
    folder.mkdir(parents=True, exist_ok=True)
    units = []
    for number, members in enumerate(group(texts, count)):
        unit = folder / f'unit_{number}.cpp'
        unit.write_text(unit_text(members, texts))
        units.append(str(unit))
    others = [str(x) for x in paths if x not in texts]
    extension.sources = units + others
    extension.extra_compile_args['cxx'] += FLAGS
    return len(extension.sources)


def main() -> None:
    """Build the wheel; arguments are source, folder of the wheel, count."""
    source, folder, count = sys.argv[1:]
    os.chdir(source)
    distribution = run_setup(
        'setup.py',
        ['-q', 'bdist_wheel', '--dist-dir', folder],
        stop_after='commandline',
    )
    assert isinstance(distribution, setuptools.Distribution)
    (extension,) = distribution.ext_modules
    use_units(extension, Path('build/units'), int(count))
    distribution.run_commands()


if __name__ == '__main__':
    main()
