"""NetworkPolicy objects as nftables rules of the node, so that an edge that is not allowed is refused for real.

As the API defines it: a pod that a policy selects is closed in the policy's directions but for the rules of all
policies that select it; answers belong to their connection; the node itself (the kubelet's probes) reaches its pods.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.pods.network import sh

TABLE = "ohdc_edges"
OPERATORS = {
    "In": lambda value, wanted: value in wanted,
    "NotIn": lambda value, wanted: value not in wanted,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


@dataclass
class Place:
    """Something with an address that policies may select."""

    name: str
    address: str
    namespace: str
    labels: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector takes labels; an empty one takes all."""
    wanted = selector.get("matchLabels") or {}
    terms = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        OPERATORS[term["operator"]](labels.get(term["key"]), term.get("values", [])) for term in terms
    )


def peers(peer: dict[str, Any], home: str, places: Iterable[Place], namespaces: dict[str, dict[str, str]]) -> set[str]:
    """Addresses (or networks) of one peer of a rule."""
    if "ipBlock" in peer:
        return {peer["ipBlock"]["cidr"]}
    inside = peer.get("namespaceSelector")
    return {
        place.address
        for place in places
        if (place.namespace == home if inside is None else selects(inside, namespaces.get(place.namespace, {})))
        and selects(peer.get("podSelector") or {}, place.labels)
    }


def ports_of(rule: dict[str, Any], places: Iterable[Place]) -> list[str]:
    """Matches on protocol and port; one empty match when the rule has none."""
    made = []
    for port in rule.get("ports") or []:
        protocol = port.get("protocol", "TCP").lower()
        number = port.get("port")
        if isinstance(number, str):
            numbers = {place.ports[number] for place in places if number in place.ports}
        else:
            numbers = {number} if number is not None else set()
        last = port.get("endPort")
        text = f"{number}-{last}" if last else ", ".join(str(n) for n in sorted(numbers))
        made.append(f"{protocol} dport {{ {text} }}" if text else f"meta l4proto {protocol}")
    return made or [""]


def chain(
    place: Place, way: str, policies: list[dict[str, Any]], places: list[Place], spaces: dict[str, dict[str, str]]
) -> str:
    """The rules of one pod in one direction (`ingress` or `egress`)."""
    lines = []
    side, other = ("saddr", "from") if way == "ingress" else ("daddr", "to")
    for policy in policies:
        for rule in policy["spec"].get(way) or []:
            wanted = rule.get(other)
            for port in ports_of(rule, [place] if way == "ingress" else places):
                if not wanted:
                    lines.append(f"{port} return")
                    continue
                for peer in wanted:
                    found = peers(peer, place.namespace, places, spaces)
                    without = peer.get("ipBlock", {}).get("except") or []
                    less = f"ip {side} != {{ {', '.join(without)} }}" if without else ""
                    if found:
                        lines.append(f"ip {side} {{ {', '.join(sorted(found))} }} {less} {port} return")
    body = "\n".join(f"    {line}" for line in dict.fromkeys(lines))
    name = f"{way}_{place.name.replace('-', '_')}"
    return f'  chain {name} {{\n{body}\n    counter reject comment "{place.name} {way}"\n  }}\n'


def ruleset(policies: list[dict[str, Any]], places: list[Place], spaces: dict[str, dict[str, str]]) -> str:
    """The whole table."""
    chains, jumps = [], []
    for place in places:
        mine = [
            policy
            for policy in policies
            if policy["metadata"].get("namespace", place.namespace) == place.namespace
            and selects(policy["spec"].get("podSelector") or {}, place.labels)
        ]
        for way, side in (("egress", "saddr"), ("ingress", "daddr")):
            closed = [p for p in mine if way.title() in p["spec"].get("policyTypes", ["Ingress"])]
            if closed:
                chains.append(chain(place, way, closed, places, spaces))
                jumps.append(f"    ip {side} {place.address} jump {way}_{place.name.replace('-', '_')}")
    checks = "\n".join(["    ct state established,related return", *jumps])
    hooks = "".join(
        f"  chain at_{hook} {{\n    type filter hook {hook} priority 0; policy accept;\n    jump checks\n  }}\n"
        for hook in ("forward", "input")
    )
    return f"table inet {TABLE} {{\n{''.join(chains)}  chain checks {{\n{checks}\n  }}\n{hooks}}}\n"


def enforce(policies: list[dict[str, Any]], places: list[Place], spaces: dict[str, dict[str, str]]) -> None:
    """Put the rules in place of the last ones, at once."""
    sh("nft", "-f", "-", text=f"table inet {TABLE}\ndelete table inet {TABLE}\n{ruleset(policies, places, spaces)}")


def refused() -> dict[str, int]:
    """How many packets the rules of now refused, by pod and direction; only those with any."""
    found = json.loads(sh("nft", "-j", "list", "table", "inet", TABLE))
    counts = {}
    for entry in found["nftables"]:
        rule = entry.get("rule", {})
        for step in rule.get("expr", []):
            if "counter" in step and step["counter"]["packets"]:
                counts[rule.get("comment", rule["chain"])] = step["counter"]["packets"]
    return counts
