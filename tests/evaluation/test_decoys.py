"""Decoys of an annotation, which other readers pass over."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import torch

from mmdet_ohem.demo.hard_digits import render_scene
from mmdet_ohem.demo.voc_writer import annotation
from mmdet_ohem.evaluation.decoys import read_decoys


def write(path: Path, decoys: str) -> Path:
    path.write_text(f'<annotation><object/>{decoys}</annotation>')
    return path


def test_pixels_from_1_become_edges(tmp_path: Path) -> None:
    box = '<xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax>'
    path = write(tmp_path / 'a.xml', f'<decoy><bndbox>{box}</bndbox></decoy>')
    found = read_decoys(path)
    assert found is not None
    assert torch.equal(found, torch.tensor([[0.0, 1.0, 10.0, 20.0]]))


def test_they_are_those_that_the_demo_drew(tmp_path: Path) -> None:
    scene = render_scene(np.random.default_rng(0), 'test')
    path = tmp_path / 'a.xml'
    path.write_bytes(ET.tostring(annotation(scene, 'a.jpg')))
    found = read_decoys(path)
    assert found is not None
    assert np.array_equal(found.numpy(), scene.hard_background)


def test_data_without_decoys_say_nothing(tmp_path: Path) -> None:
    assert read_decoys(write(tmp_path / 'a.xml', '')) is None


@pytest.mark.parametrize(
    'decoy',
    ['<decoy/>', '<decoy><bndbox><xmin>x</xmin></bndbox></decoy>', '<decoy>'],
)
def test_a_broken_decoy_is_named(tmp_path: Path, decoy: str) -> None:
    path = write(tmp_path / 'a.xml', decoy)
    with pytest.raises(ValueError, match=r'a\.xml has no readable decoys'):
        read_decoys(path)
