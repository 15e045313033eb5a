"""Measure what OHEM costs, as Table 2 of the paper."""

import argparse
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from rich.progress import Progress

from mmdet_ohem.arguments import (
    Parser,
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
from mmdet_ohem.command_line import command
from mmdet_ohem.host.files import write_text
from mmdet_ohem.plain_text import plain_console

CONFIGS = Path(__file__).parents[1] / 'configs'
NETWORKS = {
    'VGG16': 'fast_rcnn_vgg16_voc07.py',
    'VGG-M': 'fast_rcnn_vgg_m_voc07.py',
    'SPPnet': 'sppnet_vgg16_voc07.py',
    'MR-CNN, 2 regions': 'mr_cnn_vgg16_two_regions_voc07.py',
    'MR-CNN': 'mr_cnn_vgg16_voc07.py',
}
# Of the paper's Table 2; the others are its relatives, all with VGG16.
TABLE_NETWORKS = ['VGG16', 'VGG-M']
SWEEP = (500, 1000, 2000, 4000, 8000)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        '--device', type=device, default='cpu', help='cpu or cuda'
    )
    parser.add_argument(
        '--networks',
        nargs='+',
        choices=NETWORKS,
        help=f'default: {" ".join(TABLE_NETWORKS)}; with --quick VGG16',
    )
    parser.add_argument(
        '--num-images', type=at_least(1), nargs='+', default=[1, 2]
    )
    parser.add_argument('--num-rois', type=at_least(1), default=2000)
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
        help='also any mining rule by its name (default: those of the table)',
    )
    parser.add_argument('--rounds', type=at_least(1), default=5)
    parser.add_argument(
        '--sweep', action='store_true', help=f'cost against R = {SWEEP}'
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help='one image, baseline and OHEM only; a few minutes a network',
    )
    parser.add_argument('--out', type=new_file, help='Markdown file')
    args = parser.parse_args()
    if args.networks is None:
        args.networks = ['VGG16'] if args.quick else TABLE_NETWORKS
    if args.quick:
        args.num_images = [1]
        args.methods = ['baseline', 'OHEM']
    if args.methods[0] != 'baseline':
        args.methods = ['baseline', *args.methods]
    return args


def measure(
    load: Workload, methods: list[str], args: argparse.Namespace
) -> list[Cost]:
    """Costs of the methods at one workload."""
    device = torch.device(args.device)
    detector = build_detector(load.config).to(device)
    with Progress(console=plain_console(stderr=True)) as progress:
        task = progress.add_task(
            f'{load.network}, N = {load.num_images}, R = {load.num_rois}',
            total=(args.rounds + 1) * len(methods) + 1,
        )
        return compare_methods(
            detector,
            load,
            methods,
            args.rounds,
            device,
            on_iter=lambda: progress.advance(task),
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


@command()
def main() -> int:
    """Print the tables."""
    args = parse_args()
    MMLogger.get_instance('mmengine', log_level='WARNING')
    loads = [
        Workload(
            name,
            str(CONFIGS / NETWORKS[name]),
            n,
            args.num_rois,
            proposals=args.proposals and str(args.proposals),
        )
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
            Workload('VGG16', str(CONFIGS / NETWORKS['VGG16']), 1, r)
            for r in SWEEP
        ]
        pair = ['baseline', 'OHEM']
        text.append(
            sweep_as_markdown([(x, measure(x, pair, args)) for x in sweep])
        )
    text.append(
        f'{args.device}, {torch.get_num_threads()} threads, torch '
        f'{torch.__version__}; 600 x 800 pixels, R = {args.num_rois} '
        f'proposals an image ({args.proposals or "random boxes"}), B = 128; '
        f'median (smallest-largest) of {args.rounds} rounds in turn'
    )
    output = '\n\n'.join(text)
    plain_console(soft_wrap=True).print(output, highlight=False)
    if args.out is not None:
        write_text(args.out, output + '\n')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
