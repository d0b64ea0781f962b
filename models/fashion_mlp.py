"""The dense networks that study 003 searched on Fashion-MNIST: the best of its grid (F1) has 407,110 parameters, of its random search
(F2) 370,846.
"""

from .layers import Activation, BatchNorm, Dense, Dropout, Flatten


def layers(
    classes, widths=(300, 300, 200, 100), dropout=0.0, activation="relu", initial="glorot_uniform", batch_norm="none"
):
    """Return the layers. batch_norm: "none", "before" or "after" the activations; then the pixels are normalised too."""
    if batch_norm not in ("none", "before", "after"):
        raise ValueError('batch_norm = {!r}; wanted "none", "before" or "after"'.format(batch_norm))
    norm = (BatchNorm(),) if batch_norm != "none" else ()
    drop = (Dropout(dropout),) if dropout else ()
    found = (Flatten(),) + norm + (drop if norm else ())
    for width in widths:
        active = (Activation(activation),)
        found += (Dense(width, initial=initial),) + (norm + active if batch_norm == "before" else active + norm) + drop
    return found + (Dense(classes, initial=initial),)
