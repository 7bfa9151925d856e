"""The second named environment: a retail bank with its ledger, cards and payments."""

from models.simulator.bank_services import (
    CARD_NETWORK,
    CARDS,
    CUSTOMERS,
    ENTRIES_POSTED,
    LEDGER,
    LIMITS,
    MESSAGES,
    PAYMENTS_MADE,
    RISKS,
    SCREENING,
    SERVICES,
    SESSIONS,
)
from models.simulator.topology import (
    BrokerSpec,
    CacheServerSpec,
    DatabaseSpec,
    EntrySpec,
    ExternalSpec,
    JobSpec,
    NodeSpec,
    StatementSpec,
    Topology,
)


def _statement(text: str, ms: float, spread: float = 0.5) -> StatementSpec:
    return StatementSpec(text=text, ms=ms, spread=spread)


ENTRIES = (
    EntrySpec(weight=34, service="mobile-gateway", endpoint="GET /accounts"),
    EntrySpec(weight=16, service="mobile-gateway", endpoint="GET /statements"),
    EntrySpec(weight=22, service="mobile-gateway", endpoint="POST /transfers"),
    EntrySpec(weight=28, service="card-gateway", endpoint="POST /authorisations"),
)

LEDGER_STATEMENTS = {
    "SELECT balances": _statement("SELECT amount FROM balances WHERE account = $1", 3.0),
    "SELECT entries": _statement(
        "SELECT * FROM entries WHERE account = $1 ORDER BY booked DESC LIMIT $2", 9.0
    ),
    "INSERT entries": _statement("INSERT INTO entries VALUES ($1, $2, $3, $4)", 6.0),
    "UPDATE balances": _statement("UPDATE balances SET amount = $1 WHERE account = $2", 6.0),
    "UPDATE journals": _statement("UPDATE journals SET closed = $1 WHERE entry = $2", 6.0),
    "SELECT day_totals": _statement(
        "SELECT branch, SUM(amount) FROM entries GROUP BY branch", 2200.0
    ),
}
CUSTOMER_STATEMENTS = {
    "SELECT logins": _statement("SELECT * FROM logins WHERE person = ?", 3.0),
    "UPDATE logins": _statement("UPDATE logins SET seen = ? WHERE person = ?", 5.0),
    "SELECT people": _statement("SELECT * FROM people WHERE id = ?", 4.0),
    "SELECT dormant": _statement("SELECT COUNT(*) FROM people GROUP BY region, age", 1800.0),
}
CARD_STATEMENTS = {
    "SELECT cards": _statement("SELECT state FROM cards WHERE pan = $1", 3.0),
    "INSERT holds": _statement("INSERT INTO holds VALUES ($1, $2, $3)", 6.0),
    "SELECT limits": _statement("SELECT amount FROM limits WHERE card = $1", 3.0),
    "SELECT habits": _statement("SELECT * FROM habits WHERE card = $1 LIMIT $2", 8.0),
    "SELECT settlements": _statement(
        "SELECT merchant, SUM(amount) FROM holds GROUP BY merchant", 1700.0
    ),
}

BANK = Topology(
    name="bank",
    namespace="bank",
    entries=ENTRIES,
    services=SERVICES,
    databases=(
        DatabaseSpec(
            name=LEDGER,
            engine="postgres",
            schema="ledger",
            node="rack-4",
            address="ledger-db.stores.svc.cluster.local",
            statements=LEDGER_STATEMENTS,
            max_connections=90,
        ),
        DatabaseSpec(
            name=CUSTOMERS,
            engine="mysql",
            schema="customers",
            node="rack-5",
            statements=CUSTOMER_STATEMENTS,
            max_connections=60,
        ),
        DatabaseSpec(
            name=CARDS,
            engine="postgres",
            schema="cards",
            node="rack-5",
            statements=CARD_STATEMENTS,
            max_connections=70,
        ),
    ),
    caches=(
        CacheServerSpec(name=SESSIONS, node="rack-4"),
        CacheServerSpec(name=LIMITS, node="rack-5", memory_mb=512),
    ),
    brokers=(
        BrokerSpec(
            name="kafka-core", node="rack-6", topics=(ENTRIES_POSTED, PAYMENTS_MADE, RISKS)
        ),
    ),
    externals=(
        ExternalSpec(host=CARD_NETWORK, ms=90.0),
        ExternalSpec(host=SCREENING, ms=140.0),
        ExternalSpec(host=MESSAGES, ms=180.0),
    ),
    jobs=(
        JobSpec(name="end-of-day", database=LEDGER, node="rack-2", statement="SELECT day_totals"),
        JobSpec(
            name="dormancy-check",
            database=CUSTOMERS,
            node="rack-3",
            statement="SELECT dormant",
            parallel=1,
            pause_seconds=14.0,
            capped=True,
        ),
        JobSpec(
            name="settlement",
            database=CARDS,
            node="rack-1",
            statement="SELECT settlements",
            parallel=1,
            pause_seconds=12.0,
        ),
    ),
    nodes=(
        NodeSpec(name="rack-1", address="10.8.0.11", cores=4),
        NodeSpec(name="rack-2", address="10.8.0.12", cores=4),
        NodeSpec(name="rack-3", address="10.8.0.13", cores=4),
        NodeSpec(name="rack-4", address="10.8.0.14", cores=8, memory_gb=32),
        NodeSpec(name="rack-5", address="10.8.0.15", cores=8, memory_gb=32),
        NodeSpec(name="rack-6", address="10.8.0.16", cores=8, memory_gb=32),
    ),
)
