"""From results to pages; nothing is counted here.

::

    words            numbers and strangers' texts as boards show them
    plots            drawings, the same bytes on every machine
    page             results → the page's record
    answers          the first lines of a board: best, worse, cost, not known
    statements       what the answers rest on
    counts           whether submissions count what is there
    overview         one row a method over all tracks; how the first value rose
    links            rules, how to submit, data, code, licence
    environment      templates, with every text of a stranger escaped
    markdown_boards  pages → Markdown
    site             pages → HTML
    exports          the same for machines: JSON, CSV, feed, badge, citation, formats of others
    build            `bmbench leaderboard build`
    archive          `bmbench leaderboard freeze`
"""
