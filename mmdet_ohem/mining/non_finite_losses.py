"""What happens where losses of RoIs are not finite."""

import logging

import torch
from mmengine.logging import print_log

from mmdet_ohem.counts import Count
from mmdet_ohem.mining.rules import Choice, ScoredRoIs

# FiniteLossHook stops earlier and names images: this is for trainings that do
# not have it.
_MAX_IN_A_ROW = 20
_LIKELY = (
    'Likely causes: a learning rate that is too high, boxes without area in '
    'the ground truth, target_stds of the box coder that are 0'
)


class NonFiniteLosses:
    """Keep training from going on over nothing, and tell of what is left out.

    A RoI whose loss is not finite is never mined. But a batch without any RoI
    has a loss of 0, which looks like success; so

    - where no RoI of an image has a finite loss, RoIs are trained on all the
      same, so that the loss of the training is not finite either, as it would
      be without mining;
    - where this holds for all foreground, in twenty images in a row that have
      foreground, training on background alone is an error;
    - each time that the number of images concerned has grown ten times, a
      warning says how many RoIs were left out.

    Args:
        owner: Named in messages.

    Attributes:
        num_rois: RoIs so far whose loss was not finite.
        num_images: Images so far that had such RoIs.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.num_rois = 0
        self.num_images = 0
        self._in_a_row = 0

    def check(self, rois: ScoredRoIs, choice: Choice, num: int) -> Choice:
        """Look at the losses of an image.

        Args:
            rois: All RoIs.
            choice: What a rule makes of them.
            num: RoIs to choose.

        Returns:
            ``choice``, or the first ``num`` RoIs where no loss is finite.

        Raises:
            FloatingPointError: The foreground of twenty images in a row had no
                finite loss, though their background had.
        """
        if not len(rois):
            return choice
        is_bad = ~rois.is_finite
        # One transfer from the device.
        num_bad, num_fg, num_bad_fg = torch.stack(
            [is_bad.sum(), rois.is_fg.sum(), (is_bad & rois.is_fg).sum()]
        ).tolist()
        if num_fg and num_bad_fg < num_fg:
            self._in_a_row = 0
        if not num_bad:
            return choice
        self._count(num_bad, len(rois))
        if num_bad == len(rois):
            inds = torch.arange(len(rois), device=is_bad.device)
            return Choice(inds[:num], left_out=choice.left_out)
        if num_fg and num_bad_fg == num_fg:
            self._in_a_row += 1
            if self._in_a_row >= _MAX_IN_A_ROW:
                raise FloatingPointError(
                    f'{self.owner}: no foreground RoI of the last '
                    f'{Count(self._in_a_row):image} with objects has a finite '
                    'loss, '
                    'but background has: the detector would be trained on '
                    f'background alone. {_LIKELY}'
                )
        return choice

    def _count(self, num_bad: int, num_rois: int) -> None:
        """Add up, and warn at images number 1, 10, 100 and so on."""
        self.num_images += 1
        self.num_rois += num_bad
        if str(self.num_images).strip('0') == '1':
            print_log(
                f'{self.owner}: the loss of {num_bad} of {num_rois} RoIs is '
                f'not finite; so far {Count(self.num_rois):RoI} of '
                f'{Count(self.num_images):image} were left out of mining. '
                f'{_LIKELY}',
                logger='current',
                level=logging.WARNING,
            )
