"""What is in the image, and what is not."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.image.container import ROOT, USER, image_config, image_manifest, run_container

PROGRAMS = ("ohdc", "ohdc-dispatcher", "ohdc-ingress", "ohdc-installer", "ohdc-linker")
MOST_BYTES = 60 << 20
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()


def everything(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Each path in the image with its status."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder) / name
            yield "/" + str(path.relative_to(root)), path.lstat()


def installed(root: Path) -> dict[str, str]:
    """Debian packages of the image and their versions."""
    text = (root / "var/lib/dpkg/status").read_text()
    found = {}
    for block in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Status): (.*)$", block, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = fields["Version"]
    return found


def apt_lists() -> tuple[set[str], set[str]]:
    """The packages that the Dockerfile installs for building, and for running."""
    build, run = re.findall(r"--no-install-recommends \\\n((?: {8}[a-z0-9.+-]+(?: \\)?\n)+)", DOCKERFILE)
    return tuple(set(re.findall(r"[a-z0-9.+-]+", part)) for part in (build, run))  # type: ignore[return-value]


def needed(root: Path, program: str) -> set[str]:
    """Libraries that the program itself asks for."""
    path = root / "usr/local/bin" / program
    done = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True)
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout))


def test_it_is_small(root: Path) -> None:
    """All layers together, compressed as a registry has them."""
    layers = image_manifest()["layers"]
    assert all(layer["mediaType"].endswith("+gzip") for layer in layers)
    size = sum(layer["size"] for layer in layers)
    assert size <= MOST_BYTES, f"{size / (1 << 20):.1f} MiB"
    print(f"{size / (1 << 20):.1f} MiB compressed")


def test_its_configuration(root: Path) -> None:
    """Another user than root, no entry point in the way of the chart's command, labels that say what it is."""
    config = image_config()["config"]
    assert config["User"] == f"{USER}:{USER}"
    assert config.get("Entrypoint") is None
    assert config["Cmd"] == ["ohdc", "--help"]
    assert config["WorkingDir"] == "/"
    assert "ExposedPorts" not in config and "Volumes" not in config
    assert [entry.partition("=")[0] for entry in config["Env"]] == ["PATH"]
    chart = yaml.safe_load((ROOT / "deploy/helm/openhands-dc/Chart.yaml").read_text())
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == chart["appVersion"]
    assert (labels["title"], labels["licenses"]) == (chart["name"], "MIT")
    assert re.fullmatch("[0-9a-f]{40}", labels["revision"])


def test_its_user(root: Path) -> None:
    """Named in passwd and group, without a password, home or shell; no other user above Debian's own."""
    rows = [line.split(":") for line in (root / "etc/passwd").read_text().splitlines()]
    own = [row for row in rows if int(row[2]) == USER]
    assert [(row[0], row[3], row[6]) for row in own] == [("ohdc", str(USER), "/usr/sbin/nologin")]
    assert [row[0] for row in rows if 100 <= int(row[2]) < USER and row[0] not in ("_apt", "nobody")] == []
    passwords = [line.split(":")[:2] for line in (root / "etc/shadow").read_text().splitlines()]
    assert all(password in ("*", "!", "!*") for _, password in passwords)


def test_nothing_raises_rights(root: Path) -> None:
    """No set-user or set-group bit, no capability of a file, no device, no folder that anybody may write to."""
    for path, status in everything(root):
        mode = status.st_mode
        assert not (stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID)), path
        assert not (stat.S_ISBLK(mode) or stat.S_ISCHR(mode)), path
        if not stat.S_ISLNK(mode):
            assert not mode & stat.S_IWOTH or (stat.S_ISDIR(mode) and mode & stat.S_ISVTX), path
            assert "security.capability" not in os.listxattr(root / path[1:]), path
        assert status.st_uid == 0, f"{path} belongs to {status.st_uid}"


def test_nothing_is_left_of_its_making(root: Path) -> None:
    """No compiler, no sources, no apt lists, no caches, no logs, no manuals."""
    found = installed(root)
    assert [name for name in found if re.match(r"gcc-\d+$|cpp|binutils|make$|pkg|.*-dev$|python|git", name)] == []
    for name in ("cc", "gcc", "ld", "make", "python3", "curl", "wget", "git"):
        assert not (root / "usr/bin" / name).exists(), name
    empty = ["var/lib/apt/lists", "var/cache/apt", "var/cache/ldconfig", "var/log", "tmp", "run", "usr/share/man"]
    for folder in empty:
        left = [path for path in (root / folder).rglob("*") if not path.is_dir()] if (root / folder).exists() else []
        assert left == [], left
    assert not (root / "src").exists() and not (root / "out").exists()
    documents = [path for path in (root / "usr/share/doc").rglob("*") if path.is_file() and path.name != "copyright"]
    assert sorted(str(path.relative_to(root)) for path in documents) == [
        "usr/share/doc/ohdc/LICENSE",
        "usr/share/doc/ohdc/NOTICE",
    ]


def test_nothing_of_the_machine_that_built_it(root: Path) -> None:
    """Mirror, proxy, CA and names of the build machine were there only while it was built."""
    assert [path for path in (root / "etc/apt/sources.list.d").iterdir() if path.name != "debian.sources"] == []
    assert sorted(path.name for path in (root / "etc/apt/apt.conf.d").iterdir()) == ["01autoremove", "70debconf"]
    assert list((root / "etc/apt/auth.conf.d").iterdir()) == []
    for name in ("etc/resolv.conf", "etc/hosts", "etc/hostname"):
        path = root / name
        assert not path.exists() or path.read_text().strip() == "", name
    mozilla = list((root / "usr/share/ca-certificates/mozilla").iterdir())
    bundle = (root / "etc/ssl/certs/ca-certificates.crt").read_text()
    assert bundle.count("BEGIN CERTIFICATE") == len(mozilla) > 100
    assert list((root / "usr/local/share/ca-certificates").iterdir()) == []


def test_all_five_programs_and_nothing_else(root: Path) -> None:
    """In /usr/local/bin, root's, not writable by the user they run as, without debug sections."""
    folder = root / "usr/local/bin"
    assert sorted(path.name for path in folder.iterdir()) == sorted(PROGRAMS)
    for name in PROGRAMS:
        status = (folder / name).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0), name
        sections = subprocess.run(["readelf", "-SW", folder / name], capture_output=True, text=True, check=True).stdout
        assert ".debug_info" not in sections and ".symtab" in sections
    assert [path for path in (root / "usr/local").rglob("*") if path.is_file() and path.parent != folder] == []


def test_hardening(root: Path) -> None:
    """What the gate asks of the programs holds for those in the image."""
    done = subprocess.run(
        [ROOT / "tools/check-hardening", *(root / "usr/local/bin" / name for name in PROGRAMS)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_library_is_found_where_debian_has_it(root: Path, tmp_path: Path, name: str) -> None:
    """The loader finds each library, below /lib and /usr/lib alone; the program brings no search path of its own."""
    container = run_container(root, ["/usr/bin/ldd", f"/usr/local/bin/{name}"], folder=tmp_path)
    assert container.wait(20) == 0, container.text()
    container.remove()
    lines = container.text().splitlines()
    places = [line.split("=>")[1].split()[0] for line in lines if "=>" in line]
    assert len(places) > 5 and all(re.match(r"(/usr)?/lib/", place) for place in places), lines
    sections = subprocess.run(
        ["readelf", "-dW", root / "usr/local/bin" / name], capture_output=True, text=True, check=True
    ).stdout
    assert "RUNPATH" not in sections and "RPATH" not in sections


def test_exactly_the_packages_that_the_programs_need(root: Path) -> None:
    """The Dockerfile names the owner of each library that a program asks for, and otherwise only the CAs."""
    wanted = set()
    for library in set().union(*(needed(root, name) for name in PROGRAMS)):
        for file in (root / "var/lib/dpkg/info").glob("*.list"):
            if re.search(rf"/{re.escape(library)}$", file.read_text(), re.MULTILINE):
                wanted.add(file.stem.partition(":")[0])
    # libc, zstd and OpenSSL's libraries come with those that need them too.
    assert wanted - {"libc6", "libssl3t64", "libzstd1", "zlib1g"} == apt_lists()[1] - {"ca-certificates"}


def test_building_needs_no_package_that_developers_lack() -> None:
    """The build stage's packages are those of mk/debian-packages.txt."""
    lines = (ROOT / "mk/debian-packages.txt").read_text().splitlines()
    known = {re.split(">=", name)[0] for line in lines if not line.startswith("#") for name in line.split("|")}
    assert apt_lists()[0] <= known


@pytest.mark.parametrize(
    ("package", "module", "least"),
    [("librdkafka1", "rdkafka", "2.6.1"), ("libmicrohttpd12t64", "libmicrohttpd", "1.0.1")],
)
def test_the_libraries_are_those_that_were_tested(root: Path, package: str, module: str, least: str) -> None:
    """librdkafka and libmicrohttpd have the version with which the other tests run here."""
    version = installed(root)[package].partition("-")[0].partition("+")[0]
    deps = os.environ.get("OHDC_DEPS", ROOT / "build/deps")
    tested = subprocess.run(
        ["pkg-config", "--modversion", module],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PKG_CONFIG_PATH": f"{deps}/lib/pkgconfig"},
    ).stdout.strip()
    numbers = [tuple(int(part) for part in text.split(".")[:3]) for text in (version, tested, least)]
    assert numbers[0] == numbers[1] >= numbers[2]
