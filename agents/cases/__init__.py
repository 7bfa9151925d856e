"""The case library in the shell: `rootline cases`, and the consumer of operators' verdicts."""
