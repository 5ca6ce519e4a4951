"""Fixtures that every room uses; each subject has a file of its own in ``tests/fixtures/``."""

from tests.fixtures.logs import log_plainly

log_plainly()

pytest_plugins = [
    "tests.fixtures.better_auths",
    "tests.fixtures.databases",
    "tests.fixtures.local_stripes",
    "tests.fixtures.redises",
    "tests.fixtures.temporal_servers",
    "tests.fixtures.worlds",
]
