"""What a model answers: judged, and left on disk."""

import os

import numpy


def judge(probabilities, labels):
    """Return loss and accuracy of probabilities (N, classes) against labels (N,)."""
    chosen = probabilities[numpy.arange(len(labels)), labels]
    return {
        "test_loss": float(-numpy.log(numpy.maximum(chosen, 1e-30)).mean(dtype=numpy.float64)),
        "test_accuracy": accuracy(probabilities, labels),
    }


def accuracy(probabilities, labels):
    return float((probabilities.argmax(axis=1) == labels).mean())


def save(names, labels, probabilities, out):
    if "probabilities" in names and probabilities is not None:
        numpy.save(os.path.join(out, "probabilities.npy"), probabilities)
    if "labels" in names and probabilities is not None:
        smallest = numpy.min_scalar_type(probabilities.shape[1] - 1)
        predicted, true = probabilities.argmax(axis=1).astype(smallest), labels.astype(smallest)
        numpy.savez_compressed(os.path.join(out, "labels.npz"), predicted=predicted, true=true)


def trace(number, session, probabilities, out):
    numpy.savez(os.path.join(out, "trace-{}.npz".format(number)), probabilities=probabilities, **session.weights())


def save_body(weights, names, out):
    """Leave all weights but the last layer's, as worker/pretrained.py puts them: by their place. names: in the model's order."""
    head = names[-1].rpartition("/")[0] + "/"
    kept = [name for name in names if not name.startswith(head)]
    numpy.savez(os.path.join(out, "body.npz"), **{str(place): weights[name] for place, name in enumerate(kept)})
