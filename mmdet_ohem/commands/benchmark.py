"""Measure what OHEM costs, as Table 2 of the paper."""

import argparse
import itertools
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.logging import MMLogger

from mmdet_ohem.arguments import (
    at_least,
    device,
    existing_file,
    new_file,
)
from mmdet_ohem.benchmark import (
    TABLE_METHODS,
    Cost,
    MachineLimits,
    Workload,
    as_markdown,
    build_detector,
    check_proposals,
    compare_methods,
    fc_sizes,
    measure_limits,
    methods,
    sweep_as_markdown,
)
from mmdet_ohem.counts import Count
from mmdet_ohem.host.files import write_text
from mmdet_ohem.installed_configs import config_file
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.progress import progress

NETWORKS = {
    'VGG16': 'fast_rcnn_vgg16_voc07.py',
    'VGG-M': 'fast_rcnn_vgg_m_voc07.py',
    'SPPnet': 'sppnet_vgg16_voc07.py',
    'MR-CNN, 2 regions': 'mr_cnn_vgg16_two_regions_voc07.py',
    'MR-CNN': 'mr_cnn_vgg16_voc07.py',
    'VGG16, kept features': 'fast_rcnn_vgg16_voc12_animals.py',
}
# What differs from the others: half the size, as in docs/evidence.md.
SIZES: dict[str, dict[str, Any]] = {
    'VGG16, kept features': dict(
        num_rois=720, height=300, width=400, keeps_features=True
    )
}
# Of the paper's Table 2; the others are its relatives, all with VGG16.
TABLE_NETWORKS = ['VGG16', 'VGG-M']
SWEEP = (500, 1000, 2000, 4000, 8000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem benchmark``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        '--device', type=device, default='cpu', help='cpu, cuda or cuda:N'
    )
    parser.add_argument(
        '--networks',
        nargs='+',
        choices=NETWORKS,
        help='which of them (default: those of Table 2, '
        f'{" and ".join(TABLE_NETWORKS)}; with --quick VGG16)',
    )
    parser.add_argument(
        '--num-images',
        type=at_least(1),
        nargs='+',
        default=[1, 2],
        help='images of an iteration (N)',
    )
    parser.add_argument(
        '--num-rois',
        type=at_least(1),
        help='proposals of an image (R; default: 2000, and 720 of '
        "'VGG16, kept features')",
    )
    parser.add_argument(
        '--proposals',
        type=existing_file,
        help='proposal file whose first images lend their boxes (default: '
        'boxes at random, which hardly share cells; always in the sweep)',
    )
    parser.add_argument(
        '--methods',
        nargs='+',
        default=list(TABLE_METHODS),
        choices=methods(),
        metavar='METHOD',
        help='also any mining rule by its name (default: those of the table)',
    )
    parser.add_argument(
        '--rounds',
        type=at_least(1),
        default=5,
        help='measurements of each method, in turn',
    )
    parser.add_argument(
        '--sweep', action='store_true', help=f'cost against R = {SWEEP}'
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help='one image, baseline and OHEM only; a few minutes a network',
    )
    parser.add_argument(
        '--out', type=new_file, help='Markdown file (default: none)'
    )


def _as_measured(args: argparse.Namespace) -> None:
    """Change the arguments to what is measured."""
    if args.networks is None:
        args.networks = ['VGG16'] if args.quick else TABLE_NETWORKS
    if args.quick:
        args.num_images = [1]
        args.methods = ['baseline', 'OHEM']
    if args.methods[0] != 'baseline':
        args.methods = ['baseline', *args.methods]


def workload(
    network: str, num_images: int, args: argparse.Namespace
) -> Workload:
    """What is measured of a network."""
    sizes = dict(SIZES.get(network, {}))
    if args.num_rois is not None:
        sizes['num_rois'] = args.num_rois
    return Workload(
        network,
        config_file(NETWORKS[network]),
        num_images,
        proposals=args.proposals and str(args.proposals),
        **sizes,
    )


def measure(
    load: Workload, methods: list[str], args: argparse.Namespace
) -> list[Cost]:
    """Costs of the methods at one workload."""
    device = torch.device(args.device)
    text = f'{load.network}, N = {load.num_images}, R = {load.num_rois}'
    total = (args.rounds + 1) * len(methods) + 1
    done = itertools.count(1)
    with ExitStack() as stack:
        cache = None
        if load.keeps_features:
            cache = stack.enter_context(TemporaryDirectory())
        detector = build_detector(load.config, cache=cache).to(device)
        advance = stack.enter_context(progress('iterations', text))
        return compare_methods(
            detector,
            load,
            methods,
            args.rounds,
            device,
            on_iter=lambda: advance(next(done), total),
        )


def limit_text(load: Workload, limits: MachineLimits) -> str:
    """The limit of the read-only pass, in words."""
    flops, moved = limits.seconds(load, *fc_sizes(load.config))
    return (
        f'Read-only pass, {load.network}, N = {load.num_images}: at least '
        f'{flops:.2f} s by arithmetic ({limits.flops / 1e9:.0f} GFLOP/s in '
        f'{str(limits.dtype).removeprefix("torch.")}, measured) and '
        f'{moved:.2f} s by bandwidth ({limits.bytes_per_second / 1e9:.0f} '
        'GB/s, measured)'
    )


def sizes_text(loads: list[Workload]) -> str:
    """Sizes of images, and how many proposals they have."""
    sizes = dict.fromkeys(
        f'{x.height} x {x.width} pixels, R = {Count(x.num_rois):proposal} an '
        'image'
        for x in loads
    )
    return ' and '.join(sizes)


def run(args: argparse.Namespace) -> int:
    """Print the tables.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    _as_measured(args)
    MMLogger.get_instance('mmengine', log_level='WARNING')
    loads = [
        workload(name, n, args)
        for name in args.networks
        for n in args.num_images
    ]
    for load in loads:  # before minutes of work
        check_proposals(load)
    limits = measure_limits(torch.device(args.device))
    text = [as_markdown([(x, measure(x, args.methods, args)) for x in loads])]
    text += [limit_text(load, limits) for load in loads]
    if args.sweep:
        sweep = [
            Workload('VGG16', config_file(NETWORKS['VGG16']), 1, r)
            for r in SWEEP
        ]
        pair = ['baseline', 'OHEM']
        text.append(
            sweep_as_markdown([(x, measure(x, pair, args)) for x in sweep])
        )
    text.append(
        f'{args.device}, {Count(torch.get_num_threads()):thread}, torch '
        f'{torch.__version__}; {sizes_text(loads)} '
        f'({args.proposals or "random boxes"}), B = 128; '
        f'median (smallest-largest) of {Count(args.rounds):round} in turn'
    )
    output = '\n\n'.join(text)
    plain_console(soft_wrap=True).print(output, highlight=False)
    if args.out is not None:
        write_text(args.out, output + '\n')
    return 0
