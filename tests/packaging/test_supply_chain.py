"""The audit never passes unasked, the list of licences never passes unread."""

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging.test_dependencies import PROJECT, RUNTIME, normal

ROOT = Path(__file__).parents[2]
CI = ROOT / ".ci"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CI / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LICENCES = load("licences")
SKIPPED = {"name": "numpy", "version": "2.0", "skip_reason": "not found on PyPI"}
CLEAN = {"name": "click", "version": "8.1", "vulns": []}
BAD = {
    "name": "click",
    "version": "8.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["8.2"], "aliases": [], "description": ""}],
}


def audited(folder: Path, dependencies: list[dict] | None) -> subprocess.CompletedProcess[str]:
    """Run the audit with a pip-audit that says this, or breaks off."""
    said = "raise SystemExit('no network')"
    if dependencies is not None:
        said = f"print({json.dumps(json.dumps({'dependencies': dependencies}))})"
    tool = folder / "pip-audit"
    tool.write_text(f"#!{sys.executable}\n{said}\n", encoding="utf-8")
    tool.chmod(0o755)
    return subprocess.run(
        [sys.executable, str(CI / "audit.py"), str(tool), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("said", [None, [], [SKIPPED]], ids=["no network", "nothing", "skipped"])
def test_an_audit_that_could_ask_nobody_says_so_and_does_not_pass(tmp_path, said):
    done = audited(tmp_path, said)
    assert done.returncode == 3
    assert "NOT AUDITED. No vulnerability service can be reached" in done.stdout


def test_what_is_known_against_a_distribution_fails_the_audit(tmp_path):
    done = audited(tmp_path, [BAD, SKIPPED])
    assert done.returncode == 1
    assert "click 8.1: PYSEC-1, fixed in 8.2" in done.stdout
    assert "1 distributions asked of pypi, 1 with findings; not looked up: numpy" in done.stdout


def test_an_audit_without_findings_passes(tmp_path):
    done = audited(tmp_path, [CLEAN])
    assert (done.returncode, "0 with findings" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("licences", "sentence"),
    [
        ("", "says nothing of its licence"),
        ("GPL-3.0-only", "is under GPL-3.0-only"),
        ("AGPL-3.0", "is under AGPL-3.0"),
        ("Proprietary", "nobody has looked at"),
        ("MIT", ""),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", ""),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", ""),
        ("LGPL-2.1 AND MIT", ""),
    ],
)
def test_a_licence_is_accepted_only_where_it_is_known(licences, sentence):
    assert sentence in LICENCES.complaint(licences)
    assert bool(LICENCES.complaint(licences)) == bool(sentence)


def test_an_sbom_with_an_unknown_licence_fails_and_is_listed(tmp_path):
    sbom = tmp_path / "sbom.json"
    components = [
        {"name": "b", "version": "2", "licenses": [{"license": {"name": "Secret"}}]},
        {"name": "a", "version": "1", "licenses": [{"license": {"id": "MIT"}}]},
    ]
    sbom.write_text(json.dumps({"components": components}), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(CI / "licences.py"), str(sbom), str(tmp_path / "l.md")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "licences: b is under Secret, which nobody has looked at" in done.stdout
    assert "| a | 1 | MIT |\n| b | 2 | Secret |" in (tmp_path / "l.md").read_text()


@pytest.mark.parametrize("name", sorted(RUNTIME))
def test_every_dependency_of_ours_has_a_licence_we_may_ship_beside(name):
    meta = distribution(name).metadata
    said = [meta.get("License-Expression") or "", *(meta.get_all("Classifier") or ())]
    licences = "; ".join(each for each in said if "Licen" in each or each == said[0])
    assert not LICENCES.complaint(LICENCES.KNOWN.get(name, licences)), licences


@pytest.mark.parametrize("requirement", PROJECT["project"]["dependencies"])
def test_every_dependency_is_pinned_by_a_range(requirement):
    assert ">=" in requirement
    assert ",<" in requirement
    assert normal(requirement.split(">=")[0].split("[")[0]) in RUNTIME


def test_ci_makes_the_sbom_and_audits():
    script = (CI / "run").read_text(encoding="utf-8")
    assert "make --no-print-directory sbom" in script
    assert "make --no-print-directory audit" in script
