"""The questions of a leaderboard: `track.json`, and how one is made."""
