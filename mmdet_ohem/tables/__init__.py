"""The paper's tables: their rows, runs that measure them, what came out."""

from mmdet_ohem.runs.run_record import RunRecord
from mmdet_ohem.tables.config_checks import ConfigChecks
from mmdet_ohem.tables.demo_size import NoDemoSizeError
from mmdet_ohem.tables.execute import RunError, execute
from mmdet_ohem.tables.launch import LAUNCHERS, Launch
from mmdet_ohem.tables.row import Row, Table
from mmdet_ohem.tables.run_plan import (
    DATA,
    Run,
    check_leaves,
    plan_runs,
)
from mmdet_ohem.tables.table1 import TABLE1
from mmdet_ohem.tables.table2 import TABLE2
from mmdet_ohem.tables.table3 import TABLE3
from mmdet_ohem.tables.table4 import TABLE4
from mmdet_ohem.tables.table5 import TABLE5

#: Those whose rows are trainings with a test; tools/benchmark.py measures
#: Table 2.
TABLES = {table.number: table for table in (TABLE1, TABLE3, TABLE4, TABLE5)}

__all__ = [
    'DATA',
    'LAUNCHERS',
    'TABLE2',
    'TABLES',
    'ConfigChecks',
    'Launch',
    'NoDemoSizeError',
    'Row',
    'Run',
    'RunError',
    'RunRecord',
    'Table',
    'check_leaves',
    'execute',
    'plan_runs',
]
