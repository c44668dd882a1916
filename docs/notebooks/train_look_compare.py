# %% [markdown]
# # Train, look, compare
#
# Two methods on the small synthetic set that comes with bmbench: one that learns only a size, and a
# small network. The settings are for a demonstration of about a minute; leave `settings` out for the ones
# that were chosen with care.

# %%
import bmbench

options = {"dataset": "synthetic", "out": "runs", "show_progress": False}
blobs = bmbench.run("blob_log", **options)
blobs

# %%
small = {"steps": 160, "validate_every": 40, "width": 6, "depth": 3, "views": 1}
network = bmbench.run("unet_shrink", settings=small, **options)
print(network.table())

# %% [markdown]
# What the training did: losses relative to an answer that knows nothing.

# %%
network.history[-3:]

# %% [markdown]
# ## Look
#
# Cells found on one of the test images, drawn on it.

# %%
image = bmbench.open_dataset("synthetic").samples("test")[0].load()
cells = network.predict(image[:256, :256])
cells.plot(image[:256, :256])

# %% [markdown]
# ## Compare
#
# Runs bring their ground truth and their rules along.

# %%
bmbench.compare(network, blobs)
