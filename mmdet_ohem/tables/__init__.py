"""The paper's tables: their rows, runs that measure them, what came out."""

from mmdet_ohem.runs.run_record import RunRecord
from mmdet_ohem.tables.config_checks import ConfigChecks
from mmdet_ohem.tables.execute import RunError, execute
from mmdet_ohem.tables.launch import LAUNCHERS, Launch
from mmdet_ohem.tables.profile import (
    FULL,
    NotInProfileError,
    profile_name,
    profile_path,
)
from mmdet_ohem.tables.row import Row, Table
from mmdet_ohem.tables.rules_table import rules_table
from mmdet_ohem.tables.run_plan import (
    Run,
    check_leaves,
    plan_runs,
)
from mmdet_ohem.tables.table1 import TABLE1
from mmdet_ohem.tables.table2 import TABLE2
from mmdet_ohem.tables.table3 import TABLE3
from mmdet_ohem.tables.table4 import TABLE4
from mmdet_ohem.tables.table5 import TABLE5
from mmdet_ohem.tables.variants_table import variants_table

#: Those whose rows are trainings with a test; mmdet-ohem benchmark measures
#: Table 2.
TABLES = {table.number: table for table in (TABLE1, TABLE3, TABLE4, TABLE5)}
#: Tables that are not the paper's, by name.
OWN_TABLES = {'rules': rules_table, 'variants': variants_table}


def find_table(name: str) -> Table:
    """Find a table whose rows are trainings with a test.

    Args:
        name: Number of one of the paper's, ``'rules'`` or ``'variants'``.

    Returns:
        The table.

    Raises:
        ValueError: There is no such table.
    """
    if name in OWN_TABLES:
        return OWN_TABLES[name]()
    if name == '2':
        raise ValueError(
            'table 2 is about the cost of an iteration, which '
            'mmdet-ohem benchmark measures; no row of it is trained and tested'
        )
    if not name.isdigit() or int(name) not in TABLES:
        raise ValueError(
            f'there is no table {name!r}; there are '
            f'{", ".join(map(str, TABLES))}, {" and ".join(OWN_TABLES)}'
        )
    return TABLES[int(name)]


__all__ = [
    'FULL',
    'LAUNCHERS',
    'OWN_TABLES',
    'TABLE2',
    'TABLES',
    'ConfigChecks',
    'Launch',
    'NotInProfileError',
    'Row',
    'Run',
    'RunError',
    'RunRecord',
    'Table',
    'check_leaves',
    'execute',
    'find_table',
    'plan_runs',
    'profile_name',
    'profile_path',
    'rules_table',
    'variants_table',
]
