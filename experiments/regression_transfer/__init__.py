"""A multilayer perceptron fitted on a source table, then adapted to a target table."""
