"""Results → rankings, Markdown, HTML."""
