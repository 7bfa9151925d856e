"""The bank's services: channels, the core, payments and what watches over them."""

from models.simulator.topology import (
    CacheSpec,
    CallSpec,
    ComputeSpec,
    ConsumerSpec,
    ExternalCallSpec,
    PolicySpec,
    PoolSpec,
    PublishSpec,
    ServiceSpec,
    StatementsSpec,
)

LEDGER, CUSTOMERS, CARDS = "ledger-db", "customers-mysql", "cards-db"
SESSIONS, LIMITS = "redis-sessions", "redis-limits"
CARD_NETWORK, SCREENING, MESSAGES = (
    "api.cardnet.example",
    "screen.watchlist.example",
    "api.textline.example",
)
PAYMENTS_MADE, ENTRIES_POSTED, RISKS = "payments-made", "entries-posted", "risks-scored"
CORE = PolicySpec(timeout_seconds=5.0, retries=1, backoff_seconds=0.15)
QUICK = PolicySpec(timeout_seconds=1.5, retries=1, backoff_seconds=0.05)


def _rows(database: str, *statements: str, chance: float = 1.0) -> StatementsSpec:
    return StatementsSpec(database=database, statements=statements, chance=chance)


def _call(service: str, endpoint: str, *, chance: float = 1.0, required: bool = True) -> CallSpec:
    return CallSpec(service=service, endpoint=endpoint, chance=chance, required=required)


CHANNELS = (
    ServiceSpec(
        name="mobile-gateway",
        runtime="go",
        version="4.2.0",
        threads=120,
        backlog=60,
        memory_mb=384,
        retained_mb=0.5,
        tls=True,
        endpoints={
            "GET /accounts": (
                ComputeSpec(ms=4.0),
                _call("identity", "GET /v2/token"),
                _call("accounts", "GET /v2/accounts"),
            ),
            "GET /statements": (
                ComputeSpec(ms=4.0),
                _call("identity", "GET /v2/token"),
                _call("statements", "GET /v2/statements"),
            ),
            "POST /transfers": (
                ComputeSpec(ms=5.0),
                _call("identity", "GET /v2/token"),
                _call("payments", "POST /v2/payments"),
            ),
        },
        default_policy=PolicySpec(timeout_seconds=9.0, retries=1, backoff_seconds=0.2),
        policies={"payments": PolicySpec(timeout_seconds=12.0, retries=0)},
    ),
    ServiceSpec(
        name="card-gateway",
        runtime="jvm",
        version="8.1.3",
        threads=80,
        memory_mb=512,
        retained_mb=1.2,
        tls=True,
        endpoints={
            "POST /authorisations": (
                ComputeSpec(ms=5.0),
                _call("cards", "POST /v2/authorisations"),
            ),
        },
        default_policy=PolicySpec(timeout_seconds=6.0, retries=0),
    ),
    ServiceSpec(
        name="identity",
        runtime="jvm",
        version="2.19.0",
        threads=32,
        memory_mb=448,
        retained_mb=2.0,
        tls=True,
        endpoints={
            "GET /v2/token": (
                ComputeSpec(ms=6.0),
                CacheSpec(
                    cache=SESSIONS, hit_ratio=0.85, otherwise=(_rows(CUSTOMERS, "SELECT logins"),)
                ),
                CacheSpec(cache=SESSIONS, hit_ratio=1.0, operation="SET"),
            ),
        },
        pools={CUSTOMERS: PoolSpec(size=10, min_idle=3, wait_seconds=3.0)},
    ),
)

READERS = (
    ServiceSpec(
        name="accounts",
        runtime="jvm",
        version="6.6.1",
        threads=32,
        memory_mb=512,
        retained_mb=2.5,
        endpoints={
            "GET /v2/accounts": (
                ComputeSpec(ms=7.0),
                _call("customers", "GET /v2/customers"),
                _call("ledger", "GET /v2/balances"),
            ),
        },
        default_policy=CORE,
    ),
    ServiceSpec(
        name="customers",
        runtime="python",
        version="1.9.4",
        threads=24,
        memory_mb=384,
        retained_mb=1.5,
        endpoints={
            "GET /v2/customers": (
                ComputeSpec(ms=8.0),
                CacheSpec(
                    cache=SESSIONS, hit_ratio=0.7, otherwise=(_rows(CUSTOMERS, "SELECT people"),)
                ),
                _rows(CUSTOMERS, "UPDATE logins", chance=0.2),
            ),
        },
        pools={CUSTOMERS: PoolSpec(size=8, min_idle=3, wait_seconds=3.0)},
    ),
    ServiceSpec(
        name="statements",
        runtime="go",
        version="3.0.7",
        threads=32,
        memory_mb=384,
        retained_mb=0.8,
        endpoints={
            "GET /v2/statements": (
                ComputeSpec(ms=9.0),
                _rows(LEDGER, "SELECT entries"),
                _call("customers", "GET /v2/customers", required=False),
            ),
        },
        default_policy=CORE,
        pools={LEDGER: PoolSpec(size=10, min_idle=3, wait_seconds=3.0, fail_fast=True)},
    ),
)

CORE_SERVICES = (
    ServiceSpec(
        name="ledger",
        runtime="jvm",
        version="11.4.0",
        threads=32,
        backlog=30,
        memory_mb=640,
        retained_mb=4.0,
        allocated_mb=3.0,
        tls=True,
        endpoints={
            "GET /v2/balances": (ComputeSpec(ms=5.0), _rows(LEDGER, "SELECT balances")),
            "POST /v2/entries": (
                ComputeSpec(ms=9.0),
                _rows(LEDGER, "SELECT balances", "INSERT entries", "UPDATE balances"),
                PublishSpec(topic=ENTRIES_POSTED),
            ),
        },
        pools={LEDGER: PoolSpec(size=14, min_idle=4, wait_seconds=5.0)},
    ),
    ServiceSpec(
        name="payments",
        runtime="jvm",
        version="9.2.5",
        threads=24,
        memory_mb=512,
        retained_mb=3.0,
        endpoints={
            "POST /v2/payments": (
                ComputeSpec(ms=9.0),
                _call("limits", "POST /v2/checks"),
                _call("risk", "POST /v2/scores"),
                ExternalCallSpec(external=SCREENING, operation="POST /names", chance=0.5),
                _call("ledger", "POST /v2/entries"),
                PublishSpec(topic=PAYMENTS_MADE),
            ),
        },
        default_policy=CORE,
        policies={SCREENING: PolicySpec(timeout_seconds=2.5, retries=1)},
    ),
    ServiceSpec(
        name="cards",
        runtime="jvm",
        version="5.7.2",
        threads=24,
        memory_mb=512,
        retained_mb=2.5,
        endpoints={
            "POST /v2/authorisations": (
                ComputeSpec(ms=7.0),
                _rows(CARDS, "SELECT cards", "INSERT holds"),
                _call("limits", "POST /v2/checks"),
                _call("risk", "POST /v2/scores"),
                ExternalCallSpec(external=CARD_NETWORK, operation="POST /confirmations"),
            ),
        },
        default_policy=QUICK,
        policies={CARD_NETWORK: PolicySpec(timeout_seconds=2.0, retries=1)},
        pools={CARDS: PoolSpec(size=10, min_idle=3, wait_seconds=3.0)},
    ),
    ServiceSpec(
        name="limits",
        runtime="go",
        version="1.3.8",
        threads=40,
        memory_mb=256,
        retained_mb=0.4,
        endpoints={
            "POST /v2/checks": (
                ComputeSpec(ms=3.0),
                CacheSpec(cache=LIMITS, hit_ratio=0.9, otherwise=(_rows(CARDS, "SELECT limits"),)),
                CacheSpec(cache=LIMITS, hit_ratio=1.0, operation="INCRBY"),
            ),
        },
        pools={CARDS: PoolSpec(size=8, min_idle=2, wait_seconds=2.0, fail_fast=True)},
    ),
    ServiceSpec(
        name="risk",
        runtime="python",
        version="0.88.1",
        threads=24,
        memory_mb=512,
        retained_mb=2.0,
        endpoints={
            "POST /v2/scores": (
                ComputeSpec(ms=14.0),
                CacheSpec(
                    cache=LIMITS, hit_ratio=0.75, otherwise=(_rows(CARDS, "SELECT habits"),)
                ),
            ),
        },
        pools={CARDS: PoolSpec(size=8, min_idle=2, wait_seconds=2.0)},
    ),
)

FOLLOWERS = (
    ServiceSpec(
        name="bookings",
        runtime="jvm",
        version="2.2.2",
        threads=8,
        memory_mb=448,
        endpoints={"GET /v2/bookings": (ComputeSpec(ms=5.0), _rows(LEDGER, "SELECT entries"))},
        consumers=(
            ConsumerSpec(
                topic=ENTRIES_POSTED,
                steps=(ComputeSpec(ms=10.0), _rows(LEDGER, "UPDATE journals")),
            ),
        ),
        pools={LEDGER: PoolSpec(size=6, min_idle=2, wait_seconds=5.0)},
    ),
    ServiceSpec(
        name="fraud-watch",
        runtime="python",
        version="0.17.0",
        threads=8,
        memory_mb=384,
        endpoints={"GET /v2/findings": (ComputeSpec(ms=5.0),)},
        default_policy=QUICK,
        consumers=(
            ConsumerSpec(
                topic=PAYMENTS_MADE,
                steps=(
                    ComputeSpec(ms=12.0),
                    _call("risk", "POST /v2/scores"),
                    PublishSpec(topic=RISKS),
                ),
            ),
        ),
    ),
    ServiceSpec(
        name="messaging",
        runtime="go",
        version="1.1.9",
        threads=16,
        memory_mb=256,
        retained_mb=0.4,
        endpoints={"POST /v2/messages": (ComputeSpec(ms=4.0),)},
        consumers=(
            ConsumerSpec(
                topic=PAYMENTS_MADE,
                steps=(
                    ComputeSpec(ms=5.0),
                    _call("customers", "GET /v2/customers"),
                    ExternalCallSpec(external=MESSAGES, operation="POST /send"),
                ),
            ),
            ConsumerSpec(topic=RISKS, steps=(ComputeSpec(ms=8.0),), workers=1),
        ),
    ),
)

SERVICES = (*CHANNELS, *READERS, *CORE_SERVICES, *FOLLOWERS)
