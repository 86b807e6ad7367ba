"""Film files: what ffmpeg knows of them, their frames out, a new film in. Knows nothing of TensorFlow."""
