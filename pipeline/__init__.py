"""The pure core: events in, Outputs out; no clock, no I/O, no logging."""
