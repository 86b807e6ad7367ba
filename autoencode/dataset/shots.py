"""Where a film cuts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from scenedetect import ContentDetector, FrameTimecode

RATE = 24.0
"""PySceneDetect counts in timecodes; whatever the film's rate, no shot is shorter than 15 of its frames."""


def find_shots(frames: Iterable[np.ndarray]) -> list[range]:
    """Cuts a film into shots with PySceneDetect's content detector (changes of hue, saturation, brightness).

    Args:
      frames: the film's pictures in order, each uint8 (height, width, 3) RGB.

    Returns:
      The frame numbers of each shot, in order and without a gap; no frames, no shots.
    """
    detector, count, cuts = ContentDetector(min_scene_len=15), 0, []
    for frame in frames:
        found = detector.process_frame(FrameTimecode(count, RATE), np.ascontiguousarray(frame[..., ::-1]))
        cuts += [cut.frame_num for cut in found]
        count += 1
    if not count:
        return []
    cuts += [cut.frame_num for cut in detector.post_process(FrameTimecode(count - 1, RATE))]
    edges = [0, *sorted(set(cuts)), count]
    return [range(first, end) for first, end in pairwise(edges)]
