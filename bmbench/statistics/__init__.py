"""What may be said about an order of submissions: arrays in, frozen results out."""
