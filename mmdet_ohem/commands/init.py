"""Make a config from a folder with your own images.

FOLDER holds images and annotations, as VOC xml, COCO json or YOLO txt, in
whatever folders, with lists of the splits or without. What is found is
printed, mistakes are named. Into --out go a COCO json of each split, the
proposals and one config, which train, test and detect take as it is. Called
again, it makes what is missing, and leaves a config that you edited as it is;
the folder itself is not changed.
"""

import argparse
import os
import re
import shlex
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmdet_ohem.arguments import (
    at_least,
    existing_folder,
    new_folder,
    share,
)
from mmdet_ohem.own_data import (
    DETECTORS,
    FORMATS,
    OwnData,
    checked,
    make_plan,
    read_folder,
    with_splits,
    write_config,
    write_lists,
)
from mmdet_ohem.own_data.files import MADE
from mmdet_ohem.own_data.split import TEST_SHARE
from mmdet_ohem.plain_text import plain_console, printable
from mmdet_ohem.progress import progress
from mmdet_ohem.proposals.make import MakeResult, make_proposals

GOES_ON = True
# Selective search resizes images to it, and small ones not upwards.
_WIDTH = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem init``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'folder',
        type=existing_folder,
        metavar='FOLDER',
        help='images and annotations',
    )
    parser.add_argument(
        '--out',
        type=new_folder,
        help='folder of config, lists and proposals (default: '
        'NAME_OF_FOLDER_ohem, here)',
    )
    parser.add_argument(
        '--format',
        choices=list(FORMATS),
        help='of the annotations (default: what is there)',
    )
    parser.add_argument(
        '--detector',
        choices=list(DETECTORS),
        default='fast_rcnn',
        help="fast_rcnn: the paper's, with selective search; faster_rcnn: "
        'ResNet-50 with an RPN, no proposals',
    )
    parser.add_argument(
        '--weights',
        default='torchvision://vgg16',
        help='ImageNet weights of fast_rcnn: a file, this name, or none',
    )
    _add_choices(parser)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    """Declare how the dataset is split, trained on and proposed for."""
    parser.add_argument(
        '--seed',
        type=at_least(0),
        default=0,
        help='of the split, where the dataset has none',
    )
    parser.add_argument(
        '--test-share',
        type=share,
        default=TEST_SHARE,
        help='of the images for the test, where the dataset has no split',
    )
    parser.add_argument(
        '--background',
        action='store_true',
        help='images without annotation are background (else they are '
        'left out)',
    )
    parser.add_argument(
        '--max-iters',
        type=at_least(1),
        help='of the training (default: by the number of images)',
    )
    parser.add_argument(
        '--workers',
        type=at_least(1),
        default=os.cpu_count() or 1,
        help='processes of the selective search',
    )
    parser.add_argument(
        '--no-proposals',
        action='store_true',
        help='leave the selective search for a later call',
    )


def run(args: argparse.Namespace) -> int:
    """Look, print, split and write.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status: 1 where images failed in the selective search.

    Raises:
        ValueError: The folder has nothing to learn from, or ``--out`` holds
            something else.
    """
    console = plain_console(soft_wrap=True)
    name = re.sub(r'\W+', '_', args.folder.resolve().name).strip('_').lower()
    out = args.out or Path(f'{name}_ohem')
    _refuse_foreign(out)
    data = read_folder(args.folder, args.format)
    data = with_splits(
        checked(data, args.background), args.seed, args.test_share
    )
    plan = make_plan(data, args.max_iters)
    show(console, data, [*data.notes, *plan.notes])
    lists = write_lists(data, out)
    config = out / f'{name or "own_data"}.py'
    weights = None if args.weights == 'none' else args.weights
    written = write_config(data, plan, config, args.detector, weights)
    console.print(f'wrote {written}', highlight=False)
    if written != config:
        console.print(
            f'note: {config} was edited and stays as it is; take over from '
            f'{written.name} what you need',
            highlight=False,
        )
    failed = 0
    if args.detector == 'fast_rcnn' and not args.no_proposals:
        for split in lists:
            result = _propose(data, split, out, args.workers)
            failed += len(result.failed)
            for image, reason in result.failed:
                console.print(f'{image}: no proposals: {printable(reason)}')
    if args.detector == 'fast_rcnn' and args.no_proposals:
        console.print('note: first, call init without --no-proposals')
    console.print('next:', highlight=False)
    for line in next_commands(config, data):
        console.print(f'  {line}', highlight=False)
    return 1 if failed else 0


def _refuse_foreign(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not (out / MADE).exists():
        raise ValueError(
            f'{out} is not empty, and was not made by mmdet-ohem init. '
            'Remedy: give another folder by --out'
        )


def _propose(data: OwnData, split: str, out: Path, workers: int) -> MakeResult:
    """Run selective search over a split."""
    images = {data.name(x): x.path for x in data.of(split)}
    widths = sorted(x.size[0] for x in data.of(split))
    width = min(_WIDTH, widths[len(widths) // 2])
    with progress('images', f'selective search, {split}') as advance:
        return make_proposals(
            images,
            out / f'proposals/{split}.safetensors',
            width=width,
            num_workers=workers,
            on_progress=advance,
        )


def show(console: Console, data: OwnData, notes: list[str]) -> None:
    """Print what was found.

    Args:
        console: Where.
        data: Split and checked.
        notes: What was decided.
    """
    console.print(
        f'{data.folder}: {len(data.pictures)} images, annotated as '
        f'{data.format}; classes: {len(data.classes)}',
        highlight=False,
    )
    splits = [x for x in ('train', 'val', 'test') if data.of(x)]
    table = Table('', *splits)
    rows = {
        'images with objects': lambda x: sum(bool(p.things) for p in x),
        'images without': lambda x: sum(not p.things for p in x),
    }
    for text, count in rows.items():
        table.add_row(text, *(str(count(data.of(x))) for x in splits))
    for name in data.classes:
        counts = (
            sum(t.name == name for p in data.of(x) for t in p.things or ())
            for x in splits
        )
        table.add_row(printable(name), *map(str, counts))
    console.print(table)
    for line in data.mistake_lines():
        console.print(f'mistake: {printable(line)}', highlight=False)
    for note in notes:
        console.print(f'note: {printable(note)}', highlight=False)


def next_commands(config: Path, data: OwnData) -> list[str]:
    """The commands of a first training, as they can be pasted.

    Args:
        config: Written.
        data: Of it.
    """
    quoted = shlex.quote(str(config))
    shown = shlex.quote(str(data.of('test')[0].path))
    return [
        f'mmdet-ohem doctor {quoted}',
        f'mmdet-ohem train {quoted}',
        f'mmdet-ohem test {quoted}',
        f'mmdet-ohem detect {shown} --config {quoted} --out detections',
        f'mmdet-ohem hard {quoted}',
        f'mmdet-ohem report {shlex.quote(f"work_dirs/{config.stem}")}',
    ]
