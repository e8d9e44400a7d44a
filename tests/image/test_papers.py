"""Bills of materials and licences: complete, readable, true; and the same sources give the same image."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.image.container import ROOT, image_config, image_folder
from tests.image.test_files import PROGRAMS, installed

SYFT = ROOT / "build/venv-prove/bin/syft"
REFUSED = re.compile(r"AGPL|Affero|Elastic|SSPL|Server Side Public|BUSL|Business Source|Commons.Clause", re.IGNORECASE)


@pytest.fixture(scope="module")
def papers(root: Path) -> Path:
    """The folder with the papers, made anew."""
    subprocess.run([ROOT / "tools/image-papers", image_folder()], check=True)
    return image_folder()


def spdx(papers: Path) -> dict[str, dict[str, Any]]:
    """Packages by name."""
    bill = json.loads((papers / "sbom.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3"
    return {package["name"]: package for package in bill["packages"]}


def cyclonedx(papers: Path) -> dict[str, dict[str, Any]]:
    """Components by name."""
    bill = json.loads((papers / "sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    return {each["name"]: each for each in bill["components"] if each["type"] == "library"}


def loaded(root: Path) -> set[str]:
    """Packages of the libraries that the loader really opens, by what it says itself."""
    owner = {}
    for listing in (root / "var/lib/dpkg/info").glob("*.list"):
        for path in listing.read_text().splitlines():
            owner[re.sub(r"^/lib", "/usr/lib", path)] = listing.stem.partition(":")[0]
    found = set()
    for name in PROGRAMS:
        done = subprocess.run(
            ["chroot", root, "ldd", f"/usr/local/bin/{name}"], capture_output=True, text=True, check=True
        )
        found |= {owner[re.sub("^/lib", "/usr/lib", path)] for path in re.findall(r"=> (/\S+)", done.stdout)}
    return found


def test_both_bills_have_every_package_with_its_version(root: Path, papers: Path) -> None:
    """Neither more nor fewer than the package manager's list."""
    packages = installed(root)
    assert {name: each["versionInfo"] for name, each in spdx(papers).items() if name != "openhands-dc"} == packages
    assert {name: each["version"] for name, each in cyclonedx(papers).items()} == packages
    assert all(each["purl"].startswith("pkg:deb/debian/") for each in cyclonedx(papers).values())


def test_both_bills_have_the_licence_of_every_package(root: Path, papers: Path) -> None:
    """Of each library that the programs load, and of all others."""
    mine, other = spdx(papers), cyclonedx(papers)
    assert len(loaded(root)) > 30 and loaded(root) <= set(other)
    assert [name for name, each in mine.items() if each["licenseDeclared"] in ("NOASSERTION", "NONE", "")] == []
    assert [name for name, each in other.items() if not each.get("licenses")] == []


def test_both_bills_say_what_they_are_about(papers: Path) -> None:
    """Name, version and licence of the image itself."""
    version = image_config()["config"]["Labels"]["org.opencontainers.image.version"]
    own = spdx(papers)["openhands-dc"]
    assert (own["versionInfo"], own["licenseDeclared"]) == (version, "MIT")
    bill = json.loads((papers / "sbom.cdx.json").read_text())["metadata"]["component"]
    assert (bill["name"], bill["version"], bill["licenses"]) == ("openhands-dc", version, [{"license": {"id": "MIT"}}])


@pytest.mark.parametrize(("name", "other"), [("sbom.spdx.json", "cyclonedx-json"), ("sbom.cdx.json", "spdx-json")])
def test_another_reader_understands_them(papers: Path, name: str, other: str) -> None:
    """Each converts into the other format, no package lost."""
    done = subprocess.run([SYFT, "convert", papers / name, "-o", other], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    names = {each["name"] for each in made.get("packages", made.get("components", []))}
    assert set(cyclonedx(papers)) <= names


def test_no_licence_that_is_refused(root: Path, papers: Path) -> None:
    """No AGPL, no Elastic, no server-side or business-source licence, in bills and in Debian's own words."""
    for name, package in spdx(papers).items():
        assert not REFUSED.search(package["licenseDeclared"]), name
    for name, component in cyclonedx(papers).items():
        assert not REFUSED.search(json.dumps(component.get("licenses"))), name
    for file in (root / "usr/share/doc").glob("*/copyright"):
        kinds = re.findall(r"^License:.*$", file.read_text(errors="replace"), re.MULTILINE)
        assert not REFUSED.search("\n".join(kinds)), file


def test_the_page_of_licences(root: Path, papers: Path) -> None:
    """docs/licences.md is what this image has, and its libraries are those that the loader opens."""
    made = (papers / "licences.md").read_text()
    assert (ROOT / "docs/licences.md").read_text() == made, "run: tools/image-papers build/image docs/licences.md"
    first = made.partition("## The rest")[0]
    assert set(re.findall(r"^\| (\S+) \|", first, re.MULTILINE)) - {"Package", "---"} == loaded(root)
    for line in (ROOT / "NOTICE").read_text().splitlines():
        name = re.match(r"  (lib\w+|jansson|md4c) +\S", line)
        assert not name or name[1].removeprefix("lib") in first, line


def test_the_same_papers_each_time(papers: Path) -> None:
    """No date and no random number in them."""
    names = ("sbom.spdx.json", "sbom.cdx.json", "licences.md")
    before = [(papers / name).read_text() for name in names]
    subprocess.run([ROOT / "tools/image-papers", papers], check=True)
    assert [(papers / name).read_text() for name in names] == before


def made_again() -> tuple[str, str]:
    """Digest and packages of the image built once more."""
    done = subprocess.run([ROOT / "tools/image", "--again"], capture_output=True, text=True, check=True)
    folder = Path(done.stdout.splitlines()[-1])
    return (folder / "digest").read_text(), (folder / "rootfs/var/lib/dpkg/status").read_text()


@pytest.mark.timeout(1200)
def test_the_same_sources_give_the_same_image(root: Path) -> None:
    """Bit by bit, manifest included; where Debian has released something since, two new builds are compared."""
    first = (image_folder() / "digest").read_text(), (root / "var/lib/dpkg/status").read_text()
    second = made_again()
    if first[1] != second[1]:
        first, second = second, made_again()
    assert first == second


def test_the_archive_is_the_same_image(root: Path, tmp_path: Path) -> None:
    """oci.tar, which people push, unpacks to the manifest whose digest is written down."""
    subprocess.run(["tar", "-xf", image_folder() / "oci.tar", "-C", tmp_path], check=True)
    digest = (image_folder() / "digest").read_text().strip()
    assert json.loads((tmp_path / "index.json").read_text())["manifests"][0]["digest"] == digest
    for blob in (tmp_path / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    assert (tmp_path / "blobs/sha256" / digest.removeprefix("sha256:")).exists()
