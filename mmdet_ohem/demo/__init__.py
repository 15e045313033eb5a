"""The embedded dataset: real digits on real photographs, no download."""

from .glyphs import CLASSES
from .hard_digits import Scene, render_scene
from .voc_writer import write_dataset

__all__ = ['CLASSES', 'Scene', 'render_scene', 'write_dataset']
