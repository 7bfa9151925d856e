"""REDUCE: the wide stage that shrinks spans and metric samples to small signals."""
