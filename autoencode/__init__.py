"""A neural network watches a film; then it shows the film as it remembers it."""

import importlib.util
import os
import sys

__version__ = "0.1.0"

if sys.argv[0] == "-m" and importlib.util.find_spec("absl") is None:  # a command, in a fresh terminal
    sys.exit("autoencode: is not installed in this Python; first `. .venv/bin/activate` (or `make install`)")

# TensorFlow reads this when it is imported. Left to itself it convolves with oneDNN only on some processors;
# on one with AVX2 and no AVX-512 a step of training then takes about twice as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Keras reads these when it is imported. The networks are TensorFlow's, with channels last: no other backend,
# and no keras.json in somebody's home, may change that. Under /dev/null there is none.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["KERAS_HOME"] = os.devnull
