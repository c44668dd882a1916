"""One detector family per module behind one interface; `METHODS` is the table."""
