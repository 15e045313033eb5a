"""Detect objects in images and draw them; +M by --ms, +B by --vote."""

import argparse
import sys
from pathlib import Path

from mmdet.structures import DetDataSample
from rich.table import Table

from mmdet_ohem import FastRCNNInferencer
from mmdet_ohem.inference.inputs import boxes_of_file
from mmdet_ohem.plain_text import plain_console, printable


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('images', nargs='+', metavar='IMAGE')
    parser.add_argument('--config', required=True)
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument(
        '--out', type=Path, required=True, help='folder of the pictures'
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
        type=Path,
        metavar='FILE.pkl',
        help='proposal file with these images, boxes as edges (default: '
        'selective search)',
    )
    parser.add_argument('--device', help='default: a GPU if there is one')
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


def main() -> int:
    """Detect and draw."""
    args = parse_args()
    try:
        detect = FastRCNNInferencer(
            args.config, args.checkpoint, device=args.device
        )
        samples = detect(
            args.images,
            boxes=args.boxes and boxes_of_file(args.boxes, args.images),
            multi_scale=args.ms,
            vote=args.vote,
            out_dir=args.out,
            score_thr=args.score_thr,
        )
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    console = plain_console()
    classes = detect.dataset_meta['classes']
    console.print(as_table(samples, classes, args.score_thr))
    console.print(f'{len(samples)} images drawn to {args.out}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
