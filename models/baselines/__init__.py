"""Published and trivial methods, rerun on the same cases as the ranker; one a module."""
