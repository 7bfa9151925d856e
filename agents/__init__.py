"""The shell: the only folder that knows Kafka, HTTP, files, clocks and logs."""
