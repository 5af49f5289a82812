"""Six classes of CIFAR-10 -> the other four, with few labels, by every strategy."""
