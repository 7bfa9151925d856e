"""What `rootline demo --keep` says can be tried on what it leaves running."""

from pathlib import Path

from agents.demo.performance import Addresses
from agents.demo.senders import ALERTS_PATH

_ALERT = (
    '[{"labels":{"alertname":"TriedByHand","service":"mail-relay","severity":"critical"},'
    '"annotations":{"summary":"posted by hand"},"startsAt":"\'$(date -u +%FT%TZ)\'"}]'
)


def next_steps(where: Addresses, config: Path, recording: Path) -> str:
    """Name the addresses and some commands to try."""
    rows = (
        ("broker", where.bootstrap),
        ("gateway", f"{where.gateway}  (Alertmanager: {where.gateway}{ALERTS_PATH})"),
        ("worker", f"{where.health}/metrics, {where.health}/readyz"),
        ("files", f"{config.parent}  (configuration, logs, recording; kept)"),
    )
    addresses = "\n".join(f"  {label:<8} {text}" for label, text in rows)
    commands = "\n".join(
        f"  {command}"
        for command in (
            f"rootline doctor --config {config}",
            f"kcat -b {where.bootstrap} -t incidents -C -e -o beginning",
            f"kcat -b {where.bootstrap} -t unassigned -C -e -o beginning",
            f"curl -s {where.health}/metrics | grep ^rootline_",
            f"rootline replay {recording}",
            f"curl -H 'Content-Type: application/json' -d '{_ALERT}' {where.gateway}{ALERTS_PATH}",
        )
    )
    return (
        f"\nEverything goes on running until Ctrl-C.\n{addresses}\n\nTry:\n{commands}\n"
        "The last one opens an incident of its own; the chat is told here in some 20 seconds.\n"
    )
