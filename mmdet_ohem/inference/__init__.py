"""Detect objects in a user's own images."""

from mmdet_ohem.inference.fast_rcnn_inferencer import FastRCNNInferencer

__all__ = ['FastRCNNInferencer']
