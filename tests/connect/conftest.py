"""The fixtures of the end-to-end tests: one Kafka and one PostgreSQL for the run, one installation for each module."""

from tests.e2e.conftest import (  # noqa: F401
    kafka,
    postgres,
    programs,
    pytest_configure,
    run_dir,
    running,
    stack,
    world,
)
