"""Detect objects in images and draw them; +M by --ms, +B by --vote."""

import argparse
from pathlib import Path

from mmdet.structures import DetDataSample
from rich.table import Table

from mmdet_ohem import FastRCNNInferencer
from mmdet_ohem.arguments import Parser, device, existing_file, new_folder
from mmdet_ohem.command_line import command
from mmdet_ohem.inference.inputs import boxes_of_file, check_image
from mmdet_ohem.plain_text import plain_console, printable


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('images', nargs='+', metavar='IMAGE')
    parser.add_argument('--config', required=True)
    parser.add_argument('--checkpoint', type=existing_file, required=True)
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
        help='draw and list detections with a greater score (default: 0.3)',
    )
    parser.add_argument(
        '--boxes',
        type=existing_file,
        metavar='FILE',
        help='proposal file with these images, boxes as edges (default: '
        'selective search)',
    )
    parser.add_argument(
        '--device', type=device, help='default: a GPU if there is one'
    )
    return parser.parse_args()


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


@command()
def main() -> int:
    """Detect and draw."""
    args = parse_args()
    # Before weights are loaded, which takes longer.
    boxes = args.boxes and boxes_of_file(args.boxes, args.images)
    for image in args.images:
        check_image(image)
    detect = FastRCNNInferencer(
        args.config, args.checkpoint, device=args.device
    )
    samples = detect(
        args.images,
        boxes=boxes,
        multi_scale=args.ms,
        vote=args.vote,
        out_dir=args.out,
        score_thr=args.score_thr,
    )
    console = plain_console()
    classes = detect.dataset_meta['classes']
    console.print(as_table(samples, classes, args.score_thr))
    console.print(f'{len(samples)} images drawn to {args.out}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
