"""The evidence blocks: alerts, metrics, silence, traces, topology, changes; one a module."""
