"""Datasets of frames: written once through TFDS as TFRecords, read by `tf.data`. Knows no ffmpeg commands."""
