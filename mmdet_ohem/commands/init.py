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
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmdet_ohem.arguments import (
    at_least,
    existing_folder,
    new_folder,
    share,
)
from mmdet_ohem.counts import Count
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
from mmdet_ohem.own_data.next_commands import next_commands
from mmdet_ohem.own_data.propose import (
    choose_num,
    median_count,
    note_on_num,
    propose,
)
from mmdet_ohem.own_data.split import TEST_SHARE
from mmdet_ohem.plain_text import plain_console, printable

GOES_ON = True


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
    num, num_failed = _choose_num(console, args, data, lists, out)
    plan = replace(plan, num=num)
    config = out / f'{name or "own_data"}.py'
    weights = None if args.weights == 'none' else args.weights
    written = write_config(data, plan, config, args.detector, weights)
    console.print(f'wrote {written}', highlight=False)
    if written != config:
        _note(
            console,
            f'{config} was edited and stays as it is; take over from '
            f'{written.name} what you need',
        )
    if args.detector == 'fast_rcnn' and args.no_proposals:
        _note(
            console,
            'first, call init without --no-proposals, which also chooses num '
            'by the number of proposals',
        )
    console.print('next:', highlight=False)
    for line in next_commands(config, data):
        console.print(f'  {line}', highlight=False)
    return 1 if num_failed else 0


def _refuse_foreign(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not (out / MADE).exists():
        raise ValueError(
            f'{out} is not empty, and was not made by mmdet-ohem init. '
            'Remedy: give another folder by --out'
        )


def _note(console: Console, text: str) -> None:
    console.print(f'note: {printable(text)}', highlight=False)


def _choose_num(
    console: Console,
    args: argparse.Namespace,
    data: OwnData,
    splits: Iterable[str],
    out: Path,
) -> tuple[int, int]:
    """RoIs to train on, and how many images have no proposals."""
    if args.detector == 'faster_rcnn':
        _note(
            console,
            'OHEM trains on the 128 hardest RoIs of an image (num), of up to '
            '1000 that the RPN leaves; the log warns if it leaves too few',
        )
        return 128, 0
    if args.no_proposals:
        return 64, 0
    made = propose(data, splits, out, args.workers)
    for image, reason in (x for y in made for x in y.failed):
        console.print(f'{image}: no proposals: {printable(reason)}')
    num_rois = median_count(made[0])
    num = choose_num(num_rois)
    _note(console, note_on_num(num, num_rois))
    return num, sum(len(x.failed) for x in made)


def show(console: Console, data: OwnData, notes: list[str]) -> None:
    """Print what was found.

    Args:
        console: Where.
        data: Split and checked.
        notes: What was decided.
    """
    console.print(
        f'{data.folder}: {Count(len(data.pictures)):image}, annotated as '
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
        _note(console, note)
