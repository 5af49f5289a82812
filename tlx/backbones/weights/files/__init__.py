"""What files of weights say they hold, read without running code and without their tensors."""
