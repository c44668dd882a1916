"""From results to pages; nothing is counted here.

::

    words        numbers and strangers' texts as boards show them
    plots        drawings, the same bytes on every machine
    statements   the sentences of a board
    page         results → the page's record
    render       pages → Markdown and a site
    build        `bmbench leaderboard build`
"""
