"""`rootline redrive`: dead letters back to where they came from."""
