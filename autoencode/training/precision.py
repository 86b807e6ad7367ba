"""What `--precision=auto` means on this machine."""

from pathlib import Path

import tensorflow as tf


def resolve(precision: str) -> str:
    """The precision to write into the run: `auto` becomes the fastest that the processor computes itself."""
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        if capability >= (8, 0):
            return "mixed_bfloat16"
        return "mixed_float16" if capability >= (7, 0) else "float32"
    try:
        processor = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if "avx512_bf16" in processor or "amx_bf16" in processor else "float32"
