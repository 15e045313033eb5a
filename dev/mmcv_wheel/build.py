"""Build a wheel of mmcv: in units, or the plain way."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from dev.mmcv_wheel.progress import run_shown

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Build:
    """A wheel to be built with this Python, for its torch.

    Attributes:
        requirement: Such as ``mmcv==2.1.0``.
        jobs: Compilers at once.
        no_cache: Whether the source is downloaded anew, too.
        folder: For what is written; there must be no space in its path.
        log: Gets what the build prints.
    """

    requirement: str
    jobs: int
    no_cache: bool
    folder: Path
    log: Path

    @property
    def name(self) -> str:
        """The package."""
        return self.requirement.partition('==')[0]

    def in_units(self, count: int) -> Path | None:
        """Build from about so many compilation units.

        Returns:
            The wheel; None if anything fails, which the log explains.
        """
        archive = self._download()
        if not archive:
            return None
        source = self.folder / 'source'
        shutil.unpack_archive(archive, source)
        wheels = self.folder / 'units'
        command = [self._python(), '-m', 'dev.mmcv_wheel.compile']
        command += [*map(str, source.iterdir()), str(wheels), str(count)]
        env = {**self._env(), 'PYTHONPATH': str(ROOT)}
        built = run_shown(command, self.name, 'units', self.log, env)
        return with_ops(wheels) if built else None

    def plain(self) -> Path | None:
        """Build as pip does, file by file, with mmcv's own flags.

        Returns:
            The wheel; None if anything fails, which the log explains.
        """
        wheels = self.folder / 'plain'
        # pip's own cache has wheels for any torch: see kept.py.
        command = self._pip('wheel', '-v', '--no-cache-dir')
        command += ['-w', str(wheels), self.requirement]
        built = run_shown(command, self.name, 'files', self.log, self._env())
        return with_ops(wheels) if built else None

    def _download(self) -> Path | None:
        cache = ['--no-cache-dir'] if self.no_cache else []
        command = self._pip('download', '-q', *cache)
        command += ['-d', str(self.folder), self.requirement]
        with self.log.open('w', encoding='utf-8') as log:
            done = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, env=self._env()
            )
        archive = next(self.folder.glob('*.tar.gz'), None)
        return None if done.returncode else archive

    def _pip(self, command: str, *words: str) -> list[str]:
        # The build needs the torch that is here, and no wheel of others.
        alone = ['--no-deps', '--no-build-isolation', '--no-binary', self.name]
        return [self._python(), '-m', 'pip', command, *words, *alone]

    def _python(self) -> str:
        """This Python, by a path without spaces: compilers split them."""
        if not re.search(r'\s', sys.prefix):
            return sys.executable
        link = self.folder / 'prefix'
        if not link.exists():
            link.symlink_to(sys.prefix)
        return str(link / 'bin' / Path(sys.executable).name)

    def _env(self) -> dict[str, str]:
        # ninja lies beside Python.
        found = [str(Path(self._python()).parent), os.environ.get('PATH', '')]
        return {
            **os.environ,
            'MMCV_WITH_OPS': '1',
            'MAX_JOBS': str(self.jobs),
            'PATH': os.pathsep.join(found),
        }


def with_ops(folder: Path) -> Path | None:
    """Find a wheel that has mmcv's ops; built without torch it has none.

    Args:
        folder: Where wheels are, or not.
    """
    for wheel in sorted(folder.glob('*.whl')):
        with zipfile.ZipFile(wheel) as archive:
            if any(x.startswith('mmcv/_ext') for x in archive.namelist()):
                return wheel
    return None
