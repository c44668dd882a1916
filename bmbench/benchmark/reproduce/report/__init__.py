"""The report of a study: Markdown and pictures, a function of the finished run folders."""
