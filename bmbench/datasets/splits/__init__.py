"""Images dealt out to subsets, and the proof that nothing leaks between them."""
