"""The shop's services: what each endpoint does and how patient each client is."""

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

MYSQL, CATALOG_DB, REDIS = "mysql-primary", "catalog-db", "redis-cache"
PATIENT = PolicySpec(timeout_seconds=12.0, retries=1, backoff_seconds=0.2)
NORMAL = PolicySpec(timeout_seconds=4.0, retries=1, backoff_seconds=0.1)
HASTY = PolicySpec(timeout_seconds=0.8, retries=0)


def _rows(database: str, *statements: str, chance: float = 1.0) -> StatementsSpec:
    return StatementsSpec(database=database, statements=statements, chance=chance)


STOREFRONT = ServiceSpec(
    name="storefront",
    runtime="go",
    version="3.14.2",
    threads=120,
    backlog=60,
    memory_mb=384,
    retained_mb=0.5,
    tls=True,
    endpoints={
        "GET /products/{id}": (
            ComputeSpec(ms=4.0),
            CallSpec(service="catalog", endpoint="GET /v1/products/{id}"),
            CallSpec(service="pricing", endpoint="GET /v1/prices"),
            CallSpec(service="recommendation", endpoint="GET /v1/similar", required=False),
        ),
        "GET /search": (
            ComputeSpec(ms=4.0),
            CallSpec(service="catalog", endpoint="GET /v1/search"),
        ),
        "GET /cart": (
            ComputeSpec(ms=3.0),
            CallSpec(service="auth", endpoint="GET /v1/session"),
            CallSpec(service="cart", endpoint="GET /v1/cart/{id}"),
        ),
        "POST /checkout": (
            ComputeSpec(ms=5.0),
            CallSpec(service="auth", endpoint="GET /v1/session"),
            CallSpec(service="checkout", endpoint="POST /v1/checkout"),
        ),
        "GET /orders/{id}": (
            ComputeSpec(ms=3.0),
            CallSpec(service="auth", endpoint="GET /v1/session"),
            CallSpec(service="order-fulfilment", endpoint="GET /v1/orders/{id}"),
        ),
    },
    default_policy=NORMAL,
    policies={
        "checkout": PolicySpec(timeout_seconds=15.0, retries=0),
        "order-fulfilment": PATIENT,
        "recommendation": HASTY,
    },
)

CATALOG = ServiceSpec(
    name="catalog",
    runtime="go",
    version="2.8.0",
    threads=48,
    memory_mb=384,
    retained_mb=0.5,
    endpoints={
        "GET /v1/products/{id}": (
            ComputeSpec(ms=5.0),
            CacheSpec(
                cache=REDIS, hit_ratio=0.9, otherwise=(_rows(CATALOG_DB, "SELECT products"),)
            ),
        ),
        "GET /v1/search": (ComputeSpec(ms=9.0), _rows(CATALOG_DB, "SELECT product_search")),
    },
    pools={CATALOG_DB: PoolSpec(size=12, min_idle=3, wait_seconds=3.0, fail_fast=True)},
)

PRICING = ServiceSpec(
    name="pricing",
    runtime="python",
    version="1.22.5",
    threads=24,
    memory_mb=384,
    retained_mb=1.5,
    endpoints={
        "GET /v1/prices": (
            ComputeSpec(ms=8.0),
            CacheSpec(
                cache=REDIS, hit_ratio=0.86, otherwise=(_rows(CATALOG_DB, "SELECT prices"),)
            ),
        ),
    },
    pools={CATALOG_DB: PoolSpec(size=10, min_idle=3, wait_seconds=4.0)},
)

RECOMMENDATION = ServiceSpec(
    name="recommendation",
    runtime="python",
    version="0.41.0",
    threads=16,
    memory_mb=512,
    retained_mb=2.0,
    endpoints={
        "GET /v1/similar": (
            ComputeSpec(ms=12.0),
            CacheSpec(
                cache=REDIS, hit_ratio=0.8, otherwise=(_rows(CATALOG_DB, "SELECT affinities"),)
            ),
        ),
    },
    pools={CATALOG_DB: PoolSpec(size=6, min_idle=2, wait_seconds=2.0)},
)

AUTH = ServiceSpec(
    name="auth",
    runtime="jvm",
    version="5.3.1",
    threads=32,
    memory_mb=448,
    retained_mb=2.0,
    tls=True,
    endpoints={
        "GET /v1/session": (
            ComputeSpec(ms=6.0),
            CacheSpec(cache=REDIS, hit_ratio=0.84, otherwise=(_rows(MYSQL, "SELECT users"),)),
        ),
    },
    pools={MYSQL: PoolSpec(size=10, min_idle=3, wait_seconds=3.0)},
)

CART = ServiceSpec(
    name="cart",
    runtime="go",
    version="2.2.9",
    threads=48,
    memory_mb=256,
    retained_mb=0.5,
    endpoints={
        "GET /v1/cart/{id}": (
            ComputeSpec(ms=4.0),
            CacheSpec(cache=REDIS, hit_ratio=0.97),
            CallSpec(service="pricing", endpoint="GET /v1/prices"),
            CacheSpec(cache=REDIS, hit_ratio=1.0, operation="SET"),
        ),
    },
    default_policy=PolicySpec(timeout_seconds=3.0, retries=1),
)

CHECKOUT = ServiceSpec(
    name="checkout",
    runtime="jvm",
    version="7.0.4",
    threads=40,
    backlog=40,
    memory_mb=512,
    retained_mb=2.2,
    allocated_mb=3.0,
    endpoints={
        "POST /v1/checkout": (
            ComputeSpec(ms=9.0),
            CallSpec(service="cart", endpoint="GET /v1/cart/{id}"),
            CallSpec(service="order-fulfilment", endpoint="POST /v1/orders"),
            CallSpec(service="inventory", endpoint="POST /v1/reservations"),
            CallSpec(service="payment", endpoint="POST /v1/charges"),
            ComputeSpec(ms=5.0),
        ),
    },
    default_policy=PolicySpec(timeout_seconds=6.0, retries=1, backoff_seconds=0.2),
    policies={"order-fulfilment": PATIENT},
)

INVENTORY = ServiceSpec(
    name="inventory",
    runtime="jvm",
    version="3.9.0",
    threads=24,
    memory_mb=512,
    retained_mb=3.0,
    endpoints={
        "POST /v1/reservations": (
            ComputeSpec(ms=7.0),
            CacheSpec(
                cache=REDIS,
                hit_ratio=0.55,
                otherwise=(_rows(MYSQL, "SELECT stock", "UPDATE stock"),),
            ),
        ),
    },
    pools={MYSQL: PoolSpec(size=10, min_idle=4, wait_seconds=4.0)},
)

PAYMENT = ServiceSpec(
    name="payment",
    runtime="jvm",
    version="4.6.2",
    threads=24,
    memory_mb=512,
    retained_mb=2.5,
    tls=True,
    endpoints={
        "POST /v1/charges": (
            ComputeSpec(ms=8.0),
            ExternalCallSpec(external="api.swiftpay.example", operation="POST /v2/charges"),
            _rows(MYSQL, "INSERT payments"),
        ),
    },
    policies={"api.swiftpay.example": PolicySpec(timeout_seconds=3.0, retries=1)},
    pools={MYSQL: PoolSpec(size=8, min_idle=3, wait_seconds=4.0)},
)

ORDER_FULFILMENT = ServiceSpec(
    name="order-fulfilment",
    runtime="jvm",
    version="6.1.7",
    threads=16,
    backlog=18,
    memory_mb=576,
    retained_mb=5.8,
    allocated_mb=5.0,
    endpoints={
        "POST /v1/orders": (
            ComputeSpec(ms=26.0),
            _rows(
                MYSQL,
                "SELECT orders",
                "INSERT orders",
                "INSERT order_lines",
                "INSERT order_lines",
                "UPDATE orders",
            ),
            PublishSpec(topic="order-placed"),
            ComputeSpec(ms=12.0),
        ),
        "GET /v1/orders/{id}": (ComputeSpec(ms=5.0), _rows(MYSQL, "SELECT orders")),
    },
    pools={MYSQL: PoolSpec(size=12, min_idle=4, wait_seconds=8.0)},
)

SHIPPING = ServiceSpec(
    name="shipping",
    runtime="jvm",
    version="2.0.3",
    threads=8,
    memory_mb=448,
    endpoints={"GET /v1/shipments/{id}": (ComputeSpec(ms=5.0), _rows(MYSQL, "SELECT orders"))},
    consumers=(
        ConsumerSpec(
            topic="order-placed",
            steps=(
                ComputeSpec(ms=12.0),
                _rows(MYSQL, "INSERT shipments", "UPDATE orders"),
                PublishSpec(topic="order-shipped"),
            ),
        ),
    ),
    pools={MYSQL: PoolSpec(size=6, min_idle=2, wait_seconds=5.0, lifetime_seconds=90.0)},
)

NOTIFICATION = ServiceSpec(
    name="notification",
    runtime="python",
    version="1.8.1",
    threads=8,
    memory_mb=256,
    endpoints={"POST /v1/messages": (ComputeSpec(ms=6.0),)},
    default_policy=PolicySpec(timeout_seconds=4.0, retries=1, backoff_seconds=0.2),
    consumers=(
        ConsumerSpec(
            topic="order-placed",
            steps=(
                ComputeSpec(ms=8.0),
                CallSpec(service="auth", endpoint="GET /v1/session"),
                ComputeSpec(ms=6.0),
            ),
        ),
        ConsumerSpec(topic="order-shipped", steps=(ComputeSpec(ms=14.0),), workers=1),
    ),
)

SERVICES = (
    STOREFRONT,
    CATALOG,
    PRICING,
    RECOMMENDATION,
    AUTH,
    CART,
    CHECKOUT,
    INVENTORY,
    PAYMENT,
    ORDER_FULFILMENT,
    SHIPPING,
    NOTIFICATION,
)
