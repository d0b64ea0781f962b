"""VGG16 (Simonyan and Zisserman 2015) of study 000, from scratch (I5) or with its convolutions frozen (I6): 14,714,688 parameters in
these. The study gives no width of the dense layers: 4096 is the paper's, 256 is proposed for transfer.
"""

from .layers import Activation, Conv, Dense, Flatten, Frozen, MaxPool, Rescale

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # filters, convolutions
# Images in [0, 1] to 0 to 255 less ImageNet's mean, in red, green, blue. Before the convolutions, so that they pad with the mean.
IMAGENET = Rescale((255.0, 255.0, 255.0), (-123.68, -116.779, -103.939))


def layers(classes, width=4096, frozen=False, imagenet=False):
    """Return the layers. imagenet: images are scaled as pretrained weights want them."""
    base = ()
    for filters, count in BLOCKS:
        base += (Conv(filters, 3, padding="same"), Activation("relu")) * count + (MaxPool(2),)
    head = (Flatten(),) + (Dense(width), Activation("relu")) + (Dense(width), Activation("relu")) + (Dense(classes),)
    given = (IMAGENET,) if imagenet else ()
    return given + ((Frozen(base),) if frozen else base) + head
