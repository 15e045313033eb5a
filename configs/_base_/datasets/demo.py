# The embedded dataset of tools/make_demo_dataset.py, at its own size.
_base_ = './voc07.py'

data_root = 'data/demo/'
metainfo = dict(
    classes=(
        'zero',
        'one',
        'two',
        'three',
        'four',
        'five',
        'six',
        'seven',
        'eight',
        'nine',
    )
)
