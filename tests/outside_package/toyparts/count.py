"""A format of poses: how many there are."""


def write_count(poses, path):
    path.write_text(f"{sum(piece.num_rows for piece in poses.pieces)}\n")
