"""The named environment: a web shop on the day of a big sale."""

from models.simulator.shop_services import SERVICES
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

ENTRIES = (
    EntrySpec(weight=38, service="storefront", endpoint="GET /products/{id}"),
    EntrySpec(weight=18, service="storefront", endpoint="GET /search"),
    EntrySpec(weight=20, service="storefront", endpoint="GET /cart"),
    EntrySpec(weight=14, service="storefront", endpoint="POST /checkout"),
    EntrySpec(weight=10, service="storefront", endpoint="GET /orders/{id}"),
)

MYSQL_STATEMENTS = {
    "SELECT users": StatementSpec(text="SELECT * FROM users WHERE id = ?", ms=2.5),
    "SELECT stock": StatementSpec(text="SELECT qty FROM stock WHERE sku = ? FOR UPDATE", ms=5.0),
    "UPDATE stock": StatementSpec(text="UPDATE stock SET qty = qty - ? WHERE sku = ?", ms=6.0),
    "INSERT payments": StatementSpec(text="INSERT INTO payments VALUES (?, ?, ?, ?)", ms=6.0),
    "SELECT orders": StatementSpec(
        text="SELECT * FROM orders WHERE customer_id = ? ORDER BY placed LIMIT ?",
        ms=7.0,
    ),
    "INSERT orders": StatementSpec(text="INSERT INTO orders VALUES (?, ?, ?, ?)", ms=8.0),
    "INSERT order_lines": StatementSpec(text="INSERT INTO order_lines VALUES (?, ?)", ms=7.0),
    "UPDATE orders": StatementSpec(text="UPDATE orders SET state = ? WHERE id = ?", ms=6.0),
    "INSERT shipments": StatementSpec(text="INSERT INTO shipments VALUES (?, ?, ?)", ms=7.0),
    "SELECT order_lines": StatementSpec(
        text="SELECT c.region, SUM(l.amount) FROM order_lines l "
        "JOIN orders o ON o.id = l.order_id "
        "JOIN customers c ON c.id = o.customer_id GROUP BY c.region",
        ms=2600.0,
        spread=0.5,
    ),
}

POSTGRES_STATEMENTS = {
    "SELECT products": StatementSpec(text="SELECT * FROM products WHERE id = $1", ms=4.0),
    "SELECT product_search": StatementSpec(
        text="SELECT id, name FROM products WHERE search @@ to_tsquery($1) LIMIT $2", ms=16.0
    ),
    "SELECT prices": StatementSpec(
        text="SELECT amount FROM prices WHERE sku = $1 AND valid @> $2", ms=4.0
    ),
    "SELECT affinities": StatementSpec(
        text="SELECT other_sku FROM affinities WHERE sku = $1 ORDER BY weight DESC LIMIT $2",
        ms=9.0,
    ),
    "SELECT price_history": StatementSpec(
        text="SELECT sku, avg(amount) FROM price_history GROUP BY sku", ms=1500.0
    ),
}

SHOP = Topology(
    name="shop",
    namespace="shop",
    entries=ENTRIES,
    services=SERVICES,
    databases=(
        DatabaseSpec(
            name="mysql-primary",
            engine="mysql",
            schema="shop",
            node="node-d",
            statements=MYSQL_STATEMENTS,
            max_connections=80,
            cores=4,
        ),
        DatabaseSpec(
            name="catalog-db",
            engine="postgres",
            schema="catalog",
            node="node-e",
            address="catalog-db.data.svc.cluster.local",
            statements=POSTGRES_STATEMENTS,
            max_connections=80,
            cores=4,
        ),
    ),
    caches=(CacheServerSpec(name="redis-cache", node="node-e"),),
    brokers=(BrokerSpec(name="kafka", node="node-e", topics=("order-placed", "order-shipped")),),
    externals=(ExternalSpec(host="api.swiftpay.example", ms=130.0),),
    jobs=(
        JobSpec(
            name="report-job",
            database="mysql-primary",
            node="node-c",
            statement="SELECT order_lines",
        ),
        JobSpec(
            name="price-audit",
            database="catalog-db",
            node="node-b",
            statement="SELECT price_history",
            parallel=1,
            pause_seconds=15.0,
            capped=True,
        ),
    ),
    nodes=(
        NodeSpec(name="node-a", address="10.0.1.11", cores=4),
        NodeSpec(name="node-b", address="10.0.1.12", cores=4),
        NodeSpec(name="node-c", address="10.0.1.13", cores=4),
        NodeSpec(name="node-d", address="10.0.1.14", cores=8, memory_gb=32),
        NodeSpec(name="node-e", address="10.0.1.15", cores=8, memory_gb=32),
    ),
)
