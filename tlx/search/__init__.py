"""Search a space of configurations with Optuna: `hydra/sweeper=optuna`."""
