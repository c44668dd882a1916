"""What may be said of numbers: tallies and counts in, intervals, verdicts and ranks out.

`bmbench.metrics` counts and computes values; how sure they are, and what of them is told apart, is decided
here and nowhere else. One file a question:

- units: what varies (patients, slides, else images), how few are too few, how many they are worth.
- jackknife: a metric of one answer, and what it is without each unit.
- seed_variance: how much trainings of a method vary, pooled over methods.
- intervals: between which values the truth of a metric is looked for, or why that cannot be said.
- detail_intervals: those of oLRP and of the AP that causes of errors cost.
- student: the quantile of Student's t, and the logit scale.
- methods: one metric of many methods on the same units.
- moderation: variances that borrow from each other.
- pairs: all differences of methods, how sure they are, and which submissions are copies.
- many_methods: the best set, rank sets, all pairs of a declared family, planned pairs, false discoveries.
- not_worse: whether a method is at most two points worse than another one.
- stratified: several data sets together: paired differences, win rates, whether two orders agree.
- planning: how large a difference a test set finds, and how many units it would take.
- binomial: exact limits of a share of independent cells, and how many cells narrow them.
- differential: percentages of clustered cells, their ratios, and where they stand beside a cut-off.
- agreement: whether two ways of counting agree: limits, concordance, a line, cut-offs.
- ranks: orders of methods, and how two of them agree.

Curves and their bands, and what is drawn again in general:

- draws: one stream of raw random bits, the same on every machine and for every question.
- curve_steps: the curve of re-weighted images; resampling: what it is in every draw, and percentiles.

- differences: two predictions files on the same images.
- human_line: how far raters agree, and how an answer stands beside it.
- seeds: means over the trainings of a method, their differences, and folds as one test set.
"""
