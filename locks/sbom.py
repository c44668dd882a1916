"""The bill of materials of a release, made from the lock: CycloneDX 1.6 (ECMA-424).

    python locks/sbom.py dist/bmbench-X.whl > dist/sbom.cdx.json

Every package of ``locks/full.txt`` with its hashes, who asks for it, and whether it is required, belongs to
an extra (optional) or only to the tests (excluded). The same lock and wheel give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)(\[[\w,-]+\])?==(?P<version>\S+)(?P<marker> ; .+)? \\\n"
    r"(?P<hashes>(?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)(?P<via>(?: {4}#.*\n)*)",
    re.M,
)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One entry of a lock; `asked_by` are the names of the packages that ask for it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    asked_by: frozenset[str]

    @property
    def reference(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def pins(text: str) -> list[Pin]:
    """The entries of a lock."""
    return [
        Pin(
            name=found["name"],
            version=found["version"],
            marker=found["marker"] or "",
            hashes=tuple(re.findall(r"sha256:([0-9a-f]{64})", found["hashes"])),
            asked_by=frozenset(
                line.removeprefix("# via").strip("# ").split("[")[0]
                for line in map(str.strip, found["via"].splitlines())
                if line not in ("# via", "#") and not line.strip("# ").startswith("-c ")
            ),
        )
        for found in _PIN.finditer(text)
    ]


def project() -> dict[str, Any]:
    """What pyproject.toml says of the project."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"])


def roots(asked: Iterable[str], facts: Mapping[str, Any]) -> set[str]:
    """The names of the packages that these requirements name; bmbench stands for its own."""
    waiting, found, seen = list(asked), set(), set()
    while waiting:
        text = waiting.pop()
        name = _NAME.match(text)
        if name is None or text in seen:
            continue
        seen.add(text)
        if name[0] != "bmbench":
            found.add(re.sub(r"[-_.]+", "-", name[0]).lower())
            continue
        waiting += facts["dependencies"]
        extras = re.match(r"bmbench\[([\w,-]+)\]", text)
        for extra in extras[1].split(",") if extras else ():
            waiting += facts["optional-dependencies"][extra]
    return found


def closure(names: Iterable[str], locked: Iterable[Pin]) -> set[str]:
    """These packages and all that they ask for, as the lock says."""
    found = set(names)
    while more := {pin.name for pin in locked if pin.asked_by & found} - found:
        found |= more
    return found


def version_of(wheel: Path) -> str:
    """The version in the name of a wheel."""
    return wheel.name.split("-")[1]


def sbom(locked: list[Pin], facts: Mapping[str, Any], version: str, own_hash: Any) -> dict[str, Any]:
    """The bill of materials of a wheel with that hash."""
    required = closure(roots(["bmbench"], facts), locked)
    extras = [f"bmbench[{name}]" for name in facts["optional-dependencies"] if name not in {"dev", "extras"}]
    optional = closure(roots(extras, facts), locked)

    def scope(name: str) -> str:
        return "required" if name in required else "optional" if name in optional else "excluded"

    own = f"pkg:pypi/bmbench@{version}"
    direct = roots(["bmbench", "bmbench[dev]", *extras], facts)
    asked = {own: sorted({pin.reference for pin in locked if pin.name in direct})}
    for pin in locked:
        asked[pin.reference] = sorted({one.reference for one in locked if pin.name in one.asked_by})
    value = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "bmbench",
                "version": version,
                "purl": own,
                "hashes": [own_hash],
                "licenses": [{"license": {"id": facts["license"]}}],
            }
        },
        "components": [_component(pin, scope(pin.name)) for pin in locked],
        "dependencies": [{"ref": name, "dependsOn": needed} for name, needed in asked.items()],
    }
    identity = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(value, sort_keys=True))
    return value | {"serialNumber": identity.urn}


def _component(pin: Pin, scope: str) -> dict[str, Any]:
    # A release of a package is several files, one a platform: each has its hash.
    value = {
        "type": "library",
        "bom-ref": pin.reference,
        "name": pin.name,
        "version": pin.version,
        "scope": scope,
        "purl": pin.reference,
        "hashes": [{"alg": "SHA-256", "content": one} for one in pin.hashes],
    }
    marker = pin.marker.removeprefix(" ; ")
    return value | ({"properties": [{"name": "bmbench:only", "value": marker}]} if marker else {})


def main() -> None:
    """The bill of the wheel that was named, on the standard output."""
    wheel = Path(sys.argv[1])
    locked, facts = pins((ROOT / "locks" / "full.txt").read_text("utf-8")), project()
    own = {"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    sys.stdout.write(json.dumps(sbom(locked, facts, version_of(wheel), own), indent=1) + "\n")


if __name__ == "__main__":
    main()
