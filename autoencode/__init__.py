"""A neural network watches a film; then it shows the film as it remembers it."""

import os

__version__ = "0.1.0"

# TensorFlow reads this when it is imported. Left to itself it convolves with oneDNN only on some processors;
# on one with AVX2 and no AVX-512 a step of training then takes about twice as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
