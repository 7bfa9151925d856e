"""The embedded broker: a small single-node durable Kafka-protocol broker for demos and tests.

It sits beside the product, not in it: production runs Apache Kafka, and both are held to the same
contract tests (tests/contracts/broker).
"""
