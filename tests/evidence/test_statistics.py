"""What records say, on numbers worked by hand."""

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from mmdet_ohem.evidence import (
    Comparison,
    Evidence,
    EvidenceRecord,
    read_records,
    write_records,
)
from mmdet_ohem.evidence.document import Document
from mmdet_ohem.evidence.numbers import Numbers
from mmdet_ohem.evidence.statistics import Claim, compare_seeds
from mmdet_ohem.evidence.training_figure import draw_training

BASE, OHEM = 'fast_rcnn_vgg16_voc07', 'fast_rcnn_vgg16_ohem_voc07'
AP50 = 'pascal_voc/AP50'


def record(
    config: str, seed: int, value: float, data: str = 'toy', **more: Any
) -> EvidenceRecord:
    values: dict[str, Any] = dict(
        config=config,
        data=data,
        seed=seed,
        config_hash='0',
        metrics={AP50: value, f'{AP50}/cat': value / 2},
        seconds=1.0,
        checkpoint='c',
        log='l',
        versions={},
        iterations=(50, 100, 150, 200),
        curves=dict(loss=(4.0, 3.0, 2.0, 1.0 + seed)),
    )
    return EvidenceRecord(**values | more)


RECORDS = [
    record(BASE, 0, 0.40),
    record(BASE, 1, 0.42),
    record(BASE, 2, 0.44),
    record(OHEM, 0, 0.43),
    record(OHEM, 2, 0.48),
    record(OHEM, 3, 0.99),
    record(BASE, 0, 0.99, data='other'),
]


def test_means_are_of_one_config_on_one_data_set() -> None:
    evidence = Evidence(RECORDS)
    assert evidence.mean('toy', BASE, AP50) == pytest.approx(0.42)
    assert evidence.spread('toy', BASE, AP50) == pytest.approx(0.02)
    assert evidence.mean('other', BASE, AP50) == pytest.approx(0.99)
    assert evidence.spread('other', BASE, AP50) is None
    assert evidence.mean('other', OHEM, AP50) is None
    assert evidence.mean('toy', BASE, 'unknown') is None


def test_differences_are_of_common_seeds() -> None:
    evidence = Evidence(RECORDS)
    ours, theirs = (evidence.values('toy', x, AP50) for x in (OHEM, BASE))
    found = compare_seeds(ours, theirs)
    assert found.differences == pytest.approx((0.03, 0.04))
    assert found.mean == pytest.approx(0.035)
    paired = stats.ttest_rel([43, 48], [40, 44])
    assert found.p_value == pytest.approx(paired.pvalue)
    assert found.verdict == 'not decided'


@pytest.mark.parametrize(
    ('differences', 'verdict'),
    [
        ((), 'not decided'),
        ((3.0,), 'not decided'),
        ((0.0, 0.0), 'not decided'),
        ((3.0, 3.1, 2.9), 'higher'),
        ((-3.0, -3.1, -2.9), 'lower'),
        ((3.0, -3.0, 1.0), 'not decided'),
        ((2.0, 2.0), 'higher'),
    ],
)
def test_verdicts(differences: tuple[float, ...], verdict: str) -> None:
    assert Comparison(differences).verdict == verdict


@pytest.mark.parametrize(
    ('differences', 'answers'),
    [
        # better, worse, no worse: the margin is .01, t of .975 with two
        # degrees of freedom 4.303, so that .02 ± .01 has .02 ± .0248.
        ((), ('not decided', 'not decided', 'not decided')),
        ((0.1,), ('not decided', 'not decided', 'not decided')),
        ((0.01, 0.02, 0.03), ('not decided', 'not decided', 'yes')),
        ((0.00, 0.01, 0.02), ('not decided', 'not decided', 'not decided')),
        ((0.03, 0.031, 0.029), ('yes', 'no', 'yes')),
        ((-0.03, -0.031, -0.029), ('no', 'yes', 'no')),
        ((-0.005, -0.0051, -0.0049), ('no', 'yes', 'yes')),
        ((0.0, 0.0), ('not decided', 'not decided', 'yes')),
        ((-0.01, -0.01), ('no', 'yes', 'no')),
    ],
)
def test_answers(
    differences: tuple[float, ...], answers: tuple[str, str, str]
) -> None:
    claims: tuple[Claim, ...] = ('better', 'worse', 'no worse')
    assert tuple(Comparison(differences).answer(x) for x in claims) == answers


def test_late_means_are_of_the_last_part() -> None:
    evidence = Evidence(RECORDS)
    steps, values = evidence.curve('toy', BASE, 'loss')
    assert steps == [50, 100, 150, 200]
    assert values == [4, 3, 2, 2]
    assert evidence.late_mean('toy', BASE, 'loss') == 2
    assert evidence.late_mean('toy', BASE, 'loss', 0.5) == 2
    assert evidence.late_mean('toy', BASE, 'loss', 1) == 2.75
    assert evidence.late_mean('toy', BASE, 'unknown') is None


def test_steps_without_a_number_are_left_out() -> None:
    evidence = Evidence(
        [
            record(BASE, 0, 0.4),
            record(BASE, 1, 0.4, curves=dict(loss=(None, 5.0, None, 7.0))),
        ]
    )
    assert evidence.curve('toy', BASE, 'loss') == ([100, 200], [4.0, 4.0])


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / 'records.jsonl'
    assert read_records(path) == []
    write_records(path, RECORDS)
    found = read_records(path)
    assert sorted(found, key=lambda x: x.key) == found
    assert {x.key: x for x in found} == {x.key: x for x in RECORDS}
    newer = record(BASE, 1, 0.5)
    write_records(path, [*found, newer])
    assert len(read_records(path)) == len(RECORDS)
    assert newer in read_records(path)


@pytest.mark.parametrize('line', ['{', '[]', '{"config": "a"}', '3'])
def test_other_files_are_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / 'records.jsonl'
    write_records(path, RECORDS[:1])
    path.write_text(path.read_text() + line + '\n')
    with pytest.raises(ValueError, match=r'line 2 is no record'):
        read_records(path)


def test_a_document_has_the_numbers_of_the_records() -> None:
    document = Document(Evidence(RECORDS))
    text = document.render(
        "{{ value('toy', 'vgg16') }}|{{ difference('toy', 'vgg16_ohem', "
        "'vgg16') }}|{{ answer('better', 'toy', 'vgg16_ohem', 'vgg16') }}|"
        "{{ value('toy', 'vgg16', 'AP70') }}|{{ runs('toy') }}|"
        "{{ late('toy', 'vgg16', 'loss') }}"
    )
    assert text == '42.0 ± 2.0|+3.5|not decided|-|6|2'
    table = document.table('toy').splitlines()
    assert len(table) == 4
    base, ohem = ([x.strip() for x in line.split('|')] for line in table[2:])
    assert base[1:4] == ['2', 'Fast R-CNN', 'VGG16']
    assert base[8:13] == ['67.2', '3', '42.0 ± 2.0', '-', '-']
    assert ohem[8:12] == ['69.9', '3', '63.3 ± 31.0', '+3.5']
    assert document.table('nothing') == 'Nothing was run.'
    classes = document.classes('toy', ['vgg16', 'vgg16_ohem'])
    assert '21.0' in classes
    assert 'cat' in classes


def test_rows_are_compared_with_the_baseline_of_their_network() -> None:
    smaller = [
        record(x.config.replace('vgg16', 'vgg_m'), x.seed, x.metrics[AP50] / 5)
        for x in RECORDS[:-1]
    ]
    table = Document(Evidence(RECORDS + smaller)).table('toy').splitlines()
    rows = [[x.strip() for x in line.split('|')] for line in table[2:]]
    assert {x[1]: x[11] for x in rows} == {
        '1': '-', '2': '-', '12': '+0.7', '13': '+3.5',
    }  # fmt: skip


def test_false_positives_are_numbers_an_image() -> None:
    kinds = ('classes', 'background', 'confusion', 'localisation', 'duplicate')
    found = {
        f'false_positives/{kind}@40': float(i) for i, kind in enumerate(kinds)
    }
    document = Document(Evidence([record(BASE, 0, 0.4, metrics=found)]))
    lines = document.false_positives('toy', ['vgg16', 'vgg16_ohem'], 40)
    base, ohem = (
        [x.strip() for x in line.split('|')][1:-1]
        for line in lines.splitlines()[2:]
    )
    assert base == ['vgg16', '0.00', '1.00', '2.00', '3.00', '4.00']
    assert ohem == ['vgg16_ohem', *'-----']
    found['false_positives/decoy@40'] = 7.0
    document = Document(Evidence([record(BASE, 0, 0.4, metrics=found)]))
    lines = document.false_positives('toy', ['vgg16_ohem', 'vgg16'], 40)
    ohem, base = (line.split('|') for line in lines.splitlines()[2:])
    assert base[3].strip() == '7.00'
    assert ohem[3].strip() == '-'


def test_a_metric_goes_by_its_own_name_and_a_relative_by_its_own() -> None:
    records = [record('sppnet_vgg16_voc07', i, 0.5 + i / 10) for i in (0, 1)]
    records += [record(BASE, i, 0.4 + i / 10) for i in (0, 1)]
    numbers = Numbers(Evidence(records))
    where = 'toy', 'sppnet_vgg16', 'vgg16'
    assert numbers.difference(*where, f'{AP50}/cat') == '+5.0'
    assert numbers.difference(*where) == '+10.0'
    assert numbers.runs('toy', 'sppnet_vgg16') == 2
    assert numbers.runs('toy') == numbers.runs() == 4


def test_what_a_leaf_is_compared_with_may_be_on_other_data() -> None:
    numbers = Numbers(Evidence([*RECORDS, record(BASE, 2, 0.38, 'other')]))
    # Seeds 0 and 2: .43 and .48 against .99 and .38.
    assert numbers.difference('toy', 'vgg16_ohem', 'other/vgg16') == '-23.0'
    assert numbers.difference('toy', 'vgg16_ohem', 'nothing/vgg16') == '-'


def test_a_leaf_may_name_its_data_wherever_it_stands() -> None:
    numbers = Numbers(Evidence([*RECORDS, record(BASE, 2, 0.38, 'other')]))
    there, here = 'other/vgg16', 'vgg16'
    assert numbers.value('toy', there) == numbers.value('other', here)
    assert numbers.runs('toy', there) == numbers.runs('other', here) == 2
    assert numbers.late('toy', there, 'loss') == '2'
    assert numbers.difference('toy', there, 'vgg16_ohem') == '+23.0'
    assert numbers.difference('toy', 'vgg16_ohem', there) == '-23.0'
    first = numbers.p_value('toy', there, 'vgg16_ohem')
    assert first == numbers.p_value('toy', 'vgg16_ohem', there) != '-'


def test_a_figure_has_the_mean_of_each_leaf(tmp_path: Path) -> None:
    document = Document(Evidence(RECORDS), tmp_path)
    text = document.render(
        "{{ training('why', 'toy', {'base': 'vgg16', 'OHEM': 'vgg16_ohem'}, "
        "{'of the batch': 'loss', 'nobody logged': 'unknown'}) }}"
    )
    assert text == f'![of the batch]({tmp_path.name}/why.svg)'
    ((path, table),) = document.drawn.items()
    assert path == tmp_path / 'why.svg'
    assert table[table.run == 'base'].to_dict('list') == {
        'scalar': ['of the batch'] * 4,
        'run': ['base'] * 4,
        'iteration': [50, 100, 150, 200],
        'mean': [4.0, 3.0, 2.0, 2.0],
    }
    assert set(table.run) == {'base', 'OHEM'}
    draw_training(table, path)
    drawn = path.read_bytes()
    assert b'OHEM' in drawn or b'<path' in drawn
    draw_training(table, path)
    assert path.read_bytes() == drawn


def test_a_figure_of_nothing_is_refused(tmp_path: Path) -> None:
    document = Document(Evidence(RECORDS), tmp_path)
    with pytest.raises(ValueError, match=r"has a curve of .'unknown'"):
        document.training(
            'why', 'toy', {'base': 'vgg16'}, {'title': 'unknown'}
        )


def test_losses_are_those_of_figure_3(tmp_path: Path) -> None:
    (tmp_path / 'losses.csv').write_text(
        'label,iteration,kind,total\n'
        '"OHEM, bg_lo = 0",10,all,0.5\n"OHEM, bg_lo = 0",10,fg,9\n'
        '"OHEM, bg_lo = 0",20,all,0.25\nrandom,20,all,0.75\n'
    )
    document = Document(Evidence([]), tmp_path)
    lines = document.render("{{ losses('losses.csv') }}").splitlines()
    assert [[x.strip() for x in y.split('|')[1:-1]] for y in lines[::2]] == [
        ['run', '10', '20'],
        ['OHEM, bg_lo = 0', '0.500', '0.250'],
    ]
    assert lines[3].split('|')[2].strip() == ''
    with pytest.raises(ValueError, match=r'other\.csv is no losses\.csv'):
        document.losses('other.csv')
    (tmp_path / 'other.csv').write_text('a,b\n1,2\n')
    with pytest.raises(ValueError, match=r'other\.csv is no losses\.csv'):
        document.losses('other.csv')


@pytest.mark.parametrize('text', ['{{ unknown }}', '{{ value( }}'])
def test_a_wrong_template_is_told(text: str) -> None:
    with pytest.raises(ValueError, match='template of the document'):
        Document(Evidence([])).render(text)


def test_a_difference_is_told_with_its_p_value_or_as_one_seed() -> None:
    few = [x for x in RECORDS if x.seed == 0]
    for records, found in ((RECORDS, 'p '), (few, '1 seed)')):
        numbers = Numbers(Evidence(records))
        told = numbers.compared('toy', 'vgg16_ohem', 'vgg16')
        assert told.startswith(
            numbers.difference('toy', 'vgg16_ohem', 'vgg16') + f' ({found}'
        )
    assert numbers.compared('toy', 'vgg16_ohem', 'vgg_m') == '-'
    assert numbers.seeds('toy', 'vgg16') == '1 seed'
    assert numbers.seeds('toy', 'vgg_m') == '0 seeds'
    assert Numbers(Evidence(RECORDS)).seeds('toy', 'vgg16') == '3 seeds'
