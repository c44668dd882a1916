"""A leaderboard on a git host: what runs there, and whether it is set up.

::

    template         the files of a host's repository: workflows, scripts, rules
    write_template   `bmbench leaderboard host`: the template, with the package that the host chose
    pinned_package   which bmbench a host installs, and how that is pinned
    one_image        one image to a stranger's program: the contract, containers, limits
    evaluate         `bmbench leaderboard evaluate`: every image of a track, one after the other
    doctor           `bmbench leaderboard doctor`: what is missing, in words
"""
