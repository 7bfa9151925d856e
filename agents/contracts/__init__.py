"""The contracts that others may build on: what is on each topic, as AsyncAPI and JSON Schema."""
