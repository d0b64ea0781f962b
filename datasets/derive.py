"""What a cell asks of the decoded arrays: a part of the train split, a validation split or a fold, augmented images. Done once and
from a seed, in numpy and scikit-learn, so that every framework trains on the same pixels.
"""

import numpy

from .dataset import Wrong, rows_of_each_class

SEED = 0
CHUNK = 256  # images at a time: bounds the memory
AUGMENTATIONS = {
    "shift": 0.0,
    "shear": 0.0,
    "zoom": 0.0,
    "flip": False,
    "variants": 4,
}  # where none is asked for


def derived(decoded, wanted):
    """Return decoded as wanted, in this order: {"rows": count, "fold": [which, of], "validation": share, "augment": {...}}, each
    optional. Raises Wrong.
    """
    if wanted:
        decoded = decoded._replace(train_names=())  # the rows are others now
    if wanted.get("rows"):
        decoded = part_of_train(decoded, wanted["rows"])
    if wanted.get("fold"):
        decoded = fold_of_train(decoded, *wanted["fold"])
    if wanted.get("validation"):
        decoded = validation_split(decoded, wanted["validation"])
    if wanted.get("augment"):
        decoded = augmented(decoded, dict(AUGMENTATIONS, **wanted["augment"]))
    return decoded


def validation_split(decoded, share):
    """Return decoded with a random int(share * n) of each class's n train rows as test split: the real test split stays unseen."""
    test = rows_of_each_class(decoded.train_labels, share, SEED)
    train = numpy.setdiff1d(numpy.arange(len(decoded.train_labels)), test)
    images, labels = decoded.train_images, decoded.train_labels
    classes, lasting = len(numpy.unique(labels)), len(numpy.intersect1d(labels[train], labels[test]))
    if lasting < classes:
        told = "validation = {}: {:,} rows to train and {:,} to validate; wanted rows of each class in both, {} of {} have none"
        raise Wrong(told.format(share, len(train), len(test), classes - lasting, classes))
    return decoded._replace(
        train_images=images[train], train_labels=labels[train], test_images=images[test], test_labels=labels[test]
    )


def part_of_train(decoded, count):
    """Return decoded with as many random rows of the train split as train split."""
    if count > len(decoded.train_labels):
        raise Wrong("train_rows = {:,}; the train split has {:,}".format(count, len(decoded.train_labels)))
    kept = numpy.sort(numpy.random.RandomState(SEED).permutation(len(decoded.train_labels))[:count])
    return decoded._replace(train_images=decoded.train_images[kept], train_labels=decoded.train_labels[kept])


def fold_of_train(decoded, which, folds):
    """Return decoded with one of so many shuffled folds of the train split as test split, and the others as train split.

    which counts from 1. The real test split stays unseen.
    """
    from sklearn.model_selection import KFold  # takes half a second, which only searches need

    if folds > len(decoded.train_labels):
        raise Wrong("{} folds of {:,} rows".format(folds, len(decoded.train_labels)))
    split = KFold(folds, shuffle=True, random_state=SEED).split(decoded.train_labels)
    train, test = list(split)[which - 1]
    images, labels = decoded.train_images, decoded.train_labels
    return decoded._replace(
        train_images=images[train], train_labels=labels[train], test_images=images[test], test_labels=labels[test]
    )


def augmented(decoded, augment):
    """Return decoded with as many variants of the train split, one after the other; the test split stays as it is.

    augment: shift, a share of the side, zoom, a share, and shear, in radians, are the largest that is drawn, each uniformly to
    both sides, for each image anew; flip: half of the images are mirrored. So does Keras' ImageDataGenerator, whose edges are
    repeated likewise.
    """
    images = decoded.train_images
    if images.ndim != 4:
        raise Wrong("augment: a text cannot be shifted or flipped; wanted none")
    random = numpy.random.RandomState(SEED)  # its streams are frozen: every numpy version draws the same
    variants = [numpy.empty_like(images) for _ in range(augment["variants"])]
    for changed in variants:
        for start in range(0, len(images), CHUNK):
            chunk = images[start : start + CHUNK]
            changed[start : start + CHUNK] = warped(chunk, *drawn(random, len(chunk), images.shape[1:3], augment))
    return decoded._replace(
        train_images=numpy.concatenate(variants),
        train_labels=numpy.tile(decoded.train_labels, len(variants)),
        variants=len(variants),
    )


def drawn(random, count, sides, augment):
    """Return (matrices, offsets): float64 (count, 2, 2) and (count, 2), from a place in the new image to one in the old, in pixels."""
    shear = random.uniform(-augment["shear"], augment["shear"], count)
    zoom = random.uniform(1 - augment["zoom"], 1 + augment["zoom"], (count, 2))
    offsets = random.uniform(-augment["shift"], augment["shift"], (count, 2)) * sides
    mirror = numpy.where(random.uniform(size=count) < 0.5, -1.0, 1.0) if augment["flip"] else numpy.ones(count)
    matrices = numpy.zeros((count, 2, 2))
    matrices[:, 0, 0] = zoom[:, 0]
    matrices[:, 0, 1] = -numpy.sin(shear) * zoom[:, 1] * mirror
    matrices[:, 1, 1] = numpy.cos(shear) * zoom[:, 1] * mirror
    return matrices, offsets


def warped(images, matrices, offsets):
    """Return uint8 images whose pixel at p, counted from the centre, is the old one's at matrix * p + offset, bilinear."""
    sides = numpy.array(images.shape[1:3])
    centre = (sides - 1) / 2.0
    grid = numpy.stack(numpy.meshgrid(*[numpy.arange(side) for side in sides], indexing="ij"), axis=-1).reshape(-1, 2)
    places = numpy.einsum("nij,pj->npi", matrices, grid - centre) + offsets[:, None, :] + centre
    places = numpy.clip(places, 0, sides - 1)  # beyond the edge, the edge
    low = numpy.minimum(places.astype(int), numpy.maximum(sides - 2, 0))
    share = (places - low)[..., None]
    high = numpy.minimum(low + 1, sides - 1)
    image = numpy.arange(len(images))[:, None]
    above = mixed(images[image, low[..., 0], low[..., 1]], images[image, low[..., 0], high[..., 1]], share[:, :, 1])
    below = mixed(images[image, high[..., 0], low[..., 1]], images[image, high[..., 0], high[..., 1]], share[:, :, 1])
    return numpy.rint(mixed(above, below, share[:, :, 0])).astype(numpy.uint8).reshape(images.shape)


def mixed(one, other, share):
    return one + (other - one.astype(float)) * share
