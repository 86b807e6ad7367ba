"""Installs autoencode: `pip install .`; `.[cuda]` for a GPU; `-e .[dev]` to work on it."""

from setuptools import find_packages, setup

setup(
    name="autoencode",
    version="0.1.0",
    description="A neural network watches a film; then you watch the film as the network remembers it.",
    packages=find_packages(include=["autoencode", "autoencode.*"]),
    python_requires=">=3.10,<3.14",
    install_requires=[
        "tensorflow>=2.20",
        "tensorflow-datasets>=4.9.9",
        "numpy",
        "imageio",
        "imageio-ffmpeg>=0.8",  # an ffmpeg that does not crash on transport streams,
        "absl-py",
        "importlib-resources",  # tensorflow-datasets 4.9 imports it without requiring it
        "pillow",
        "scenedetect>=0.7",
        "tensorboard",
        "tqdm",
    ],
    extras_require={
        "cuda": ["tensorflow[and-cuda]>=2.20"],
        "dev": ["matplotlib", "pytest", "pytest-xdist", "ruff", "scikit-image"],
    },
)
