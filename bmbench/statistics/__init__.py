"""What may be said of numbers: tallies and counts in, intervals, verdicts and ranks out.

`bmbench.metrics` counts and computes values; how sure they are, and what of them is told apart, is decided
here and nowhere else. One file a question:

- draws: what is drawn. One stream of raw random bits, the same on every machine and for every question.
- units: what is drawn from (patients, slides, images), how few are too few, and a metric as sums over units.
- jackknife: how much of a value each image is the cause of.
- intervals: between which values the truth is looked for; `with_intervals` adds them to an evaluation. The
  values of re-weighted images come from tallies; nothing is matched again.
- differences: two predictions files on the same images.
- seeds: means over the trainings of a method, their differences, and folds as one test set.
- paired_tests, swaps: which pairs of submissions are told apart; the p-values, and the counting behind them.
- ranks: orders, rank sets and tie groups that say no more than the tests do; how orders agree.
- planning: how large a difference a test set can show.
"""
