# %% [markdown]
# # Score predictions that are in memory
#
# Three images; one list of `x, y, confidence` for each. `radius_px` is how far a centre may be from the
# annotated one: a third of a cell's diameter.

# %%
import bmbench

found = [
    [[12, 30, 0.9], [52, 40, 0.7], [80, 15, 0.4]],
    [[40, 40, 0.3]],
    [[21, 22, 0.8]],
]
cells = [[[13, 30], [50, 41]], [], [[20, 20], [60, 62]]]
result = bmbench.score(found, cells, radius_px=5, threshold=0.5)
result

# %% [markdown]
# The same as a frame of pandas, and as numbers.

# %%
result.to_frame()[["rule", "limit", "ap", "f1", "precision", "recall"]]

# %%
result.centres.tp, result.centres.fp, result.centres.fn

# %% [markdown]
# ## Compare two
#
# The difference is paired: both answered the same images. Three images carry neither an interval nor a
# test, and the table says so.

# %%
fewer = [[[12, 30, 0.9]], [[40, 40, 0.3]], []]
bmbench.compare(found, fewer, cells, radius_px=5)
