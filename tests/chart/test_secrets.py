"""Which pod mounts which Secret, and which keys of it: exactly the table of secrets, under every switch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import PROFILES, SERVICES, Rendered, render

Mounts = dict[str, str]

OWNER = {"database-owner": "postgres-password: postgres-password>password",
         "database-admin": "postgres-password: postgres-password>password"}
BOTS = {"jira": "jira-dc-app: service-account-pat>service-account-pat",
        "bitbucket": "bitbucket-data-center-app: bot-token>bot-token"}
BOTH = {"database": "postgres-password: postgres-password>password", "seal": "ohdc-seal-keys: seal-keys>seal-keys"}
# With nothing but the host: folder below /etc/ohdc, Secret, key > file.
BASE: dict[str, Mounts] = {
    "ingress": BOTH,
    "linker": BOTH | {"keycloak": "ohdc-keycloak-client: client-secret>client-secret",
                      "jira": "jira-dc-app: client-secret>client-secret"},
    "dispatcher": BOTH | BOTS | {"service-key": "automation-service-key: automation-service-key>service-key"},
    "installer": BOTH | BOTS,
    "migrate": OWNER,
}
JWT = {"jwt": "jwt-secret: jwt-secret>jwt-secret"}
EXTERNAL = {"kafka.mode": "external", "kafka.external.brokers": ["kafka:9092"]}
SCRAM = EXTERNAL | {"kafka.external.users.all": {"username": "ohdc", "existingSecret": "kafka-user"}}
MTLS = EXTERNAL | {"kafka.external.securityProtocol": "SSL",
                   "kafka.external.users.all": {"existingSecret": "kafka-user"}}
ROLE = {"user": "ohdc_role", "existingSecret": "role-secret"}

# Switch or name: values, and what changes against BASE, for each container; None: not there.
Case = tuple[str, dict[str, Any], dict[str, dict[str, str | None]]]
CASES: list[Case] = [
    ("nothing", {}, {}),
    ("jira off", {"jira.enabled": False},
     {"linker": {"jira": None}, "dispatcher": {"jira": None}, "installer": {"jira": None}}),
    ("bitbucket off", {"bitbucket.enabled": False},
     {"dispatcher": {"bitbucket": None}, "installer": {"bitbucket": None}}),
    ("webhooks off", {"jira.webhooksEnabled": False}, {}),
    ("email", {"jira.linkMethod": "email"},
     {"linker": {"jira": "jira-dc-app: service-account-pat>service-account-pat"}}),
    ("jira's Secret", {"jira.existingSecret": "own"},
     {"linker": {"jira": "own: client-secret>client-secret"},
      "dispatcher": {"jira": "own: service-account-pat>service-account-pat"},
      "installer": {"jira": "own: service-account-pat>service-account-pat"}}),
    ("bitbucket's Secret", {"bitbucket.existingSecret": "own"},
     {"dispatcher": {"bitbucket": "own: bot-token>bot-token"}, "installer": {"bitbucket": "own: bot-token>bot-token"}}),
    ("jwt", {"openhands.jwtSecret.existingSecret": "jwt-secret"}, {"installer": JWT}),
    ("jwt without bitbucket", {"openhands.jwtSecret.existingSecret": "jwt-secret", "bitbucket.enabled": False},
     {"dispatcher": {"bitbucket": None}, "installer": {"bitbucket": None}}),
    ("jwt's key", {"openhands.jwtSecret": {"existingSecret": "jwt-secret", "key": "k"}},
     {"installer": {"jwt": "jwt-secret: k>jwt-secret"}}),
    ("token in sandbox", {"openhands.jwtSecret.existingSecret": "jwt-secret", "jira.tokenInSandbox": True},
     {"installer": JWT, "linker": JWT, "dispatcher": JWT | {
         "jira": "jira-dc-app: client-secret>client-secret, service-account-pat>service-account-pat"}}),
    ("token in sandbox, jira off",
     {"openhands.jwtSecret.existingSecret": "jwt-secret", "jira.tokenInSandbox": True, "jira.enabled": False},
     {"installer": {**JWT, "jira": None}, "linker": {"jira": None}, "dispatcher": {"jira": None}}),
    ("service key", {"openhands.serviceKey": {"existingSecret": "own", "key": "k"}},
     {"dispatcher": {"service-key": "own: k>service-key"}}),
    ("keycloak off", {"keycloak.url": ""}, {"linker": {"keycloak": None}}),
    ("keycloak client", {"keycloak.client": {"existingSecret": "own", "secretKey": "k"}},
     {"linker": {"keycloak": "own: k>client-secret"}}),
    ("keycloak admin", {"keycloak.client.existingSecret": "", "keycloak.admin.existingSecret": "own"},
     {"linker": {"keycloak": "own: admin-password>admin-password"}}),
    ("seal key", {"sealKeys": {"existingSecret": "own", "key": "k"}},
     {s: {"seal": "own: k>seal-keys"} for s in SERVICES}),
    ("database", {"database": {"existingSecret": "own", "key": "k"}},
     {**{s: {"database": "own: k>password"} for s in SERVICES},
      "migrate": {"database-owner": "own: k>password"}}),
    ("owner makes the database", {"database.create": {"superuser": "", "existingSecret": ""}, "database.key": "k"},
     {**{s: {"database": "postgres-password: k>password"} for s in SERVICES},
      "migrate": {"database-owner": "postgres-password: k>password"}}),
    ("database made by others", {"database.create.enabled": False}, {"migrate": {"database-admin": None}}),
    ("superuser", {"database.create": {"superuser": "root", "existingSecret": "admin", "key": "k"}},
     {"migrate": {"database-admin": "admin: k>password"}}),
    *[(f"role of {service}", {f"database.users.{service}": ROLE},
       {service: {"database": "role-secret: password>password"},
        "migrate": {"database-roles": f"role-secret: password>{service}"}}) for service in SERVICES],
    ("role, database made by others", {"database.users.linker": ROLE | {"key": "k"}, "database.create.enabled": False},
     {"linker": {"database": "role-secret: k>password"}, "migrate": {"database-admin": None}}),
    ("scram", SCRAM, {s: {"kafka": "kafka-user: password>password"} for s in SERVICES[:3]}),
    ("scram with CA", SCRAM | {"kafka.external.caSecret": "ca", "kafka.external.caKey": "k"},
     {s: {"kafka": "kafka-user: password>password + ca: k>ca.crt"} for s in SERVICES[:3]}),
    ("scram, topics ours", SCRAM | {"kafka.external.createTopics": True},
     {s: {"kafka": "kafka-user: password>password"} for s in (*SERVICES[:3], "topics")}),
    ("scram, user of topics", SCRAM | {"kafka.external.createTopics": True, "kafka.external.users.topics": {
        "username": "topics", "existingSecret": "topics-user"}},
     {**{s: {"kafka": "kafka-user: password>password"} for s in SERVICES[:3]},
      "topics": {"kafka": "topics-user: password>password"}}),
    ("scram, user of the linker", SCRAM | {"kafka.external.users.linker": {"existingSecret": "linker-user"}},
     {"ingress": {"kafka": "kafka-user: password>password"}, "linker": {"kafka": "linker-user: password>password"},
      "dispatcher": {"kafka": "kafka-user: password>password"}}),
    ("mtls", MTLS, {s: {"kafka": "kafka-user: tls.crt>user.crt, tls.key>user.key"} for s in SERVICES[:3]}),
    ("mtls keys", MTLS | {"kafka.external.users.all": {"existingSecret": "u", "certKey": "c", "keyKey": "k"}},
     {s: {"kafka": "u: c>user.crt, k>user.key"} for s in SERVICES[:3]}),
    ("tls without certificate", EXTERNAL | {"kafka.external.securityProtocol": "SSL", "kafka.external.caSecret": "ca"},
     {s: {"kafka": "ca: ca.crt>ca.crt"} for s in SERVICES[:3]}),
    ("plaintext", EXTERNAL | {"kafka.external.securityProtocol": "PLAINTEXT", "kafka.external.createTopics": True}, {}),
    ("strimzi", {"kafka.mode": "strimzi", "kafka.strimzi.cluster": "main"},
     {s: {"kafka": f"openhands-dc-{s}: user.crt>user.crt, user.key>user.key + main-cluster-ca-cert: ca.crt>ca.crt"}
      for s in SERVICES[:3]}),
    ("strimzi scram",
     {"kafka.mode": "strimzi", "kafka.strimzi": {"cluster": "main", "authentication": "scram-sha-512"}},
     {s: {"kafka": f"openhands-dc-{s}: password>password + main-cluster-ca-cert: ca.crt>ca.crt"}
      for s in SERVICES[:3]}),
]


def secrets_of(rendered: Rendered, service: str, container: str) -> Mounts:
    """What a container mounts of Secrets."""
    def text(secret: dict[str, Any]) -> str:
        assert secret["items"], "a Secret is never mounted whole"
        return f"{secret.get('secretName') or secret['name']}: " + ", ".join(
            f"{i['key']}>{i['path']}" for i in secret["items"])

    volumes = {v["name"]: v for v in rendered.pod(service)["volumes"]}
    found = {}
    for mount in rendered.container(service, container).get("volumeMounts", []):
        volume = volumes[mount["name"]]
        sources = [volume["secret"]] if "secret" in volume else [
            s["secret"] for s in volume.get("projected", {}).get("sources", []) if "secret" in s]
        if sources:
            assert mount["readOnly"] is True
            found[mount["mountPath"].removeprefix("/etc/ohdc/")] = " + ".join(text(s) for s in sources)
    return found


def expected(changes: dict[str, dict[str, str | None]], container: str) -> Mounts:
    """BASE with the changes of a case."""
    return {k: v for k, v in (BASE.get(container, {}) | changes.get(container, {})).items() if v is not None}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_secrets(case: Case, service: str) -> None:
    """Each container mounts these and no others; only the init container has the owner's."""
    _, values, changes = case
    rendered = render(values)
    assert secrets_of(rendered, service, service) == expected(changes, service)
    assert secrets_of(rendered, service, "migrate") == expected(changes, "migrate")
    inits = {c["name"] for c in rendered.pod(service)["initContainers"]}
    if "topics" in inits:
        assert secrets_of(rendered, service, "topics") == expected(changes, "topics")
    else:
        assert service in ("ingress", "installer") or expected(changes, "topics") == {}


# Folders that a service may ever mount, whatever the values.
MAY = {
    "ingress": {"database", "seal", "kafka"},
    "linker": {"database", "seal", "kafka", "keycloak", "jira", "jwt"},
    "dispatcher": {"database", "seal", "kafka", "service-key", "jira", "bitbucket", "jwt"},
    "installer": {"database", "seal", "jira", "bitbucket", "jwt"},
    "migrate": {"database-owner", "database-admin", "database-roles"},
    "topics": {"kafka"},
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("service", SERVICES)
def test_secrets_of_profiles(profile: str, service: str) -> None:
    """No profile gives a container more than it may have, and no volume of a Secret lies about unmounted."""
    rendered = render(profile=profile)
    pod = rendered.pod(service)
    for container in (*pod["containers"], *pod["initContainers"]):
        assert set(secrets_of(rendered, service, container["name"])) <= MAY[container["name"]]
        names = [m["name"] for m in container.get("volumeMounts", [])]
        assert len(names) == len(set(names))
    mounted = {m["name"] for c in (*pod["containers"], *pod["initContainers"]) for m in c.get("volumeMounts", [])}
    assert mounted == {v["name"] for v in pod["volumes"]}


@pytest.mark.parametrize("profile", PROFILES)
def test_secrets_may_be_read_by_the_program_alone(profile: str) -> None:
    """Files of Secrets are not for everybody; only OHE's Secrets of the products may be missing."""
    for service in SERVICES:
        for volume in render(profile=profile).pod(service)["volumes"]:
            source = volume.get("secret") or volume.get("projected")
            if source:
                assert source["defaultMode"] == 0o440, volume["name"]
            if "secret" in volume:
                assert volume["secret"].get("optional", False) == (volume["name"] in ("jira", "bitbucket"))
