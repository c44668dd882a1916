"""What every reader rests on: JSON, XML and images from outside, read within limits."""
