"""The demo: a storm played end to end on one machine, and what it needs to be watched."""
