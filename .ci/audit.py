"""Asks a vulnerability service about everything that is installed, and never passes unasked.

    python .ci/audit.py PIP_AUDIT SITE_PACKAGES...

Exit codes: 0 nothing is known against what is installed, 1 something is, 3 no service could be
asked (pip-audit itself calls that success: it skips what it cannot look up).
"""

import json
import subprocess
import sys

SERVICES = ("pypi", "osv")
SECONDS = 300
NOT_AUDITED = 3


def ask(pip_audit: str, service: str, folders: list[str]) -> list[dict]:
    """Return what a service says of each distribution; nothing where it cannot be asked."""
    paths = [part for folder in folders for part in ("--path", folder)]
    argv = [pip_audit, "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    done = subprocess.run(  # noqa: S603 -- the program is the one that the Makefile installs
        [*argv, "--vulnerability-service", service, *paths],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return []


def main() -> int:
    """Ask one service after the other until one answers."""
    pip_audit, *folders = sys.argv[1:]
    for service in SERVICES:
        said = ask(pip_audit, service, folders)
        asked = [each for each in said if "skip_reason" not in each]
        if asked:
            return _tell(service, said, asked)
        print(f"audit: {service} knows none of what is installed, or cannot be reached")
    print(
        "audit: NOT AUDITED. No vulnerability service can be reached from here, so nothing is"
        " known about what is installed; run `make audit` where one can be."
    )
    return NOT_AUDITED


def _tell(service: str, said: list[dict], asked: list[dict]) -> int:
    bad = [each for each in asked if each["vulns"]]
    for each in bad:
        for vuln in each["vulns"]:
            fixed = ", ".join(vuln["fix_versions"]) or "no version yet"
            print(f"audit: {each['name']} {each['version']}: {vuln['id']}, fixed in {fixed}")
    skipped = sorted(each["name"] for each in said if "skip_reason" in each)
    note = f"; not looked up: {', '.join(skipped)}" if skipped else ""
    print(f"audit: {len(asked)} distributions asked of {service}, {len(bad)} with findings{note}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
