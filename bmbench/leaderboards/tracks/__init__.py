"""The questions of a leaderboard.

::

    names                which texts of strangers may be shown
    fields               the fields that tracks and cards share
    manifest             `track.json`: one versioned question
    leaderboard_folder   the paths of a leaderboard's repository
    raters               further raters of a track, whose files lie beside its ground truth
    create_track         `bmbench leaderboard init`
    about                `about.json`: who keeps the board, where rules, data and code are
"""
