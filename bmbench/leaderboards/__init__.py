"""Leaderboards that live in a git repository.

::

    tracks        the questions
    submissions   what strangers hand in, checked
    results       scores, standings, ranks
    boards        Markdown and a site
    hosting       what runs on a git host
"""
