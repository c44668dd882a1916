"""What strangers hand in: the card, its predictions, and the one check that all of it goes through."""
