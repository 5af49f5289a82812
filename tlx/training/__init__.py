"""The fit: the device, the trainer, and what watches over a training."""
