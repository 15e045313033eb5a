"""The wheels that were built, kept for the next clone, CI and Docker.

A wheel of mmcv fits one torch, one Python, one platform and one compiler.
pip's cache knows only Python and platform, so that it hands out wheels that
do not load. Here a folder is named by all of it, and says so in a file.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

try:
    import torch
except ImportError as error:
    raise SystemExit(
        f'mmcv compiles against torch, which cannot be imported ({error}). '
        "Remedy: pip install 'torch>=2.4'"
    ) from None

# Count up when the build makes other wheels out of the same facts.
RECIPE = 1
#: Variables of the environment that change what is compiled.
VARIABLES = (
    'CC',
    'CXX',
    'CFLAGS',
    'CPPFLAGS',
    'CXXFLAGS',
    'LDFLAGS',
    'FORCE_CUDA',
    'MMCV_CUDA_ARGS',
    'TORCH_CUDA_ARCH_LIST',
    'NVCC_APPEND_FLAGS',
    'NVCC_PREPEND_FLAGS',
)
_FACTS = 'made_for.json'


def facts(requirement: str) -> dict[str, str]:
    """All that a wheel depends on.

    Args:
        requirement: Such as ``mmcv==2.1.0``.
    """
    cards = range(torch.cuda.device_count())
    return {
        'requirement': requirement,
        'recipe': str(RECIPE),
        'torch': torch.__version__,
        'cuda': f'{torch.version.cuda} {torch.cuda.is_available()}',
        'cards': str([torch.cuda.get_device_capability(i) for i in cards]),
        'python': sys.implementation.cache_tag,
        'platform': sysconfig.get_platform(),
        'libc': ' '.join(platform.libc_ver()),
        'compiler': _compiler(),
        'flags': str(sysconfig.get_config_var('CFLAGS')),
        **{name: os.environ.get(name, '') for name in VARIABLES},
    }


def _compiler() -> str:
    """How the C++ compiler that torch uses names itself, in a line."""
    command = os.environ.get('CXX', 'c++')
    try:
        done = subprocess.run(
            [*command.split(), '--version'],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f'mmcv needs a C++ compiler, and {command} does not run '
            f'({error}). Remedy: install g++, or name one in CXX'
        ) from None
    return done.stdout.partition('\n')[0]


def key(made_for: dict[str, str]) -> str:
    """A short name for facts, which no others have."""
    text = json.dumps(made_for, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder(made_for: dict[str, str]) -> Path:
    """Where the wheel for these facts is kept; it need not exist.

    ``MMDET_OHEM_WHEELS`` names the folder of all, by default
    ``~/.cache/mmdet_ohem/wheels``.
    """
    cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    all_wheels = os.environ.get('MMDET_OHEM_WHEELS') or Path(
        cache, 'mmdet_ohem', 'wheels'
    )
    name = made_for['requirement'].replace('==', '-')
    return Path(all_wheels, f'{name}-{key(made_for)}')


def find(made_for: dict[str, str]) -> Path | None:
    """The kept wheel for these facts."""
    return next(iter(sorted(folder(made_for).glob('*.whl'))), None)


def keep(wheel: Path, made_for: dict[str, str]) -> Path:
    """Keep a wheel, in place of one that was kept for the same facts.

    Args:
        wheel: The wheel.
        made_for: What it was built for.

    Returns:
        The kept wheel.

    Raises:
        OSError: The folder cannot be written.
    """
    target = folder(made_for)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The folder appears whole: another clone may look for it at any time.
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        fresh = Path(temporary, 'fresh')
        fresh.mkdir()
        shutil.copy(wheel, fresh)
        text = json.dumps(made_for, indent=1) + '\n'
        (fresh / _FACTS).write_text(text, encoding='utf-8')
        if target.exists():
            os.replace(target, Path(temporary, 'old'))
        os.replace(fresh, target)
    return target / wheel.name
