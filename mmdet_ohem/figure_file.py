"""Figures of matplotlib as files."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from mmdet_ohem.host.files import replacing


def save_figure(figure: Figure, out: Path) -> None:
    """Write a figure in one step; the same numbers give the same bytes.

    Args:
        figure: Any.
        out: The file; its ending says which format.
    """
    with (
        mpl.rc_context({'svg.hashsalt': out.stem}),
        replacing(out) as temporary,
    ):
        figure.savefig(
            temporary,
            dpi=120,
            format=out.suffix[1:],
            metadata={'Date': None} if out.suffix == '.svg' else None,
        )
