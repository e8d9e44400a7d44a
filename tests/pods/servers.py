"""OHE's PostgreSQL where pods reach it: the port that the chart's values expect, on an address of the node."""

from __future__ import annotations

from pathlib import Path

from tests.run.servers import Postgres

PODS = "10.77.0.0/16"


class NodePostgres(Postgres):
    """PostgreSQL on port 5432 of all addresses, with a password for everybody."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {"listen_addresses": "*"})
        (self.dir / "port").write_text("5432\n")

    def _initdb(self) -> None:
        super()._initdb()
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {PODS} scram-sha-256\n")


class Embedded:
    """The chart's own broker, as the tests' readers reach it."""

    brokers = "ohdc-openhands-dc-kafka.openhands.svc:9092"
