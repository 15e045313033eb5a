"""What processes of a run print."""

from pathlib import Path

from mmdet_ohem.runs.console_log import ConsoleLog


def test_the_log_tells_how_far_it_is_and_why_it_failed(tmp_path: Path) -> None:
    path = tmp_path / 'run.log'
    path.write_text('ValueError: of an earlier start\n')
    log = ConsoleLog(path, path.stat().st_size)
    assert (log.progress(), log.last_error()) == (
        'starting',
        'it wrote nothing',
    )
    with path.open('a') as file:
        file.write('Iter(train) [ 50/400]\nIter(test) [  3/9]\n')
        file.write('mmcv.MyError: first\nCalledProcessError: second\n')
    assert log.progress() == 'test 3/9'
    assert log.last_error() == 'mmcv.MyError: first'
