"""Boxes computed beforehand, and the data sets that carry them."""

from mmdet_ohem.proposals.coco_proposal_dataset import CocoProposalDataset
from mmdet_ohem.proposals.image_list_dataset import ImageListDataset
from mmdet_ohem.proposals.load_proposals import LoadProposals
from mmdet_ohem.proposals.proposal_file import (
    load_proposals,
    proposal_key,
    save_proposals,
)
from mmdet_ohem.proposals.store import ProposalStore
from mmdet_ohem.proposals.voc_proposal_dataset import VOCProposalDataset

__all__ = [
    'CocoProposalDataset',
    'ImageListDataset',
    'LoadProposals',
    'ProposalStore',
    'VOCProposalDataset',
    'load_proposals',
    'proposal_key',
    'save_proposals',
]
