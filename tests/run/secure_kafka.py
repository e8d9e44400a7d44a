"""A broker as companies run it: TLS, SCRAM users or client certificates, and nothing allowed that no ACL allows.

Its plain listener stays, on loopback: whoever comes there is a superuser, which tests need for looking inside.
"""

from __future__ import annotations

import os
import pathlib
import secrets
import subprocess

from tests.run.servers import Kafka, free_port, port_answers

SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


class Authority:
    """A CA in a folder; `openssl` does the work."""

    def __init__(self, folder: pathlib.Path, name: str = "ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.certificate = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"
        if not self.certificate.exists():
            self._openssl(
                "req",
                "-x509",
                *self._new_key(self.key),
                "-subj",
                f"/CN={name}",
                "-days",
                "30",
                "-addext",
                "basicConstraints=critical,CA:true",
                "-out",
                str(self.certificate),
            )

    @staticmethod
    def _new_key(path: pathlib.Path) -> list[str]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(path)]

    @staticmethod
    def _openssl(*args: str) -> None:
        done = subprocess.run(["openssl", *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def issue(self, folder: pathlib.Path, name: str, host: str = "localhost") -> tuple[bytes, bytes]:
        """Certificate and private key of CN=`name`, good for a host and loopback too; kept in `folder` as well."""
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key, request = (folder / f"{name}.{end}" for end in ("crt", "key", "csr"))
        extensions = folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{host},IP:127.0.0.1\n")
        self._openssl("req", "-new", *self._new_key(key), "-subj", f"/CN={name}", "-out", str(request))
        self._openssl(
            "x509",
            "-req",
            "-in",
            str(request),
            "-CA",
            str(self.certificate),
            "-CAkey",
            str(self.key),
            "-set_serial",
            str(secrets.randbits(64)),
            "-days",
            "30",
            "-extfile",
            str(extensions),
            "-out",
            str(certificate),
        )
        return certificate.read_bytes(), key.read_bytes()


class SecureKafka(Kafka):
    """Listeners: plain (superuser), SASL_SSL with SCRAM-SHA-512, SSL with client certificates (user: the CN)."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__(directory)
        self.authority = Authority(self.dir / "tls")
        self.sasl_port, self.tls_port = free_port(), free_port()
        certificate, key = self.authority.issue(self.dir / "tls", "broker")
        (self.dir / "tls" / "broker.pem").write_bytes(key + certificate)
        self.properties = self._listeners() | {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "false",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": SCRAM,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.dir / "tls" / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.certificate),
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
        }

    def _listeners(self) -> dict[str, str]:
        port, controller_port = self._ports()
        named = {"PLAINTEXT": port, "SASL_SSL": self.sasl_port, "SSL": self.tls_port}
        shown = ",".join(f"{name}://127.0.0.1:{number}" for name, number in named.items())
        return {"listeners": f"{shown},CONTROLLER://127.0.0.1:{controller_port}", "advertised.listeners": shown}

    def _ready(self) -> bool:
        return super()._ready() and port_answers(self.sasl_port) and port_answers(self.tls_port)

    @property
    def sasl_brokers(self) -> str:
        """For users with a password."""
        return f"127.0.0.1:{self.sasl_port}"

    @property
    def tls_brokers(self) -> str:
        """For users with a certificate."""
        return f"127.0.0.1:{self.tls_port}"
