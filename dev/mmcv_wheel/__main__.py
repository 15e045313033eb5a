"""Install mmcv with its ops: from a kept wheel, or compiled in minutes.

Run in the folder of this clone, with the Python that mmcv is for, in which
torch, setuptools, wheel and ninja are installed. See dev/README.md.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

from dev.mmcv_wheel import kept
from dev.mmcv_wheel.build import Build

#: Versions that were built in units, and whose ops gave the bits of a plain
#: build of mmcv 2.1.0. Any other is built the plain way.
TESTED = ('mmcv==2.1.0', 'onedl-mmcv==2.3.6')
# A unit needs up to 2.3 GiB.
GIB_PER_JOB = 2.5
# Fewer units compile in less time, and need more memory.
LEAST_UNITS = 6
_TRY_AN_OP = """
import torch
from mmcv.ops import nms
boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
assert len(nms(boxes, torch.tensor([0.1, 0.2]), 0.5)[1]) == 1
"""


def main() -> None:
    """Find or build the wheel, install it, keep it."""
    args = _parse_args()
    name = args.requirement.partition('==')[0]
    if not args.no_install:
        refuse_to_mix(name)
    made_for = kept.facts(args.requirement)
    wheel = None if args.no_cache or args.plain else kept.find(made_for)
    if wheel:
        print(f'{name}: the wheel kept in {wheel.parent} fits', flush=True)
        problem = '' if args.no_install else install(wheel)
        if not problem:
            return
        print(f'{name}: its ops do not run here ({problem}): compiling again')
    with tempfile.TemporaryDirectory(dir=_without_space()) as folder:
        log = _log(made_for)
        job = Build(
            args.requirement, args.jobs, args.no_cache, Path(folder), log
        )
        wheel = build(job, plain=args.plain)
        problem = '' if args.no_install else install(wheel)
        if problem:
            sys.exit(f'{name}: the ops do not run ({problem}); see {log}')
        try:
            print(f'{name}: kept in {kept.keep(wheel, made_for).parent}')
        except OSError as error:
            print(f'{name}: the wheel is not kept ({error})')


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m dev.mmcv_wheel', description=__doc__
    )
    parser.add_argument(
        'requirement',
        nargs='?',
        default=TESTED[0],
        help='package and version, NAME==VERSION (default: %(default)s)',
    )
    parser.add_argument(
        '--no-cache',
        action='store_true',
        help='download and compile, whatever is kept; the new wheel is kept '
        'in place of the old one',
    )
    parser.add_argument(
        '--plain',
        action='store_true',
        help="compile file by file, with mmcv's own flags, as pip does; "
        'whatever is kept',
    )
    parser.add_argument(
        '--no-install',
        action='store_true',
        help='only build the wheel and keep it',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=jobs(),
        help='compilers at once (default: one for each core that has '
        f'{GIB_PER_JOB} GiB of memory, here %(default)s)',
    )
    args = parser.parse_args()
    if not re.fullmatch(r'[\w.-]+==[\w.+!]+', args.requirement):
        parser.error(
            f'{args.requirement!r} is not NAME==VERSION, such as {TESTED[0]}'
        )
    if args.jobs < 1:
        parser.error(f'--jobs {args.jobs}: must be at least 1')
    return args


def refuse_to_mix(name: str) -> None:
    """Refuse to install mmcv over a fork of it, and the other way round.

    Args:
        name: The package that is to be installed.

    Raises:
        SystemExit: Another package provides ``mmcv`` here.
    """
    found = metadata.packages_distributions().get('mmcv', [])
    others = sorted({x for x in found if x.lower() != name.lower()})
    if others:
        sys.exit(
            f'{name}: mmcv is that of {", ".join(others)} here, and both have '
            'the same import names. Remedy: name that package, or pip '
            f'uninstall {" ".join(others)} first'
        )


def jobs() -> int:
    """As many compilers at once as cores and free memory allow."""
    cores = len(os.sched_getaffinity(0))
    try:
        text = Path('/proc/meminfo').read_text(encoding='ascii')
        (kib,) = re.findall(r'^MemAvailable:\s+(\d+)', text, re.M)
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, int(int(kib) / 2**20 / GIB_PER_JOB)))


def build(job: Build, plain: bool) -> Path:
    """Build in units where that was tried; if it fails, the plain way.

    Args:
        job: What to build.
        plain: Do not try units.

    Returns:
        The wheel, in the folder of ``job``.

    Raises:
        SystemExit: Neither way worked.
    """
    start = time.monotonic()
    at_once = f'{job.jobs} at once'
    wheel = None
    if not plain and job.requirement in TESTED:
        count = max(LEAST_UNITS, 2 * job.jobs)
        print(f'{job.name}: compiling in {count} units, {at_once}', flush=True)
        wheel = job.in_units(count)
        if not wheel:
            failed = job.log.replace(job.log.with_suffix('.units.log'))
            print(f'{job.name}: compiling in units failed, see {failed}')
    elif not plain:
        print(f'{job.name}: only {" and ".join(TESTED)} were tried in units')
    if not wheel:
        print(
            f'{job.name}: compiling file by file, {at_once}, which takes '
            '20 minutes of a core',
            flush=True,
        )
        wheel = job.plain()
    if not wheel:
        sys.exit(f'{job.name}: building failed, see {job.log}')
    print(f'{job.name}: compiled in {time.monotonic() - start:.0f} s')
    return wheel


def install(wheel: Path) -> str:
    """Install a wheel and run one of its ops.

    Args:
        wheel: The wheel.

    Returns:
        What went wrong, in a line; empty if nothing did.
    """
    pip = [sys.executable, '-m', 'pip', 'install', '-q', '--no-deps']
    for command in (
        [*pip, '--force-reinstall', str(wheel)],
        [sys.executable, '-c', _TRY_AN_OP],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            return lines[-1] if lines else f'exit status {done.returncode}'
    return ''


def _log(made_for: dict[str, str]) -> Path:
    """Where the output of the build goes: it outlives the build."""
    folder = kept.folder(made_for)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        log = folder.with_name(f'{folder.name}.log')
        log.touch()
    except OSError as error:
        sys.exit(
            f'wheels are kept in {folder.parent}, which cannot be written '
            f'({error.strerror}). Remedy: name a folder in MMDET_OHEM_WHEELS'
        )
    return log


def _without_space() -> str | None:
    """A folder for temporary files; None where the usual one is right."""
    return '/tmp' if re.search(r'\s', tempfile.gettempdir()) else None


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
