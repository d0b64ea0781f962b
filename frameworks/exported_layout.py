"""How the images of a batch lie, for models that another framework wrote."""

import numpy

from ..models.layers import NotExpressible


def laid_out(images, wanted):
    """Return images, (N, H, W, C), as a model's input wants them: wanted is its shape without N, channels last or first.

    Texts, (N, length), stay. Raises NotExpressible where the shape fits neither way, or both: nobody could tell which is meant.
    """
    last = tuple(images.shape[1:])
    first = last[-1:] + last[:-1]
    wanted = tuple(wanted)
    if len(last) == 3 and wanted == last == first:
        raise NotExpressible("the channels of a model's input of shape {} may be its first or its last".format(wanted))
    if wanted not in (last, first):
        raise NotExpressible("the model wants images of shape {}, the data's are {}".format(wanted, last))
    return images if wanted == last else numpy.ascontiguousarray(images.transpose(0, 3, 1, 2))
