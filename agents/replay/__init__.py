"""`rootline replay`: the pipeline again, over a recording or over what Kafka holds."""
