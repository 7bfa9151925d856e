"""Lists the licence of every component of an SBOM, and refuses what we may not ship beside.

    python .ci/licences.py SBOM.json LICENCES.md

Exit code 1 when a component has no licence that is known to be permissive or weak copyleft.
"""

import json
import re
import sys
from pathlib import Path

ACCEPTED = re.compile(
    r"(Apache|MIT|BSD|0BSD|ISC|PSF|Python[- ]Software|Python-2|MPL|Zlib|Unlicense|CC0|HPND"
    r"|NCSA|NetBSD)",
    re.IGNORECASE,
)
# What these say of themselves is not machine-readable; looked up in the licence files they bring.
KNOWN = {"protobuf": "BSD-3-Clause", "venusian": "BSD-derived (Repoze Public License 1.0)"}
REFUSED = re.compile(r"\b(A?GPL|SSPL|BUSL|Commons Clause)", re.IGNORECASE)
# Licences that go with compiled parts of a wheel (libgfortran's has the runtime exception).
EXCEPTIONS = re.compile(r"GPL-3\.0[\w.-]* WITH GCC-exception-3\.1|LGPL", re.IGNORECASE)


def licences_of(component: dict) -> str:
    """Write what a component says of its licence on one line."""
    if component["name"] in KNOWN:
        return KNOWN[component["name"]]
    said = []
    for entry in component.get("licenses", ()):
        licence = entry.get("license", {})
        said.append(entry.get("expression") or licence.get("id") or licence.get("name", ""))
    return "; ".join(sorted({" ".join(each.split())[:120] for each in said if each}))


def complaint(licences: str) -> str:
    """Say what is wrong with a component's licences; "" where nothing is."""
    if not licences:
        return "says nothing of its licence"
    if REFUSED.search(EXCEPTIONS.sub("", licences)):
        return f"is under {licences}"
    return "" if ACCEPTED.search(licences) else f"is under {licences}, which nobody has looked at"


def main() -> int:
    """Write the list and complain."""
    sbom, listed = json.loads(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2])
    components = sorted(sbom["components"], key=lambda each: each["name"].lower())
    rows = [(each["name"], each["version"], licences_of(each)) for each in components]
    lines = [f"| {' | '.join(row)} |" for row in (("component", "version", "licence"), *rows)]
    lines.insert(1, "|---|---|---|")
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    bad = [(name, complaint(licences)) for name, _, licences in rows if complaint(licences)]
    for name, sentence in bad:
        print(f"licences: {name} {sentence}")
    print(f"licences: {len(rows)} components in {listed}, {len(bad)} to look at")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
