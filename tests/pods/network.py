"""The node's network, in a network namespace of this run: an address for each pod, names in one hosts file.

Pods are routed, not bridged: each has a veth pair, the node is its gateway, so whatever a pod sends passes the node's
nftables. What stands for other pods of the cluster, or for servers outside, has an address of the node's loopback.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

NODE = "10.77.0.1"


def sh(*words: str, text: str | None = None) -> str:
    """Run a command that must succeed; its standard output."""
    done = subprocess.run(words, input=text or "", capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}{text or ''}"
    return done.stdout


@dataclass
class Port:
    """A pod's place in the network."""

    name: str
    address: str

    @property
    def netns(self) -> str:
        """The namespace as a path."""
        return f"/run/netns/{self.name}"


class Network:
    """Addresses and names."""

    def __init__(self, folder: Path) -> None:
        assert os.environ.get("OHDC_PODS_NODE"), "tests/pods/run makes the namespaces that these tests want"
        self.numbers = itertools.count(2)
        self.names = {"localhost": "127.0.0.1"}
        self.services: list[str] = []
        self.hosts = folder / "hosts"
        self.hosts.touch(mode=0o644)
        self.call("127.0.0.1", "localhost")
        Path("/run/netns").mkdir(exist_ok=True)
        sh("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        sh("mount", "--bind", str(self.hosts), "/etc/hosts")
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "addr", "add", f"{NODE}/32", "dev", "lo")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def server(self, address: str, *names: str) -> str:
        """An address of the node for something that is no pod, under these names."""
        sh("ip", "addr", "replace", f"{address}/32", "dev", "lo")
        self.call(address, *names)
        return address

    def call(self, address: str, *names: str) -> None:
        """Names for an address. The file is bound into every pod, so it keeps its inode."""
        self.names |= dict.fromkeys(names, address)
        self.hosts.write_text("".join(f"{address} {name}\n" for name, address in self.names.items()))

    def service(self, name: str, address: str, port: int, target: str) -> None:
        """A cluster IP: whoever calls name:port reaches the target (ADDRESS:PORT)."""
        self.server(address, name)
        rule = f"    ip daddr {address} tcp dport {port} dnat to {target}\n"
        self.services = [*(other for other in self.services if other != rule), rule]
        hooks = "".join(
            f"  chain at_{hook} {{\n    type nat hook {hook} priority -100;\n{''.join(self.services)}  }}\n"
            for hook in ("prerouting", "output")
        )
        table = "table ip ohdc_services"
        sh("nft", "-f", "-", text=f"{table}\ndelete {table}\n{table} {{\n{hooks}}}\n")

    def plug(self, name: str) -> Port:
        """A namespace with an address; names of interfaces are short."""
        number = next(self.numbers)
        port = Port(name, f"10.77.{2 + number // 256}.{number % 256}")
        link = f"v{number}"
        sh("ip", "netns", "add", name)
        sh("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        for words in (
            f"addr add {NODE}/32 dev {link}",
            f"link set {link} up",
            f"route add {port.address}/32 dev {link}",
            f"-n {name} link set lo up",
            f"-n {name} addr add {port.address}/32 dev eth0",
            f"-n {name} link set eth0 up",
            f"-n {name} route add {NODE} dev eth0",
            f"-n {name} route add default via {NODE}",
        ):
            sh("ip", *words.split())
        return port

    def unplug(self, port: Port) -> None:
        """The namespace goes, and its pair with it."""
        sh("ip", "netns", "del", port.name)
