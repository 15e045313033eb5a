"""A true scheduler and workers of Dask on loopback, one of them killed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmdet_ohem.proposals import cluster
from mmdet_ohem.proposals.make import make_proposals
from tests.proposals.test_make import (
    assert_same_file,
    brightness_box,
    make_images,
)

distributed = pytest.importorskip('distributed')

# Imported by the workers: it says who works, and takes a while.
SEARCH = """
import os, time
import numpy as np
from pathlib import Path
def search(img, mode, width):
    folder = Path(os.environ['WORKERS'])
    (folder / str(os.getpid())).touch()
    time.sleep(0.1)
    return np.full((2, 4), img[0, 0, 0], np.float32)
"""


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / 'slow_search.py').write_text(SEARCH)
        (folder / 'workers').mkdir()
        self.folder = folder
        self.processes = [self._start('scheduler', '--host', '127.0.0.1:0')]
        self.address = self._address()

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen:
        root = Path(__file__).parents[2]
        log = self.folder / f'{kind}.log'
        environment = {
            **os.environ,
            'PYTHONPATH': os.pathsep.join([str(root), str(self.folder)]),
            'WORKERS': str(self.folder / 'workers'),
            'OMP_NUM_THREADS': '1',
        }
        return subprocess.Popen(
            [sys.executable, '-m', f'distributed.cli.dask_{kind}',
             *arguments, '--no-dashboard'],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=log.open('a'),
            cwd=self.folder,
        )  # fmt: skip

    def _address(self) -> str:
        for _ in range(300):
            text = (self.folder / 'scheduler.log').read_text()
            found = re.search(r'tcp://127\.0\.0\.1:\d+', text)
            if found:
                return found[0]
            time.sleep(0.1)
        raise TimeoutError(text)

    def add_workers(self, num: int) -> None:
        for _ in range(num):
            self.processes.append(
                self._start('worker', self.address, '--nthreads', '1',
                            '--no-nanny', '--host', '127.0.0.1')
            )  # fmt: skip

    def kill_one_that_works(self) -> None:
        (pid, *_) = os.listdir(self.folder / 'workers')
        assert int(pid) in [x.pid for x in self.processes[1:]]
        os.kill(int(pid), signal.SIGKILL)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / 'dask'
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.stop()


def test_a_worker_that_dies_loses_no_image(
    tmp_path: Path, dask: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(dask.folder)
    from slow_search import search  # type: ignore[import-not-found]

    dask.add_workers(2)
    images = make_images(tmp_path / 'images', list(range(20, 60)))
    images['missing'] = tmp_path / 'images/missing.png'
    killed = []

    def kill_in_the_middle(done: int, total: int) -> None:
        if done == 8:
            dask.kill_one_that_works()
            killed.append(done)

    out, local = tmp_path / 'o.safetensors', tmp_path / 'l.safetensors'
    result = make_proposals(
        images,
        out,
        search=search,
        scheduler=dask.address,
        on_progress=kill_in_the_middle,
    )
    assert killed == [8]
    assert [name for name, _ in result.failed] == ['missing']
    assert result.written == 40
    del images['missing']
    make_proposals(images, local, search=brightness_box)
    assert_same_file(out, local)


def test_a_cluster_without_workers_is_an_error(
    dask: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, 'PATIENCE', 1)
    with pytest.raises(OSError, match=r'no worker.*dask worker tcp') as error:
        list(cluster.run_on_cluster(str, {'a': 1}, dask.address))
    assert dask.address in str(error.value)


@pytest.mark.parametrize('address', ['tcp://127.0.0.1:1', 'nonsense://x'])
def test_no_scheduler_is_an_error_that_names_the_address(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, 'PATIENCE', 1)
    with pytest.raises(OSError, match='no Dask scheduler') as error:
        list(cluster.run_on_cluster(str, {'a': 1}, address))
    assert address in str(error.value)
