"""What containers find in their environment: for each value exactly its setting, and no secrets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import PROFILES, SERVICES, Rendered, render

CONTAINERS = (*SERVICES, "migrate", "topics")
PEERS = ("linker", "dispatcher", "installer")
KAFKA = ("ingress", "linker", "dispatcher")


def url(user: str = "postgres", host: str = "oh-main-postgresql", port: int = 5432, name: str = "ohdc",
        mode: str = "prefer") -> str:
    """A database URL as the chart writes it."""
    return f"postgresql://{user}@{host}:{port}/{name}?sslmode={mode}"


def database(**parts: Any) -> dict[str, Any]:
    """What changes for services and migrate with another database."""
    own = {"OHDC_DATABASE_URL": url(**parts)}
    parts.pop("name", None)
    return {"services": own, "migrate": own | {"OHDC_DATABASE_ADMIN_URL": url(**parts | {"name": "postgres"})}}


def ref(secret: str, key: str) -> dict[str, Any]:
    """A value from a Secret that may be missing."""
    return {"secretKeyRef": {"name": secret, "key": key, "optional": True}}


EXTERNAL = {"kafka.mode": "external", "kafka.external.brokers": ["a:9092", "b:9092"],
            "kafka.external.users.all": {"username": "ohdc", "existingSecret": "user"}}
PROPERTIES = "/etc/ohdc/kafka-config/client.properties"
JIRA = ("JIRA_DC_BASE_URL", "JIRA_DC_CLIENT_ID", "JIRA_DC_ENABLE_OAUTH", "JIRA_DC_HTTP_TIMEOUT",
        "JIRA_DC_SERVICE_ACCOUNT_EMAIL")
BITBUCKET_FILE = "BITBUCKET_DATA_CENTER_BOT_TOKEN_FILE"
PAT_FILE = "JIRA_DC_SERVICE_ACCOUNT_PAT_FILE"
SECRET_FILE = "JIRA_DC_CLIENT_SECRET_FILE"

# What is set, and what changes against the defaults: containers (or all, services, peers, kafka), NAME, value; None:
# gone. Nothing else may change in any container.
CHANGES: list[tuple[dict[str, Any], dict[str, dict[str, Any]]]] = [
    ({"logLevel": "debug"}, {"all": {"OHDC_LOG_LEVEL": "debug"}}),
    ({"openhands.host": "http://localhost:3000"}, {"peers": {"WEB_HOST": "http://localhost:3000"}}),
    ({"openhands.url": "http://ohe:1"}, {"peers": {"OHDC_OPENHANDS_URL": "http://ohe:1"}}),
    ({"openhands.productName": "Acme AI"}, {"peers": {"OHDC_PRODUCT_NAME": "Acme AI"}}),
    ({"openhands.resolverLabel": "bot"}, {"services": {"OH_RESOLVER_LABEL": "bot"}}),
    ({"openhands.conversationUrl": "https://x/{id}"}, {"dispatcher": {"OHDC_CONVERSATION_URL": "https://x/{id}"}}),
    ({"openhands.defaultOrg": "o1"}, {"dispatcher": {"OHDC_DEFAULT_ORG": "o1"}}),
    ({"openhands.jwtSecret.existingSecret": "j"}, {"installer": {"JWT_SECRET_FILE": "/etc/ohdc/jwt/jwt-secret"}}),
    ({"keycloak.url": "https://sso/auth"}, {"linker": {"KEYCLOAK_SERVER_URL": "https://sso/auth"}}),
    ({"keycloak.url": ""}, {"linker": {
        "KEYCLOAK_SERVER_URL": None, "KEYCLOAK_REALM_NAME": None, "OHDC_KEYCLOAK_CLIENT_ID": None,
        "OHDC_KEYCLOAK_CLIENT_SECRET_FILE": None, "OHDC_DIRECTORIES": "links"}}),
    ({"keycloak.realm": "r"}, {"linker": {"KEYCLOAK_REALM_NAME": "r"}}),
    ({"keycloak.client.idKey": "k"},
     {"linker": {"OHDC_KEYCLOAK_CLIENT_ID": {"secretKeyRef": {"name": "ohdc-keycloak-client", "key": "k"}}}}),
    ({"keycloak.client.existingSecret": "", "keycloak.admin.existingSecret": "a"}, {"linker": {
        "OHDC_KEYCLOAK_CLIENT_ID": None, "OHDC_KEYCLOAK_CLIENT_SECRET_FILE": None,
        "KEYCLOAK_ADMIN_PASSWORD_FILE": "/etc/ohdc/keycloak/admin-password"}}),
    ({"jira.enabled": False}, {
        "services": {"ENABLE_JIRA_DC": "0"}, "peers": dict.fromkeys(JIRA),
        "linker": {SECRET_FILE: None, "OHDC_JIRA_TOKEN_IN_SANDBOX": None},
        "dispatcher": {PAT_FILE: None, "OHDC_JIRA_TOKEN_IN_SANDBOX": None}, "installer": {PAT_FILE: None}}),
    ({"jira.webhooksEnabled": False}, {"ingress": {"JIRA_DC_WEBHOOKS_ENABLED": "0"}}),
    ({"jira.linkMethod": "email"}, {
        "peers": {"JIRA_DC_ENABLE_OAUTH": "0", "JIRA_DC_CLIENT_ID": None},
        "linker": {SECRET_FILE: None, PAT_FILE: "-/etc/ohdc/jira/service-account-pat"}}),
    ({"jira.baseUrl": "https://jira"}, {"peers": {"JIRA_DC_BASE_URL": "https://jira"}}),
    ({"jira.clientId": "c"}, {"peers": {"JIRA_DC_CLIENT_ID": "c"}}),
    ({"jira.serviceAccountEmail": "a@b"}, {"peers": {"JIRA_DC_SERVICE_ACCOUNT_EMAIL": "a@b"}}),
    ({"jira.allowedHosts": ["a", "b"]}, {"peers": {"OHDC_JIRA_ALLOWED_HOSTS": "a,b"}}),
    ({"jira.httpTimeout": 7}, {"peers": {"JIRA_DC_HTTP_TIMEOUT": "7"}}),
    ({"jira.existingSecret": "own"}, {"peers": {
        "JIRA_DC_BASE_URL": ref("own", "base-url"), "JIRA_DC_CLIENT_ID": ref("own", "client-id"),
        "JIRA_DC_SERVICE_ACCOUNT_EMAIL": ref("own", "service-account-email")}}),
    ({"jira.tokenInSandbox": True, "openhands.jwtSecret.existingSecret": "j"}, {
        "peers": {"JWT_SECRET_FILE": "/etc/ohdc/jwt/jwt-secret"}, "linker": {"OHDC_JIRA_TOKEN_IN_SANDBOX": "1"},
        "dispatcher": {"OHDC_JIRA_TOKEN_IN_SANDBOX": "1", SECRET_FILE: "-/etc/ohdc/jira/client-secret"}}),
    ({"jira.allowNoRepository": True}, {"dispatcher": {"OHDC_JIRA_ALLOW_NO_REPOSITORY": "1"}}),
    ({"bitbucket.enabled": False}, {
        "peers": {"BITBUCKET_DATA_CENTER_HOST": None, "BITBUCKET_DATA_CENTER_CLIENT_ID": None},
        "dispatcher": {BITBUCKET_FILE: None}, "installer": {BITBUCKET_FILE: None}}),
    ({"bitbucket.host": "bb:7990"}, {"peers": {"BITBUCKET_DATA_CENTER_HOST": "bb:7990"}}),
    ({"bitbucket.botUsername": "bot"}, {"services": {"BITBUCKET_DATA_CENTER_BOT_USERNAME": "bot"}}),
    ({"bitbucket.existingSecret": "own"}, {
        "peers": {"BITBUCKET_DATA_CENTER_HOST": ref("own", "host")},
        "linker installer": {"BITBUCKET_DATA_CENTER_CLIENT_ID": ref("own", "client-id")}}),
    ({"bitbucket.clientId": "c"}, {"linker installer": {"BITBUCKET_DATA_CENTER_CLIENT_ID": "c"}}),
    ({"database.host": "pg"}, database(host="pg")),
    ({"database.port": 6432}, database(port=6432)),
    ({"database.name": "other"}, database(name="other")),
    ({"database.sslMode": "require"}, database(mode="require")),
    ({"database.sslMode": "verify-full"}, database(mode="verify-full&sslrootcert=system")),
    ({"database.user": "a/b"}, {s: {"OHDC_DATABASE_URL": url("a%2Fb")} for s in ("services", "migrate")}),
    ({"database.create.superuser": "root"}, {"migrate": {"OHDC_DATABASE_ADMIN_URL": url("root", name="postgres")}}),
    ({"database.create.enabled": False},
     {"migrate": {"OHDC_DATABASE_ADMIN_URL": None, "OHDC_DATABASE_ADMIN_PASSWORD_FILE": None}}),
    ({"database.poolSize": 9}, {"services": {"OHDC_DATABASE_POOL": "9"}}),
    *[({f"database.users.{s}": {"user": "own", "existingSecret": "e"}}, {
        s: {"OHDC_DATABASE_URL": url("own")},
        "migrate": {"OHDC_DATABASE_ROLES": f"{s}=own", "OHDC_DATABASE_ROLE_PASSWORDS_DIR": "/etc/ohdc/database-roles"},
    }) for s in SERVICES],
    ({"kafka.prefix": "x."}, {"kafka": {"OHDC_KAFKA_PREFIX": "x."}, "topics": {"OHDC_KAFKA_PREFIX": "x."}}),
    ({"kafka.partitions": 5}, {"topics": {"OHDC_KAFKA_PARTITIONS": "5"}}),
    (EXTERNAL, {
        "kafka": {"OHDC_KAFKA_BROKERS": "a:9092,b:9092", "OHDC_KAFKA_CONFIG_FILE": PROPERTIES,
                  "OHDC_KAFKA_PASSWORD_FILE": "/etc/ohdc/kafka/password"},
        "topics": None}),
    (EXTERNAL | {"kafka.external.createTopics": True}, {
        "kafka topics": {"OHDC_KAFKA_BROKERS": "a:9092,b:9092", "OHDC_KAFKA_CONFIG_FILE": PROPERTIES,
                         "OHDC_KAFKA_PASSWORD_FILE": "/etc/ohdc/kafka/password"},
        "topics": {"OHDC_KAFKA_PARTITIONS": "12"}}),
    ({"kafka.mode": "strimzi", "kafka.strimzi.cluster": "main"}, {
        "kafka": {"OHDC_KAFKA_BROKERS": "main-kafka-bootstrap.openhands.svc:9093",
                  "OHDC_KAFKA_CONFIG_FILE": PROPERTIES},
        "topics": None}),
    ({"caBundle.enabled": True}, {"all": {"SSL_CERT_FILE": "/etc/openhands/ca-bundle/ca-bundle.crt"}}),
    ({"caBundle": {"enabled": True, "mountPath": "/m", "key": "k"}}, {"all": {"SSL_CERT_FILE": "/m/k"}}),
    ({"proxy.http": "http://p:1"},
     {"services": {"HTTP_PROXY": "http://p:1", "NO_PROXY": "openhands-service,keycloak"}}),
    ({"proxy": {"https": "http://p:1", "noProxy": ".svc, 10.0.0.0/8"}},
     {"services": {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".svc,10.0.0.0/8,openhands-service,keycloak"}}),
    ({"proxy": {"http": "http://p:1"}, "openhands.url": "http://ohe.other:3000", "keycloak.url": "https://auth.example.com"},
     {"services": {"HTTP_PROXY": "http://p:1", "NO_PROXY": "ohe.other"},
      "peers": {"OHDC_OPENHANDS_URL": "http://ohe.other:3000"},
      "linker": {"KEYCLOAK_SERVER_URL": "https://auth.example.com"}}),
    ({"linker.env": {"HTTP_PROXY": "http://me:pw@p:1"}},
     {"linker": {"HTTP_PROXY": "http://me:pw@p:1", "NO_PROXY": "openhands-service,keycloak"}}),
    ({"networks.denied": ["10.42.0.0/16", "10.43.0.0/16"]},
     {"peers": {"OHDC_DENIED_NETWORKS": "10.42.0.0/16,10.43.0.0/16"}}),
    ({"networks.allowed": ["10.42.7.0/24"]}, {"peers": {"OHDC_ALLOWED_NETWORKS": "10.42.7.0/24"}}),
    ({"ingress.keepBodies": "all"}, {"ingress": {"OHDC_KEEP_BODIES": "all"}}),
    ({"linker.workers": 3}, {"linker": {"OHDC_WORKERS": "3"}}),
    ({"dispatcher.workers": 3}, {"dispatcher": {"OHDC_WORKERS": "3"}}),
    *[({f"{s}.terminationGracePeriodSeconds": 33}, {s: {"OHDC_DRAIN_MS": "28000"}}) for s in SERVICES],
    *[({f"{s}.env": {"OHDC_MAX_BODY_BYTES": 100000}}, {s: {"OHDC_MAX_BODY_BYTES": "100000"}}) for s in SERVICES],
    ({"env": {"OHDC_LOG_LEVEL": "warn"}}, {"all": {"OHDC_LOG_LEVEL": "warn"}}),
    ({"env": {"OHDC_LOG_LEVEL": "warn"}, "linker.env": {"OHDC_LOG_LEVEL": "error"}},
     {"all": {"OHDC_LOG_LEVEL": "warn"}, "linker": {"OHDC_LOG_LEVEL": "error"}}),
    ({"dispatcher.env": {"AUTOMATIONS_SERVICE_KEY": {"secretKeyRef": {"name": "s", "key": "k"}}}},
     {"dispatcher": {"AUTOMATIONS_SERVICE_KEY": {"secretKeyRef": {"name": "s", "key": "k"}},
                     "AUTOMATIONS_SERVICE_KEY_FILE": None}}),
]
GROUPS = {"all": CONTAINERS, "services": SERVICES, "peers": PEERS, "kafka": KAFKA}


def environments(rendered: Rendered) -> dict[str, dict[str, Any] | None]:
    """The environment of each container by name; migrate and topics, which are in several pods, are equal in all."""
    found: dict[str, dict[str, Any] | None] = dict.fromkeys(CONTAINERS)
    for service in SERVICES:
        pod = rendered.pod(service)
        for container in (*pod["initContainers"], *pod["containers"]):
            name = container["name"]
            env = rendered.env(service, name)
            assert len(env) == len(container["env"]), f"a name twice in {name}"
            assert found[name] in (None, env)
            found[name] = env
    return found


@pytest.mark.parametrize(("values", "changes"), CHANGES, ids=lambda v: next(iter(v)) if "." in next(iter(v)) else "")
def test_what_a_value_changes(values: dict[str, Any], changes: dict[str, dict[str, Any] | None]) -> None:
    """Exactly this, in exactly these containers."""
    wanted = environments(render())
    for words, change in changes.items():
        for name in [n for word in words.split() for n in GROUPS.get(word, (word,))]:
            before = wanted[name]
            assert before is not None
            if change is None:
                wanted[name] = None
            else:
                # Gone with a whole group: what a container of it did not have is not missed.
                wanted[name] = {k: v for k, v in (before | change).items() if v is not None}
    found = environments(render(values))
    for name in CONTAINERS:
        assert found[name] == wanted[name], name


@pytest.mark.parametrize("profile", PROFILES)
def test_urls_have_no_password(profile: str) -> None:
    """A pod's definition may be read by many."""
    for env in environments(render(profile=profile)).values():
        for name, value in (env or {}).items():
            if isinstance(value, str) and "://" in value:
                assert ":" not in value.split("://")[1].split("@")[0] or "@" not in value, name


# What may come from a Secret into the environment, because it is none; secrets come as files.
NO_SECRETS = {"JIRA_DC_BASE_URL", "JIRA_DC_CLIENT_ID", "JIRA_DC_SERVICE_ACCOUNT_EMAIL", "OHDC_KEYCLOAK_CLIENT_ID",
              "BITBUCKET_DATA_CENTER_HOST", "BITBUCKET_DATA_CENTER_CLIENT_ID"}


@pytest.mark.parametrize("profile", PROFILES)
def test_secrets_are_files(profile: str) -> None:
    """No container has a secret in its environment, where a crash or `kubectl describe` may show it."""
    for env in environments(render(profile=profile)).values():
        assert {name for name, value in (env or {}).items() if isinstance(value, dict)} <= NO_SECRETS
