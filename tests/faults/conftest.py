"""How many cases hypothesis tries: HYPOTHESIS_PROFILE=nightly for many."""

import os

from hypothesis import HealthCheck, settings

# Cases of one test: a few in `make test`; nightly 100 000 over all tests.
_ALWAYS: dict = dict(
    deadline=None,  # the machine may be busy
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
    ],
    database=None,
)
settings.register_profile('default', max_examples=50, **_ALWAYS)
settings.register_profile(
    'nightly', max_examples=5000, **_ALWAYS | dict(derandomize=False)
)
settings.register_profile('more', max_examples=400, **_ALWAYS)
settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'default'))
