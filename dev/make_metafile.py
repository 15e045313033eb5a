"""Write configs/metafile.yml, which `mim search mmdet_ohem` reads.

To be run again when a leaf config is added or changed.
"""

import argparse
from pathlib import Path

from rich import print

from mmdet_ohem.mim.metafile import METAFILE, metafile_text
from mmdet_ohem.tables import TABLES


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--configs',
        type=Path,
        default=Path(__file__).resolve().parents[1] / 'configs',
        help='folder of the leaf configs',
    )
    parser.add_argument(
        '--out', type=Path, help=f'default: {METAFILE} in that folder'
    )
    return parser.parse_args()


def main() -> None:
    """Describe all configs."""
    args = parse_args()
    out = args.out or args.configs / METAFILE
    text = metafile_text(args.configs, TABLES.values())
    out.write_text(text, encoding='utf-8')
    print(f'{out}: {text.count("- Name:")} entries')


if __name__ == '__main__':
    main()
