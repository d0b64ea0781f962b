"""Study 003's refined network (F3): a dense network of its search without the last layer, deeper layers behind it. 485,510 parameters
with the study's widths.
"""

from . import fashion_mlp
from .layers import Activation, BatchNorm, Dense


def layers(
    classes,
    widths=(300, 250, 150, 50),
    deeper=(300, 250, 100, 100),
    activation="relu",
    initial="glorot_uniform",
    **searched,
):
    """Return the layers; the first are those of fashion_mlp, given the same, so that they can begin with its trained weights."""
    found = fashion_mlp.layers(classes, widths, activation=activation, initial=initial, **searched)[:-1]
    for width in deeper:
        found += (BatchNorm(), Dense(width, initial=initial), Activation(activation))
    return found + (Dense(classes, initial=initial),)
