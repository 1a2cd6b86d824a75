"""A format of label files: a first line of its own, then frame, x and y of an animal's one node a line."""

import numpy as np
import sleap_io as sio

from poseflow.labels.formats import LabelReader

FIRST_LINE = "toyparts points of "


def recognize(path):
    with path.open("rb") as file:
        return file.read(len(FIRST_LINE)) == FIRST_LINE.encode()


def read(path):
    first, *lines = path.read_text().splitlines()
    skeleton = sio.Skeleton(nodes=["body"], name="toy")
    video = sio.Video(filename=first.removeprefix(FIRST_LINE), open_backend=False)
    frames = []
    for frame, x, y in (line.split() for line in lines):
        instance = sio.Instance.from_numpy(np.array([[float(x), float(y)]]), skeleton=skeleton)
        frames.append(sio.LabeledFrame(video=video, frame_idx=int(frame), instances=[instance]))
    return sio.Labels(frames, videos=[video], skeletons=[skeleton])


READER = LabelReader("toyparts points", recognize, read)
