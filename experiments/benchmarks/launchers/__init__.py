"""What a launcher costs: overhead per job, efficiency, memory of the driver."""
