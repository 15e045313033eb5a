"""Table 2 of the paper: what mining costs."""

from mmdet_ohem.benchmark.limits import MachineLimits, measure_limits
from mmdet_ohem.benchmark.measure import Cost, compare_methods
from mmdet_ohem.benchmark.methods import (
    TABLE_METHODS,
    build_detector,
    fc_sizes,
    methods,
)
from mmdet_ohem.benchmark.report import as_markdown, sweep_as_markdown
from mmdet_ohem.benchmark.workload import Workload, check_proposals

__all__ = [
    'TABLE_METHODS',
    'Cost',
    'MachineLimits',
    'Workload',
    'as_markdown',
    'build_detector',
    'check_proposals',
    'compare_methods',
    'fc_sizes',
    'measure_limits',
    'methods',
    'sweep_as_markdown',
]
