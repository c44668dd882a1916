"""How things are shown: words, colours, tables for a terminal, Markdown, vector drawing."""
