"""What a table would do: which runs, how long, and what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mmdet_ohem.counts import Count
from mmdet_ohem.runs.work_dir import WorkDir
from mmdet_ohem.tables.config_checks import ConfigChecks
from mmdet_ohem.tables.execute import record_to_be, refuse_other
from mmdet_ohem.tables.launch import Launch
from mmdet_ohem.tables.profile import NotInProfileError
from mmdet_ohem.tables.run_plan import Run, config_of


@dataclass(frozen=True)
class PlannedRun:
    """A run, and what is left of it.

    Attributes:
        run: Which.
        done: Iterations that need not be done again.
        todo: Iterations of the whole training.
        is_finished: It was tested, too.
        seconds_per_iter: Of this run, as it logged; None where it has not
            begun.
        problem: What would keep it from training; empty if nothing does.
        left_out: Why it means nothing on these data; empty if it does.
    """

    run: Run
    done: int = 0
    todo: int = 0
    is_finished: bool = False
    seconds_per_iter: float | None = None
    problem: str = ''
    left_out: str = ''

    def seconds_left(self, per_iter: float | None) -> float | None:
        """How long it will take.

        Args:
            per_iter: Of other runs, for one that has not begun.

        Returns:
            Seconds of training, without the test; None: nobody knows.
        """
        if self.is_finished or self.left_out:
            return 0.0
        speed = self.seconds_per_iter or per_iter
        return None if speed is None else speed * (self.todo - self.done)


def look_ahead(
    runs: Sequence[Run], configs: Path, launch: Launch
) -> Iterator[PlannedRun]:
    """Look at runs without doing anything.

    Args:
        runs: As planned.
        configs: Folder of the leaf configs.
        launch: How they would be started.

    Yields:
        Each, in their order. Data, proposals, weights and disk are looked at
        once a config, as before a training.
    """
    check = ConfigChecks(lambda run, text: None)
    for run in runs:
        try:
            config = config_of(run, configs)
        except NotInProfileError as error:
            yield PlannedRun(run, left_out=str(error))
            continue
        problem = ''
        work_dir = WorkDir(run.folder)
        is_finished = work_dir.finished is not None
        try:
            launch.images_per_gpu(config.train_dataloader.batch_size)
            refuse_other(work_dir, record_to_be(run, config))
            if not is_finished:
                check(run, config)
        except (OSError, RuntimeError, ValueError) as error:
            problem = str(error)
        todo = int(config.train_cfg.max_iters)
        yield PlannedRun(
            run,
            todo if is_finished else _done(work_dir),
            todo,
            is_finished,
            _speed(work_dir),
            problem,
        )


def common_speed(planned: Sequence[PlannedRun]) -> float | None:
    """Seconds of an iteration, by the runs that have begun; None of none."""
    known = [x.seconds_per_iter for x in planned if x.seconds_per_iter]
    return median(known) if known else None


def plan_lines(planned: Sequence[PlannedRun], side: int) -> Iterator[str]:
    """Say it in words.

    Args:
        planned: The runs of a table.
        side: How many go side by side.

    Yields:
        A line for each run, then how long, and how many could not start.
    """
    speed = common_speed(planned)
    for x in planned:
        yield f'row {x.run.row.number}, {x.run.name}: {_in_words(x, speed)}'
    left = [x.seconds_left(speed) for x in planned]
    if None in left:
        yield (
            f'how long {Count(left.count(None)):run} '
            f'{Count(left.count(None)):takes|take} is not known: no run of '
            'this work dir has begun. mmdet-ohem doctor CONFIG measures an '
            'iteration'
        )
    else:
        hours = sum(x for x in left if x is not None) / side / 3600
        beside = f', {Count(side):run} side by side' if side > 1 else ''
        yield f'about {hours:.1f} h of training are left{beside}'
    num_bad = sum(bool(x.problem) for x in planned)
    yield f'{num_bad} of {len(planned)} runs could not start'


def _in_words(planned: PlannedRun, speed: float | None) -> str:
    if planned.left_out:
        return f'left out: {planned.left_out}'
    if planned.is_finished:
        finished = 'finished'
        if planned.problem:
            finished += f', but would not be taken: {planned.problem}'
        return finished
    seconds = planned.seconds_left(speed)
    text = f'{Count(planned.todo):iteration}'
    if planned.done:
        text = f'goes on from iteration {planned.done} of {planned.todo}'
    if seconds is not None:
        text += f', about {seconds / 3600:.1f} h'
    return f'{text}; MISSING: {planned.problem}' if planned.problem else text


def _done(work_dir: WorkDir) -> int:
    if not work_dir.folder.is_dir():
        return 0
    last = work_dir.last_checkpoint()
    return int(last.stem.rpartition('_')[2]) if last else 0


def _speed(work_dir: WorkDir) -> float | None:
    """Seconds of an iteration, as the training logged them."""
    if not work_dir.folder.is_dir():
        return None
    curve = work_dir.curves.get('time')
    return median(curve.values) if curve and curve.values else None
