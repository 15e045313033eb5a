"""Records are made of what runs left behind, and of nothing else."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mmdet_ohem.evidence import (
    Evidence,
    collect_records,
    read_records,
    trial_of,
)
from mmdet_ohem.evidence.document import Document
from mmdet_ohem.evidence.page import MARKS, insert
from mmdet_ohem.runs.work_dir import WorkDir
from tests.tables.finished_runs import OHEM, finish
from tools import evidence


def train(folder: Path, losses: list[float]) -> bytes:
    """What a training of 100 iterations leaves in its work dir."""
    path = folder / 'iter_100.pth'
    torch.save(dict(state_dict={}, meta={}, message_hub={}), path)
    log = folder / '20260101_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(
        ''.join(
            json.dumps(dict(lr=0.1, step=50 * (i + 1), loss=x, memory=1))
            + '\n'
            for i, x in enumerate(losses)
        )
    )
    (folder / 'run.log').write_text('printed')
    return path.read_bytes()


def test_a_run_becomes_a_record(tmp_path: Path) -> None:
    folder = finish(tmp_path, 3, {'AP50': 0.25}, data='toy')
    checkpoint = train(folder, [2.0, float('nan')])
    (tmp_path / 'toy' / OHEM / 'seed4').mkdir()  # only begun
    (found,) = collect_records(tmp_path)
    assert found.key == ('toy', OHEM, 3)
    assert found.metrics == {'pascal_voc/AP50': 0.25}
    assert found.checkpoint == hashlib.sha256(checkpoint).hexdigest()
    assert found.log == hashlib.sha256(b'printed').hexdigest()
    assert found.iterations == (50, 100)
    assert found.curves == dict(loss=(2.0, None))


def test_a_run_that_is_as_it_was_keeps_its_record(tmp_path: Path) -> None:
    folder = finish(tmp_path, 3, {'AP50': 0.25}, data='toy')
    train(folder, [2.0, 1.0])
    (first,) = collect_records(tmp_path)
    counted = replace(first, metrics={'false_positives/decoy@40': 7.0})
    assert collect_records(tmp_path, [counted]) == [counted]
    (folder / 'run.log').write_text('printed again')
    (found,) = collect_records(tmp_path, [counted])
    assert found.metrics == first.metrics


def test_a_trial_is_its_validations(tmp_path: Path) -> None:
    folder = tmp_path / 'lr1'
    log = folder / '20260101_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    (folder / 'config.py').write_text('randomness = dict(seed=7)\n')
    train = dict(lr=0.1, step=50)
    lines = [train, {'pascal_voc/mAP': 0.2, 'step': 1}]
    lines += [train | dict(step=100), {'pascal_voc/mAP': 0.3, 'step': 2}]
    log.write_text(''.join(json.dumps(x) + '\n' for x in lines))
    found = trial_of(WorkDir(folder))
    assert found.key == ('trials', 'lr1', 7)
    assert found.metrics == {'pascal_voc/mAP': 0.3}
    assert found.iterations == (50, 100)
    table = Document(Evidence([found])).trials().splitlines()
    assert [x.strip() for x in table[2].split('|')] == [
        '', 'lr1', '20.0', '30.0', '',
    ]  # fmt: skip
    log.write_text(json.dumps(train) + '\n')
    with pytest.raises(ValueError, match='no validation in its log'):
        trial_of(WorkDir(folder))


def test_nothing_finished_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='no finished run, of 0'):
        collect_records(tmp_path)


def test_a_lost_checkpoint_is_named(tmp_path: Path) -> None:
    folder = finish(tmp_path, 0, {'AP50': 0.25})
    with pytest.raises(FileNotFoundError, match=f'{folder} has no checkpoint'):
        collect_records(tmp_path)


def test_the_document_follows_the_records(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    train(finish(tmp_path / 'runs', 0, {'AP50': 0.25}, data='toy'), [1.0])
    template, out = tmp_path / 'a.md.j2', tmp_path / 'a.md'
    template.write_text(
        "mAP {{ value('toy', 'vgg16_ohem') }}\n{{ training('why', 'toy', "
        "{'OHEM': 'vgg16_ohem'}, {'loss': 'loss'}) }}\n"
    )
    page, part = tmp_path / 'README.md', tmp_path / 'b.part.j2'
    page.write_text('# Title\n' + '\n'.join([*MARKS, 'end\n']))
    part.write_text("AP {{ value('toy', 'vgg16_ohem') }}")
    files = dict(records=tmp_path / 'r.jsonl', templates=tmp_path)
    files |= dict(out=tmp_path, page=page, part=part)

    def tool(*args: object) -> int:
        options = [x for k, v in files.items() for x in (f'--{k}', v)]
        argv = ['evidence.py', *map(str, (*args, *options))]
        monkeypatch.setattr(sys, 'argv', argv)
        return evidence.main()

    assert tool('collect', '--work-dir', tmp_path / 'runs') == 0
    assert '1 run read, 1 in all' in capsys.readouterr().out
    assert tool('check') == 1
    assert tool('write') == 0
    image = f'![loss]({tmp_path.name}/why.svg)'
    assert out.read_text() == f'mAP 25.0\n{image}\n'
    assert (tmp_path / 'why.svg').stat().st_size > 1000
    begin, end = MARKS
    lines = ['# Title', begin, 'AP 25.0', end, 'end', '']
    assert page.read_text().split('\n') == lines
    assert tool('check') == 0
    numbers = (tmp_path / 'why.csv').read_text()
    (tmp_path / 'why.csv').write_text(numbers.replace('50', '60'))
    assert tool('check') == 1
    (tmp_path / 'why.csv').write_text(numbers)
    out.write_text('mAP 52.0\n')
    capsys.readouterr()
    assert tool('check') == 1
    assert 'Remedy: tools/evidence.py write' in capsys.readouterr().out
    assert len(read_records(tmp_path / 'r.jsonl')) == 1


@pytest.mark.parametrize(
    'page', ['', MARKS[0], '\n'.join([*MARKS[::-1], '']), '\n'.join(MARKS * 2)]
)
def test_a_page_has_both_marks_once(page: str) -> None:
    with pytest.raises(ValueError, match='once each'):
        insert(page, 'text')


def test_documents_of_the_project_are_what_its_records_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, 'argv', ['evidence.py', 'check'])
    assert evidence.main() == 0, capsys.readouterr().out
