"""Weights from elsewhere: Caffe's files and torchvision's VGG16."""

from mmdet_ohem.weights.caffemodel import read_caffemodel
from mmdet_ohem.weights.convert import Conversion, Move, convert_layers
from mmdet_ohem.weights.convert_file import convert_file
from mmdet_ohem.weights.networks import KINDS, NETS

__all__ = [
    'KINDS',
    'NETS',
    'Conversion',
    'Move',
    'convert_file',
    'convert_layers',
    'read_caffemodel',
]
