"""Rank the images and RoIs of a split by loss, and find doubtful labels.

All RoIs are scored, forward only. Into a folder go a page with the worst
(hard.html), tables of the images and of the hardest RoIs (images.csv,
rois.csv), and what is flagged in COCO's format, which labelling tools read:
label_mistakes.json has background that a confident prediction fills and no
object overlaps, and objects that are confidently another class;
false_positives.json has confident predictions beside objects.
"""

import argparse
from pathlib import Path

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.device import get_device

from mmdet_ohem.arguments import (
    add_device,
    at_least,
    config,
    existing_file,
    new_folder,
)
from mmdet_ohem.cfg_options import add_cfg_options, read_cfg_options
from mmdet_ohem.commands.test import newest_checkpoint
from mmdet_ohem.figure3.loss_dataset import SPLITS, build_dataset
from mmdet_ohem.guard.load_fitting import load_fitting
from mmdet_ohem.hard import (
    FALSE_POSITIVE,
    LABEL_MISTAKES,
    MISSING,
    OTHER_CLASS,
    HardRanking,
    Ranking,
    coco_of,
    images_csv,
    make_page,
    refuse_other_results,
    rois_csv,
)
from mmdet_ohem.hard.flags import FlagRules
from mmdet_ohem.host.configs import load_in_scope
from mmdet_ohem.host.files import write_json, write_text
from mmdet_ohem.host.refusals import Purpose, check_config
from mmdet_ohem.plain_text import plain_console, printable
from mmdet_ohem.progress import progress
from mmdet_ohem.runs.torn_checkpoints import check_checkpoint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem hard``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument('config', type=config, help='of a two-stage detector')
    parser.add_argument(
        'checkpoint',
        type=existing_file,
        nargs='?',
        help='its weights (default: the last checkpoint in '
        'work_dirs/NAME_OF_CONFIG)',
    )
    parser.add_argument(
        '--split', choices=SPLITS, default='train', help='whose images'
    )
    parser.add_argument(
        '--max-images',
        type=at_least(1),
        help='no more, evenly spaced (default: all)',
    )
    _add_limits(parser)
    add_device(parser)
    add_cfg_options(parser)
    parser.add_argument(
        '--out',
        type=new_folder,
        help='folder of page and tables (default: '
        'work_dirs/hard/NAME_OF_CONFIG_CHECKPOINT_SPLIT)',
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """Declare what is kept, flagged and shown."""
    parser.add_argument(
        '--num',
        type=at_least(1),
        default=64,
        help='RoIs of an image in rois.csv: the hardest after NMS',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.7,
        help='a prediction is confident from this score on',
    )
    parser.add_argument(
        '--pictures',
        type=at_least(0),
        default=100,
        help='of each kind on the page',
    )


def run(args: argparse.Namespace) -> int:
    """Rank, write and print.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    rules = FlagRules(score_thr=args.score_thr)
    checkpoint = args.checkpoint or newest_checkpoint(args.config)
    source = {
        'config': str(args.config.absolute()),
        'checkpoint': str(checkpoint.absolute()),
        'split': args.split,
    }
    name = f'{args.config.stem}_{checkpoint.stem}_{args.split}'
    out = args.out or Path('work_dirs/hard', name)
    refuse_other_results(out, source)
    cfg = load_in_scope(
        args.config,
        ['model', 'test_dataloader'],
        read_cfg_options(args.cfg_options),
    )
    check_config(cfg, Purpose.BROWSING, Purpose.BROWSING_A_TRAINING)
    check_checkpoint(str(checkpoint))
    dataset = build_dataset(cfg, args.split, args.max_images)
    classes = tuple(dataset.dataset.metainfo['classes'])  # type: ignore
    ranking = _rank(cfg, checkpoint, dataset, classes, args, rules)
    facts = {
        'config': str(args.config),
        'checkpoint': str(checkpoint),
        'images': f'{len(ranking.images)} of the {args.split} split',
        'RoIs': f'{sum(x.num_rois for x in ranking.images)} scored, '
        f'{len(ranking.rois)} kept',
        'flagged': f'score at least {rules.score_thr:g}; far from objects: '
        f'IoU below {rules.far_iou:g}; on one: from {rules.on_iou:g}',
    }
    _write(ranking, facts, classes, source, out, args.pictures)
    return 0


def _rank(
    cfg: Config,
    checkpoint: Path,
    dataset: object,
    classes: tuple[str, ...],
    args: argparse.Namespace,
    rules: FlagRules,
) -> Ranking:
    detector = MODELS.build(cfg.copy().model)
    load_fitting(detector, checkpoint, classes)
    detector.to(args.device or get_device())
    rank = HardRanking(detector, classes, args.num, rules)
    with progress('images', 'scoring all RoIs') as advance:
        return rank(dataset, advance)


def _write(
    ranking: Ranking,
    facts: dict[str, str],
    classes: tuple[str, ...],
    source: dict[str, str],
    out: Path,
    num_pictures: int,
) -> None:
    """Write all files, and print what is flagged and what was written."""
    console = plain_console(soft_wrap=True)
    write_text(out / 'images.csv', images_csv(ranking.images))
    write_text(out / 'rois.csv', rois_csv(ranking.rois))
    for name, flags in (
        (LABEL_MISTAKES, (MISSING, OTHER_CLASS)),
        ('false_positives.json', (FALSE_POSITIVE,)),
    ):
        content = coco_of(ranking, flags, classes, source)
        write_json(out / name, content)
    page = make_page(ranking, facts, num_pictures)
    write_text(out / 'hard.html', page)
    for name, text in facts.items():
        console.print(f'{name}: {printable(text)}', highlight=False)
    for flag, rois in ranking.flagged.items():
        console.print(f'{flag}: {len(rois)}', highlight=False)
    num_objects = sum(x.num_objects for x in ranking.images)
    if len(ranking.flagged[MISSING]) > num_objects:
        console.print(
            f'more flags than objects ({num_objects}): the network has '
            'learnt too little to be asked, or most objects have no label'
        )
    console.print(
        f'wrote hard.html, images.csv, rois.csv, label_mistakes.json and '
        f'false_positives.json in {out}',
        highlight=False,
    )
