"""A neural network watches a film; then it shows the film as it remembers it."""

__version__ = "0.1.0"
