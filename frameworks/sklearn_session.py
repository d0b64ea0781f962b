"""The adapter of scikit-learn: MLPClassifier, or LogisticRegression where the job leaves the optimizer to it. CPU only."""

import warnings

import numpy
import scipy
import sklearn
import threadpoolctl
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from ..models.layers import Activation, Dense, Flatten, NotExpressible
from ..models.optimizers import SGD, Adam
from ..models.weights import weight_shapes

# fit() forgets lbfgs' memory of the curvature, so epochs of one iteration would be gradient descent.
LBFGS_ITERATIONS_PER_EPOCH = 10

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}

SOLVERS = {
    SGD: lambda own: {
        "solver": "sgd",
        "momentum": own.momentum,
        "nesterovs_momentum": False,
        "learning_rate": "constant",
    },
    Adam: lambda own: {"solver": "adam", "beta_1": own.beta_1, "beta_2": own.beta_2, "epsilon": own.epsilon},
}


def hidden_layers(layers):
    """Return (units of each hidden layer, their activation). Raises NotExpressible for what scikit-learn cannot express."""
    for layer in layers:
        if type(layer) not in (Flatten, Dense, Activation):
            raise NotExpressible("scikit-learn's MLPClassifier has no {}".format(type(layer).__name__))
    body = [layer for layer in layers if type(layer) is not Flatten]
    dense, activations = body[::2], body[1::2]
    alternating = all(type(layer) is Dense for layer in dense) and all(
        type(layer) is Activation for layer in activations
    )
    if len(body) % 2 == 0 or not alternating or len(set(activations)) > 1:
        raise NotExpressible(
            "scikit-learn's MLPClassifier wants Dense layers with one and the same Activation between them"
        )
    if not all(layer.bias for layer in dense):
        raise NotExpressible("scikit-learn's MLPClassifier has no Dense without bias")
    return [layer.units for layer in dense[:-1]], ACTIVATIONS[activations[0].function] if activations else "identity"


class Perceptron:
    """MLPClassifier, driven epoch by epoch."""

    def __init__(self, job, images, weights):
        units, activation = hidden_layers(job.layers)
        if type(job.optimizer) not in SOLVERS:
            raise NotExpressible("scikit-learn's MLPClassifier has no optimizer {!r}".format(job.optimizer))
        if job.classes == 2:
            raise NotExpressible(
                "scikit-learn's MLPClassifier trains one logistic output for two classes, not two with softmax"
            )
        self.estimator = MLPClassifier(
            units,
            activation=activation,
            alpha=0.0,
            batch_size=job.batch_size,
            shuffle=False,
            random_state=job.seed,
            n_iter_no_change=numpy.inf,
            **SOLVERS[type(job.optimizer)](job.optimizer),
        )
        self.batch_size = job.batch_size
        self.start(images[:1], job, weights)

    def start(self, image, job, weights):
        # Only a step of training makes the arrays, so one is made that changes nothing, and its optimizer's state is dropped.
        self.estimator.set_params(learning_rate_init=1e-300, batch_size=1)
        self.estimator.partial_fit(image, [0], classes=numpy.arange(job.classes))
        self.estimator.set_params(learning_rate_init=job.optimizer.learning_rate)
        del self.estimator._optimizer
        if weights is not None:
            self.estimator.coefs_ = [kernel.copy() for kernel in weights[::2]]
            self.estimator.intercepts_ = [bias.copy() for bias in weights[1::2]]

    def train(self, images, labels):
        self.estimator.set_params(
            batch_size=min(self.batch_size, len(labels))
        )  # it warns of batches larger than the rows
        self.estimator.partial_fit(images, labels)
        return self.estimator.loss_

    def weights(self):
        return [array for pair in zip(self.estimator.coefs_, self.estimator.intercepts_) for array in pair]


class Logistic:
    """LogisticRegression without regularisation, LBFGS_ITERATIONS_PER_EPOCH over all rows of an epoch; batches play no part."""

    def __init__(self, job, images, weights):
        if [type(layer) for layer in job.layers] != [Flatten, Dense]:
            raise NotExpressible("scikit-learn's LogisticRegression is Flatten and Dense, nothing else")
        self.bias = job.layers[-1].bias
        self.classes = numpy.arange(job.classes)
        self.estimator = LogisticRegression(
            C=numpy.inf,
            solver="lbfgs",
            tol=0.0,
            max_iter=LBFGS_ITERATIONS_PER_EPOCH,
            warm_start=True,
            fit_intercept=self.bias,
        )
        if weights is None:  # scikit-learn starts from zeros
            weights = [numpy.zeros((images.shape[1], job.classes), numpy.float32)]
        kernel, bias = weights if len(weights) == 2 else (weights[0], numpy.zeros(job.classes, numpy.float32))
        if job.classes == 2:  # scikit-learn keeps the difference of the two logits only
            kernel, bias = kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1]
        self.estimator.classes_ = self.classes
        self.estimator.coef_, self.estimator.intercept_ = kernel.T.copy(), bias.copy()

    def train(self, images, labels):
        seen, named, shares = images, labels, None
        missing = numpy.setdiff1d(self.classes, labels)
        if len(missing):  # fit() knows only the classes that it is shown; rows of no weight show the others
            seen = numpy.concatenate([images, images[:1].repeat(len(missing), axis=0)])
            named = numpy.concatenate([labels, missing])
            shares = numpy.repeat([1.0, 0.0], [len(labels), len(missing)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # an epoch is meant to end before convergence
            self.estimator.fit(seen, named, shares)
        chosen = self.estimator.predict_proba(images)[numpy.arange(len(labels)), labels]
        return -numpy.log(numpy.maximum(chosen, 1e-30)).mean(dtype=numpy.float64)

    def weights(self):
        kernel, bias = self.estimator.coef_.T, self.estimator.intercept_
        if len(self.classes) == 2:
            kernel, bias = numpy.hstack([-kernel / 2, kernel / 2]), numpy.hstack([-bias / 2, bias / 2])
        return [kernel, bias] if self.bias else [kernel]


class Session:
    def __init__(self, job, arrays):
        if job.device != "cpu":
            raise NotExpressible("scikit-learn trains on the CPU only, and the job wants {!r}".format(job.device))
        self.job = job
        threadpoolctl.threadpool_limits(job.threads)
        self.images = {
            split: images.reshape(len(images), -1)
            for split, images in (("train", arrays.train_images), ("test", arrays.test_images))
        }
        self.labels = numpy.array(arrays.train_labels)
        self.names = [weight.name for weight in weight_shapes(job.layers, job.input_shape)]
        weights = None if arrays.weights is None else [arrays.weights[name] for name in self.names]
        kind = Logistic if job.optimizer is None else Perceptron
        self.model = kind(job, self.images["train"], weights)

    def train_epoch(self, order):
        return float(self.model.train(self.images["train"][order], self.labels[order]))

    def predict(self, split):
        images, size = self.images[split], self.job.batch_size
        batches = [images[start : start + size] for start in range(0, len(images), size)]
        found = [self.model.estimator.predict_proba(batch) for batch in batches]
        return numpy.concatenate(found).astype(numpy.float32)

    def weights(self):
        return {name: numpy.array(values, numpy.float32) for name, values in zip(self.names, self.model.weights())}

    def finish(self):
        """Nothing is ever queued."""

    def about(self):
        return {
            "framework": "sklearn",
            "version": sklearn.__version__,
            "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": numpy.__version__},
            "device": "cpu",
            "threads": max(pool["num_threads"] for pool in threadpoolctl.threadpool_info()),
            "determinism": {"seed": self.job.seed},
            "estimator": str(self.model.estimator),
        }

    def device_peak_bytes(self):
        return None
