"""Boards: Markdown, plots and a site, as pure functions of tracks and results."""
