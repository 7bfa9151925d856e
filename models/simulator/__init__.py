"""A discrete-event simulation of a shop's services: causes in, telemetry and alerts out."""
