"""What a conv network that does not learn makes of images, kept on disk."""

from mmdet_ohem.features.feature_cache import FeatureCache
from mmdet_ohem.features.weights_digest import WeightsDigest

__all__ = ['FeatureCache', 'WeightsDigest']
