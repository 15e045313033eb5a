"""Detect objects in images and draw them; +M by --ms, +B by --vote."""

import argparse
from pathlib import Path

from mmdet.structures import DetDataSample
from rich.table import Table

from mmdet_ohem import FastRCNNInferencer
from mmdet_ohem.arguments import add_device, config, existing_file, new_folder
from mmdet_ohem.commands.test import newest_checkpoint
from mmdet_ohem.counts import Count
from mmdet_ohem.inference.inputs import boxes_of_file, check_image
from mmdet_ohem.plain_text import plain_console, printable
from mmdet_ohem.proposals.image_files import SUFFIXES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem detect``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'images',
        nargs='+',
        metavar='IMAGE',
        help='a file, or a folder of image files',
    )
    parser.add_argument(
        '--config',
        type=config,
        required=True,
        help='of the detector: a file, or the name of one of our configs',
    )
    parser.add_argument(
        '--checkpoint',
        type=existing_file,
        help='its weights (default: the last checkpoint in '
        'work_dirs/NAME_OF_CONFIG)',
    )
    parser.add_argument(
        '--out', type=new_folder, required=True, help='folder of the pictures'
    )
    parser.add_argument(
        '--ms', action='store_true', help='+M: test at several scales'
    )
    parser.add_argument(
        '--vote',
        action='store_true',
        help='+B: iterative localisation and box voting',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='draw and list detections with a greater score',
    )
    parser.add_argument(
        '--boxes',
        type=existing_file,
        metavar='FILE',
        help='proposal file with these images, boxes as edges (default: '
        'selective search)',
    )
    add_device(parser)


def as_table(
    samples: list[DetDataSample], classes: tuple[str, ...], score_thr: float
) -> Table:
    """A row a detection."""
    table = Table('image', 'class', 'score', 'box x1 y1 x2 y2')
    for sample in samples:
        found = sample.pred_instances
        for detection in found[found.scores > score_thr]:
            table.add_row(
                printable(Path(sample.img_path).name),
                printable(classes[detection.labels.item()]),
                f'{detection.scores.item():.3f}',
                ' '.join(f'{x:.0f}' for x in detection.bboxes[0].tolist()),
            )
    return table


def image_files(given: list[str]) -> list[str]:
    """Image files, and those in folders.

    Args:
        given: Paths.

    Returns:
        Paths of files; a folder's by their names.

    Raises:
        ValueError: A folder has no image.
    """
    found = []
    for name in given:
        path = Path(name)
        if not path.is_dir():
            found.append(name)
            continue
        inside = sorted(
            x for x in path.iterdir() if x.suffix.lower() in SUFFIXES
        )
        if not inside:
            raise ValueError(
                f'the folder {name} has no image file. Remedy: a folder with '
                'images in it, or the files themselves'
            )
        found += map(str, inside)
    return found


def run(args: argparse.Namespace) -> int:
    """Detect and draw.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    images = image_files(args.images)
    # Before weights are loaded, which takes longer.
    boxes = args.boxes and boxes_of_file(args.boxes, images)
    for image in images:
        check_image(image)
    checkpoint = args.checkpoint or newest_checkpoint(args.config)
    detect = FastRCNNInferencer(args.config, checkpoint, device=args.device)
    samples = detect(
        images,
        boxes=boxes,
        multi_scale=args.ms,
        vote=args.vote,
        out_dir=args.out,
        score_thr=args.score_thr,
    )
    console = plain_console()
    classes = detect.dataset_meta['classes']
    table = as_table(samples, classes, args.score_thr)
    console.print(table)
    if not table.row_count:
        console.print(
            f'no detection has a score above {args.score_thr:g}: a lower '
            '--score-thr shows more'
        )
    console.print(f'{Count(len(samples)):image} drawn to {args.out}')
    return 0
