"""The paper's claims, measured: records of runs, and what they say."""

from mmdet_ohem.evidence.box_fit import fit_metrics
from mmdet_ohem.evidence.records import (
    EvidenceRecord,
    collect_records,
    read_records,
    record_of,
    trial_of,
    write_records,
)
from mmdet_ohem.evidence.statistics import Comparison, Evidence

__all__ = [
    'Comparison',
    'Evidence',
    'EvidenceRecord',
    'collect_records',
    'fit_metrics',
    'read_records',
    'record_of',
    'trial_of',
    'write_records',
]
