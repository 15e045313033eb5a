"""The HTML page of a ranking."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmdet_ohem.hard.pictures import crop_of, picture_of
from mmdet_ohem.hard.ranking import Ranking
from mmdet_ohem.hard.records import FLAGS, HardImage, HardRoI
from mmdet_ohem.report.sheets import Sheet, page_template

_TEMPLATE = Path(__file__).with_name('page.html.j2')
_NUM_IMAGES = 12


@dataclass(frozen=True)
class _Shown:
    """A RoI or image, and its picture."""

    item: HardRoI | HardImage
    picture: Sheet


def make_page(
    ranking: Ranking, facts: Mapping[str, str], num: int = 100
) -> str:
    """Show the worst with pictures.

    The page needs no other file and no network.

    Args:
        ranking: Of a split.
        facts: What the ranking is of, by name.
        num: Pictures of each flag, and of hard RoIs, at the most.

    Returns:
        The page.
    """
    objects = {x.image: [box for box, _ in x.objects] for x in ranking.images}
    rois_of: dict[str, list[HardRoI]] = defaultdict(list)
    for roi in ranking.rois:
        rois_of[roi.image].append(roi)

    def crops(rois: list[HardRoI]) -> list[_Shown]:
        return [_Shown(x, crop_of(x, objects[x.image])) for x in rois[:num]]

    sections = [
        (flag, text, len(ranking.flagged[flag]), crops(ranking.flagged[flag]))
        for flag, text in FLAGS.items()
    ]
    hardest = crops(_one_of_each(ranking.rois, num))
    images = [
        _Shown(x, picture_of(x, rois_of[x.image]))
        for x in ranking.images[: min(num, _NUM_IMAGES)]
    ]
    page = page_template(_TEMPLATE)
    return page.render(
        facts=facts, sections=sections, hardest=hardest, images=images
    )


def _one_of_each(rois: list[HardRoI], num: int) -> list[HardRoI]:
    """The hardest RoIs, few of one image, so that it does not fill the page.

    A broken image has the hardest RoIs of all, all of them alike.
    """
    taken: dict[str, int] = defaultdict(int)
    kept = []
    for roi in rois:
        if taken[roi.image] < 3:
            taken[roi.image] += 1
            kept.append(roi)
        if len(kept) == num:
            break
    return kept
