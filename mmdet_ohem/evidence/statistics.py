"""What records of runs say: means, spreads, paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Literal

from scipy import stats

from mmdet_ohem.evidence.records import EvidenceRecord
from mmdet_ohem.runs.metrics import measured

#: What a claim says of a config beside another one.
Claim = Literal['better', 'worse', 'no worse']
#: A loss below it still counts as 'no worse': a point of AP.
MARGIN = 0.01
UNDECIDED = 'not decided'


@dataclass(frozen=True)
class Comparison:
    """A config against another one, seed by seed.

    Attributes:
        differences: One for each seed that both have.
    """

    differences: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Mean difference; None without a seed."""
        return mean(self.differences) if self.differences else None

    @property
    def p_value(self) -> float | None:
        """Of a paired t test, two-sided; None with less than two seeds."""
        if len(self.differences) < 2:
            return None
        if len(set(self.differences)) == 1:
            return 1.0 if self.differences[0] == 0 else 0.0
        return float(stats.ttest_1samp(self.differences, 0).pvalue)

    @property
    def verdict(self) -> str:
        """'higher' or 'lower' where p < .05, else 'not decided'."""
        p_value = self.p_value
        if self.mean is None or p_value is None or p_value >= 0.05:
            return UNDECIDED
        return 'higher' if self.mean > 0 else 'lower'

    def answer(self, claim: Claim) -> str:
        """'yes', 'no' or 'not decided'.

        That a config is better or worse is decided by :attr:`verdict`. No
        test shows that two configs are alike, so 'no worse' is shown by the
        95 % confidence interval of the difference: it has to lie above
        ``-MARGIN``.

        Args:
            claim: What is asked.
        """
        if claim == 'no worse':
            if self._least is not None and self._least > -MARGIN:
                return 'yes'
            return 'no' if self.verdict == 'lower' else UNDECIDED
        if self.verdict == UNDECIDED:
            return UNDECIDED
        is_true = self.verdict == ('higher' if claim == 'better' else 'lower')
        return 'yes' if is_true else 'no'

    @property
    def _least(self) -> float | None:
        """Lower end of the interval; None with less than two seeds."""
        if len(self.differences) < 2:
            return None
        if len(set(self.differences)) == 1:
            return self.differences[0]
        found = stats.ttest_1samp(self.differences, 0)
        return float(found.confidence_interval(0.95).low)


def compare_seeds(
    ours: Mapping[int, float], theirs: Mapping[int, float]
) -> Comparison:
    """Pair two configs by the seeds that both have.

    Args:
        ours: A number of each run, by seed.
        theirs: Of what it is compared with.
    """
    return Comparison(tuple(ours[x] - theirs[x] for x in ours if x in theirs))


class Evidence:
    """Records of runs, to be asked about.

    Args:
        records: Of :func:`~mmdet_ohem.evidence.records.read_records`.
    """

    def __init__(self, records: Sequence[EvidenceRecord]) -> None:
        self.records = list(records)

    def runs(self, data: str, config: str) -> dict[int, EvidenceRecord]:
        """Runs of a config by seed.

        Args:
            data: Name of the profile.
            config: Name of the leaf.
        """
        return {
            x.seed: x
            for x in sorted(self.records, key=lambda x: x.seed)
            if (x.data, x.config) == (data, config)
        }

    def values(self, data: str, config: str, metric: str) -> dict[int, float]:
        """A metric of each run of a config, by seed.

        Args:
            data: Name of the profile.
            config: Name of the leaf.
            metric: Key of the evaluation.
        """
        return {
            seed: x.metrics[metric]
            for seed, x in self.runs(data, config).items()
            if metric in measured(x.metrics)
        }

    def mean(self, data: str, config: str, metric: str) -> float | None:
        """Mean over the seeds; None where nothing was run."""
        found = list(self.values(data, config, metric).values())
        return mean(found) if found else None

    def spread(self, data: str, config: str, metric: str) -> float | None:
        """Standard deviation of a run; None with less than two."""
        found = list(self.values(data, config, metric).values())
        return stdev(found) if len(found) > 1 else None

    def curve(
        self, data: str, config: str, name: str
    ) -> tuple[list[int], list[float]]:
        """A scalar as training goes on, mean over the seeds.

        Args:
            data: Name of the profile.
            config: Name of the leaf.
            name: Of the scalar.

        Returns:
            Iterations at which each run has a number, and the means.
        """
        by_step: dict[int, list[float]] = {}
        runs = self.runs(data, config).values()
        for run in runs:
            curve = run.curves.get(name, ())
            for step, value in zip(run.iterations, curve, strict=False):
                if value is not None:
                    by_step.setdefault(step, []).append(value)
        steps = sorted(k for k, x in by_step.items() if len(x) == len(runs))
        return steps, [mean(by_step[step]) for step in steps]

    def late_mean(
        self, data: str, config: str, name: str, share: float = 0.25
    ) -> float | None:
        """Mean of a scalar over the last part of the training.

        Args:
            data: Name of the profile.
            config: Name of the leaf.
            name: Of the scalar.
            share: Which part, in (0, 1].
        """
        steps, values = self.curve(data, config, name)
        late = [
            x
            for step, x in zip(steps, values, strict=True)
            if step > (1 - share) * steps[-1]
        ]
        return mean(late) if late else None
