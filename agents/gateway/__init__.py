"""The HTTP gateway: takes alerts, OTLP and changes, answers 2xx when Kafka has acknowledged."""
