"""A multilayer perceptron for tables as a backbone."""
