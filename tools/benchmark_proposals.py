"""Measures how fast proposals are made and read, and the memory they take.

`make` compares `proposals make` on all cores with one call of OpenCV after
the other. `store` writes synthetic proposals, 2000 boxes an image, as a store
and as mmdet's pickle, and reads both.
"""

import argparse
import multiprocessing
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import psutil
from torch.utils.data import DataLoader, Dataset

from mmdet_ohem.arguments import Parser, at_least, existing_folder
from mmdet_ohem.command_line import command
from mmdet_ohem.counts import Count
from mmdet_ohem.host.files import replacing
from mmdet_ohem.proposals import ProposalStore
from mmdet_ohem.proposals.image_files import SUFFIXES
from mmdet_ohem.proposals.image_headers import read_image
from mmdet_ohem.proposals.make import make_proposals
from mmdet_ohem.proposals.proposal_entries import Entry, make_entry
from mmdet_ohem.proposals.selective_search import selective_search
from mmdet_ohem.proposals.store_writer import write_store

_NUM_BOXES = 2000
_SIZE = (640, 480)
_MIB = 2**20


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = Parser(description=__doc__)
    actions = parser.add_subparsers(dest='action', required=True)
    make = actions.add_parser('make', help='speed of selective search')
    make.add_argument('--img-dir', type=existing_folder, required=True)
    make.add_argument('--num-images', type=at_least(1), default=40)
    make.add_argument('--workers', type=at_least(1), default=os.cpu_count())
    store = actions.add_parser('store', help='a store and a pickle')
    store.add_argument('--num-images', type=at_least(1), default=118_000)
    store.add_argument(
        '--pickled-images',
        type=at_least(1),
        help='of the pickle, which is held in memory (default: as many)',
    )
    store.add_argument('--folder', type=Path, default=Path('work_dirs/store'))
    store.add_argument('--workers', type=at_least(1), default=4)
    return parser.parse_args()


def measure_make(folder: Path, num_images: int, num_workers: int) -> None:
    """Prints the speed of one process with OpenCV alone, and of the tool."""
    paths = sorted(
        x for x in folder.iterdir() if x.suffix.lower() in SUFFIXES
    )[:num_images]
    # One thread for each process, as the tool has it.
    cv2.setNumThreads(1)
    few = paths[: max(1, num_images // num_workers)]
    start = time.perf_counter()
    for path in few:
        selective_search(read_image(path))
    alone = (time.perf_counter() - start) / len(few)
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        make_proposals(
            {x.stem: x for x in paths},
            Path(out, 'o.safetensors'),
            num_workers=num_workers,
        )
        seconds = time.perf_counter() - start
    rate, bound = len(paths) / seconds, num_workers / alone
    shown = f'{Count(num_workers):process} ({Count(len(paths)):image})'
    print('| | images a second |')
    print('|---|---|')
    print(
        f'| OpenCV, one process ({Count(len(few)):image}) | {1 / alone:.3f} |'
    )
    print(f'| the same x {num_workers} | {bound:.3f} |')
    print(f'| proposals make, {shown} | {rate:.3f} |')
    print(f'share of the bound: {rate / bound:.2f}')


class Synthetic(Mapping[str, Entry]):
    """Proposals of images that do not exist, made when they are asked for."""

    def __init__(self, num_images: int) -> None:
        rng = np.random.default_rng(0)
        corners = rng.integers(0, 400, (_NUM_BOXES, 2))
        sizes = rng.integers(3, 80, (_NUM_BOXES, 2))
        self._boxes = np.concatenate([corners, corners + sizes], 1)
        self.num_images = num_images

    def __len__(self) -> int:
        return self.num_images

    def __iter__(self) -> Iterator[str]:
        return (f'train2017/{i:012}.jpg' for i in range(self.num_images))

    def __getitem__(self, key: str) -> Entry:
        # No two images alike, in as many pages of memory.
        return make_entry(np.roll(self._boxes, int(key[10:22]), 0))


class Images(Dataset):
    """What a loader's workers ask for: the sum of an image's boxes."""

    def __init__(
        self, proposals: Mapping[str, Entry], keys: list[str]
    ) -> None:
        self.proposals = proposals
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> float:
        return float(self.proposals[self.keys[index]]['bboxes'].sum())


def measure_store(
    folder: Path, num_images: int, num_pickled: int, num_workers: int
) -> None:
    """Prints time to open, memory and speed of a store and of a pickle."""
    folder.mkdir(parents=True, exist_ok=True)
    store, pickled = folder / 'store.safetensors', folder / 'mmdet.pkl'
    print(
        '| file | images | GB | opened, s | memory, MiB | with '
        f'{Count(num_workers):worker}, MiB | images a second of one '
        'core, random |'
    )
    print('|---|---|---|---|---|---|---|', flush=True)
    many = Synthetic(num_images)
    write_store(store, many, {}, dict.fromkeys(many, _SIZE))
    _in_new_process('store', store, num_images, ProposalStore, num_workers)
    few = Synthetic(num_pickled)
    # As mmdet's DumpProposals and this package's .pkl have it.
    with replacing(pickled) as temporary, temporary.open('wb') as file:
        pickle.dump(dict(few.items()), file, protocol=4)
    _in_new_process(
        "mmdet's pickle", pickled, num_pickled, _unpickled, num_workers
    )
    for path in (store, pickled):
        path.unlink()


def _unpickled(path: Path) -> Mapping[str, Entry]:
    with path.open('rb') as file:
        return pickle.load(file)


def _in_new_process(*arguments: object) -> None:
    """Whose memory holds nothing of before."""
    process = multiprocessing.get_context('spawn').Process(
        target=_measure, args=arguments
    )
    process.start()
    process.join()


def _measure(
    name: str,
    path: Path,
    num_images: int,
    read: Callable[[Path], Mapping[str, Entry]],
    num_workers: int,
) -> None:
    """Prints a line of the table."""
    keys = list(Synthetic(num_images))
    without = _peak_with_workers(
        Images(Synthetic(num_images), keys), num_workers
    )
    before = _memory()
    start = time.perf_counter()
    proposals = read(path)
    opened = time.perf_counter() - start
    held = _memory() - before
    order = np.random.default_rng(0).permutation(num_images)[:20_000]
    # Of this process alone, whatever else the machine does.
    start = time.process_time()
    for index in order:
        proposals[keys[index]]
    rate = len(order) / (time.process_time() - start)
    peak = _peak_with_workers(Images(proposals, keys), num_workers)
    print(
        f'| {name} | {num_images} | {path.stat().st_size / 1e9:.2f} | '
        f'{opened:.3f} | {held / _MIB:.0f} | {(peak - without) / _MIB:.0f} | '
        f'{rate:.0f} |',
        flush=True,
    )


def _peak_with_workers(dataset: Images, num_workers: int) -> int:
    """Most resident memory of this process and its workers, bytes.

    Memory that processes share counts once for each of them.
    """
    # Torch's Dataset has no length for the type checker.
    loader: DataLoader = DataLoader(
        dataset, batch_size=64, num_workers=num_workers
    )
    peak = 0
    for number, _ in enumerate(loader):
        if number % 50 == 0:
            peak = max(peak, _memory())
    return peak


def _memory() -> int:
    process = psutil.Process()
    everyone = [process, *process.children(recursive=True)]
    return sum(x.memory_info().rss for x in everyone)


@command()
def main() -> int:
    """Runs the tool; returns its exit status."""
    args = parse_args()
    if args.action == 'make':
        measure_make(args.img_dir, args.num_images, args.workers)
    else:
        measure_store(
            args.folder,
            args.num_images,
            args.pickled_images or args.num_images,
            args.workers,
        )
    return 0


if __name__ == '__main__':
    sys.exit(main())
