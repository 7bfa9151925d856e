"""The ranker, its features, training and the simulator; numpy and scikit-learn."""
