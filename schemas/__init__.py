"""The ground: what goes over the wire and between the stages."""
