"""The worker: REDUCE and CORRELATE as durable consumers inside one Faust application."""
