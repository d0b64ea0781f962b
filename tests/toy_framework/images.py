"""The layers that know of height and width. Each has a forward function, which returns its output and what its backward function will
need, and that backward function, which returns the gradient of the input and of each weight by its role.
"""

import numpy

from ...models.shapes import interpolation, same_padding


def padded(images, layer, size, step, value=0.0):
    """Return the images with the layer's padding, (high, wide) of the windows that fit, and the padding for unpadded()."""
    sides = images.shape[1:3]
    edges = [same_padding(side, size, step) if layer.padding == "same" else (0, 0) for side in sides]
    high, wide = ((sum(edge) + side - size) // step + 1 for side, edge in zip(sides, edges))
    padding = [(0, 0)] + edges + [(0, 0)]
    return numpy.pad(images, padding, "constant", constant_values=value), (high, wide), edges


def unpadded(images, edges):
    (top, bottom), (left, right) = edges
    return images[:, top : images.shape[1] - bottom, left : images.shape[2] - right]


def places(images, size, step, windows):
    """Yield (row, column, values) for each place of the windows, in reading order: views of (N, high, wide, channels)."""
    high, wide = windows
    for row in range(size):
        for column in range(size):
            yield row, column, images[:, row : row + step * high : step, column : column + step * wide : step]


def conv_forward(layer, weights, images, random):
    images, windows, edges = padded(images, layer, layer.kernel, layer.stride)
    rows = numpy.stack([values for _, _, values in places(images, layer.kernel, layer.stride, windows)], axis=3)
    output = rows.reshape(len(images) * windows[0] * windows[1], -1).dot(weights["kernel"].reshape(-1, layer.filters))
    if layer.bias:
        output += weights["bias"]
    return output.reshape(len(images), windows[0], windows[1], layer.filters), (rows, images.shape, windows, edges)


def conv_backward(layer, weights, kept, gradient):
    rows, shape, windows, edges = kept
    flat = gradient.reshape(-1, layer.filters)
    found = {"kernel": rows.reshape(len(flat), -1).T.dot(flat).reshape(weights["kernel"].shape)}
    if layer.bias:
        found["bias"] = flat.sum(axis=0)
    by_rows = flat.dot(weights["kernel"].reshape(-1, layer.filters).T).reshape(
        rows.shape
    )  # one product: BLAS, and once
    spread = numpy.zeros(shape, gradient.dtype)
    for row, column, target in places(spread, layer.kernel, layer.stride, windows):
        target += by_rows[:, :, :, row * layer.kernel + column]
    return unpadded(spread, edges), found


def depthwise_forward(layer, weights, images, random):
    images, windows, edges = padded(images, layer, layer.kernel, layer.stride)
    output = numpy.zeros((len(images),) + windows + images.shape[3:], images.dtype)
    for row, column, values in places(images, layer.kernel, layer.stride, windows):
        output += values * weights["kernel"][row, column, :, 0]
    if layer.bias:
        output += weights["bias"]
    return output, (images, windows, edges)


def depthwise_backward(layer, weights, kept, gradient):
    images, windows, edges = kept
    found = {"kernel": numpy.zeros_like(weights["kernel"])}
    if layer.bias:
        found["bias"] = gradient.sum(axis=(0, 1, 2))
    spread = numpy.zeros_like(images)
    for row, column, values in places(images, layer.kernel, layer.stride, windows):
        found["kernel"][row, column, :, 0] = numpy.einsum("nhwc,nhwc->c", values, gradient)
    for row, column, target in places(spread, layer.kernel, layer.stride, windows):
        target += gradient * weights["kernel"][row, column, :, 0]
    return unpadded(spread, edges), found


def max_pool_forward(layer, weights, images, random):
    images, windows, edges = padded(images, layer, layer.size, layer.step, -numpy.inf)
    largest = numpy.full((len(images),) + windows + images.shape[3:], -numpy.inf, images.dtype)
    for _, _, values in places(images, layer.size, layer.step, windows):
        numpy.maximum(largest, values, out=largest)
    return largest, (images, largest, windows, edges)


def max_pool_backward(layer, weights, kept, gradient):
    """Give the gradient to the first maximum in reading order. Frameworks may choose another one, or all, where values tie;
    after ReLU nothing shows of it, for the tied values are zeros, whose gradient ReLU drops.
    """
    images, largest, windows, edges = kept
    spread = numpy.zeros_like(images)
    waiting = numpy.ones(largest.shape, bool)
    targets = places(spread, layer.size, layer.step, windows)
    for (_, _, values), (_, _, target) in zip(places(images, layer.size, layer.step, windows), targets):
        chosen = waiting & (values == largest)
        target[chosen] += gradient[chosen]
        waiting &= ~chosen
    return unpadded(spread, edges), {}


def average_pool_forward(layer, weights, images, random):
    inside, windows, edges = padded(numpy.ones_like(images), layer, layer.size, layer.step)
    images, _, _ = padded(images, layer, layer.size, layer.step)
    counts = sum(values for _, _, values in places(inside, layer.size, layer.step, windows))
    output = sum(values for _, _, values in places(images, layer.size, layer.step, windows)) / counts
    return output, (images.shape, counts, windows, edges)


def average_pool_backward(layer, weights, kept, gradient):
    shape, counts, windows, edges = kept
    spread = numpy.zeros(shape, gradient.dtype)
    for _, _, target in places(spread, layer.size, layer.step, windows):
        target += gradient / counts
    return unpadded(spread, edges), {}


def global_pool_forward(layer, weights, images, random):
    return images.mean(axis=(1, 2)), images.shape


def global_pool_backward(layer, weights, shape, gradient):
    share = gradient[:, None, None, :] / (shape[1] * shape[2])
    return numpy.broadcast_to(share, shape).astype(gradient.dtype), {}


def zero_pad_forward(layer, weights, images, random):
    edge = (layer.before, layer.after)
    return numpy.pad(images, [(0, 0), edge, edge, (0, 0)], "constant"), [edge, edge]


def zero_pad_backward(layer, weights, edges, gradient):
    return unpadded(gradient, edges), {}


def resize_forward(layer, weights, images, random):
    down, across = (numpy.array(interpolation(side, layer.side), images.dtype) for side in images.shape[1:3])
    return numpy.einsum("hi,wj,nhwc->nijc", down, across, images, optimize=True), (down, across)


def resize_backward(layer, weights, kept, gradient):
    down, across = kept
    return numpy.einsum("hi,wj,nijc->nhwc", down, across, gradient, optimize=True), {}
