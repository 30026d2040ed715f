"""The fully connected layers of AlexNet and VGG-16: torchvision's `classifier` without its last layer."""

import keras


def fully_connected(maps, cells, dropout_first):
    """Two layers of 4,096 units behind a grid of fixed size.

    Args:
        maps: `[B, h, w, C]`, the last map.
        cells: int, rows and columns of the grid: 6 of AlexNet, 7 of VGG-16.
        dropout_first: bool, whether dropout comes before each layer (AlexNet) or behind it (VGG-16).

    Returns:
        `[B, 4096]`. The layers are named `fc6` and `fc7`, as the papers call them.
    """
    x = keras.layers.AdaptiveAveragePooling2D(cells, name="grid")(maps)
    # PyTorch flattens channels, rows, columns; dense kernels are then the plain transpose of its own.
    x = keras.layers.Flatten(name="flatten")(keras.layers.Permute((3, 1, 2), name="channels_first")(x))
    for number in (6, 7):
        if dropout_first:
            x = keras.layers.Dropout(0.5, name=f"drop{number}")(x)
        x = keras.layers.Dense(4096, activation="relu", kernel_initializer="he_normal", name=f"fc{number}")(x)
        if not dropout_first:
            x = keras.layers.Dropout(0.5, name=f"drop{number}")(x)
    return x
