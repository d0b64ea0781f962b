"""Fairness is asserted: from the same weights and batches every installed environment computes the same training.

Small models only; `nox -s parity` does all of them. docs/parity.md says what is compared and what is allowed.
"""

import re
from dataclasses import replace

import numpy
import pytest
from mounted import ROOT, worker_module

from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix
from tests import parity, reference

layers = worker_module("models.layers")
images = worker_module("tests.toy_framework.images")
steps = worker_module("tests.toy_framework.steps")
values = worker_module("tests.toy_framework.values")
network = worker_module("tests.toy_framework.network")

CELLS = read_matrix(ROOT / "matrix.toml", load(ROOT / "environments"))
LOOPS = list(dict.fromkeys(cell.environment for cell in CELLS if cell.tier == "loops"))
ENVIRONMENTS = list(dict.fromkeys(cell.environment for cell in CELLS if cell.tier not in ("loops", "export")))
PAIRS = [("logistic_regression", "sgd"), ("every_layer", "sgd"), ("fashion_mlp", "adam")]
PAIRS += [("lenet", "adam"), ("dense", "adam"), ("dense", "adadelta")]
PAIRS += [("simple_rnn_rows", "sgd"), ("gru_rows", "rmsprop")]  # the next two have the LSTM
PAIRS += [("hierarchical_rnn", "rmsprop"), ("babi_rnn", "adam")]
RECURRENT = {"simple_rnn_rows", "gru_rows", "hierarchical_rnn", "babi_rnn"}

# What is lacking: (framework or environment, models, optimizers or None for all, its own words). Any other refusal fails.
INEXPRESSIBLE = (
    ("sklearn", {"lenet"}, None, "scikit-learn's MLPClassifier has no Conv"),
    ("sklearn", {"fashion_mlp"}, None, "scikit-learn's MLPClassifier has no BatchNorm"),
    ("sklearn", {"every_layer"}, None, "scikit-learn's MLPClassifier has no Rescale"),
    ("sklearn", RECURRENT, None, "scikit-learn's MLPClassifier has no (TimeDistributed|Parallel)"),
    ("sklearn", {"dense"}, {"adadelta"}, "scikit-learn's MLPClassifier has no optimizer"),
)


def lacking(environment, model, optimizer):
    """Return in whose words the environment cannot express the pair, or None."""
    for framework, models, optimizers, words in INEXPRESSIBLE:
        is_meant = framework in (environment.framework, environment.name)
        if is_meant and model in models and (optimizers is None or optimizer in optimizers):
            return words
    return None


@pytest.fixture(params=ENVIRONMENTS)
def environment(request, built_environment):
    return built_environment(request.param)


@pytest.mark.parametrize(("model", "optimizer"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_training_agrees_with_the_reference(environment, model, optimizer):
    found = parity.verdict(environment, model, optimizer)
    print(found.words)  # shown by: pytest tests/test_parity.py -rP
    if words := lacking(environment, model, optimizer):
        assert found.kind == "cannot"
        assert re.match(words, found.words)
    else:
        assert found.kind in ("same", "excepted")


@pytest.mark.parametrize("name", LOOPS)
def test_another_loop_computes_the_same_training(name, built_environment):
    found = parity.verdict(built_environment(name), "lenet", "adam")
    print(found.words)
    assert found.kind == "same"


def test_native_weights_are_the_frameworks_own(environment, tmp_path):
    canonical = parity.train(environment, "dense", "sgd", tmp_path / "canonical")[0].arrays
    native = parity.train(environment, "dense", "sgd", tmp_path / "native", init="native")[0].arrays
    assert {name: array.shape for name, array in native.items()} == {
        name: array.shape for name, array in canonical.items()
    }
    # scikit-learn's first kernel is the canonical one: the same formula, drawn from the same stream. Its biases are not.
    assert max(numpy.abs(native[name] - canonical[name]).max() for name in canonical) > 0.01


@pytest.mark.parametrize("environment", ["jax-0.10", "keras-jax-0.10"], indirect=True)
def test_jax_compiles_a_step_once_for_one_size_of_batch(environment, tmp_path):
    telling = replace(environment, variables={**environment.variables, "JAX_LOG_COMPILES": "1"})
    parity.train(telling, "dense", "adam", tmp_path)
    assert (tmp_path / "log.txt").read_text().count("Compiling jit(step)") == 1


def test_every_model_of_the_matrix_is_checked():
    assert {cell.model for cell in CELLS} <= set(reference.SUBJECTS)


# ---------------------------------------------------------------------------------------------------------------------
# The criterion lets nothing through that is more than rounding: faults planted in the reference, in float32


def epsilon_after_the_correction(constants, weight, gradient, state, step):
    larger = constants._replace(epsilon=constants.epsilon * (1 - constants.beta_2**step) ** 0.5)
    adam_step(larger, weight, gradient, state, step)


def epsilon_outside_the_root(constants, weight, gradient, state, step):
    (v,) = state
    v += (1 - constants.rho) * (gradient * gradient - v)
    weight -= constants.learning_rate * gradient / (numpy.sqrt(v) + constants.epsilon)


def unbiased(layer, weights, given, random):
    found = batch_norm_forward(layer, weights, given, random)
    if random is not None:
        count = given[..., 0].size
        variance = given.var(axis=tuple(range(given.ndim - 1)))
        weights["moving_variance"] += (1 - layer.momentum) * variance / (count - 1)
    return found


adam_step, batch_norm_forward = steps.adam_step, values.batch_norm_forward
BACKWARD = values.batch_norm_backward
STEP_FAULTS = {
    "Adam's epsilon after the bias correction": ("adam", epsilon_after_the_correction),
    "Adam's steps counted from 2": ("adam", lambda c, w, g, state, step: adam_step(c, w, g, state, step + 1)),
    "Adam's beta_2 .99": ("adam", lambda c, *rest: adam_step(c._replace(beta_2=0.99), *rest)),
    "RMSprop's epsilon outside the root": ("rmsprop", epsilon_outside_the_root),
    "SGD's momentum .89": ("sgd", lambda c, *rest: steps.sgd_step(c._replace(momentum=0.89), *rest)),
    "Adadelta's rho .9": ("adadelta", lambda c, *rest: steps.adadelta_step(c._replace(rho=0.9), *rest)),
}
NORM_FAULTS = {
    "BatchNorm moves by the unbiased variance": unbiased,
    "BatchNorm's epsilon 1e-5": lambda layer, *rest: batch_norm_forward(layer._replace(epsilon=1e-5), *rest),
    "BatchNorm's momentum .98": lambda layer, *rest: batch_norm_forward(layer._replace(momentum=0.98), *rest),
}


def after_20_steps(model, optimizer):
    """Return for both noises how far the reference in float32, as it is now, is from what is wanted, and how far it may be."""
    both = []
    for seed in reference.SUBJECTS[model].seeds:
        found = reference.training(model, optimizer, seed, numpy.float32)
        wanted = reference.wanted(model, optimizer, seed)
        both.append((reference.deviations(found, wanted.snapshots)[-1], wanted.allowed[-1]))
    print(" ".join(f"{far:.1e}, allowed {allowed:.1e};" for far, allowed in both))
    return both


def is_found(both):
    return [far > allowed for far, allowed in both] == [True, True]


@pytest.mark.parametrize("model", ["dense", "lenet"])
@pytest.mark.parametrize("fault", STEP_FAULTS)
def test_a_wrong_step_is_found_after_20_steps(fault, model, monkeypatch):
    optimizer, step = STEP_FAULTS[fault]
    assert all(far <= allowed for far, allowed in after_20_steps(model, optimizer))
    kind = worker_module("models.optimizers").BY_NAME[optimizer]
    monkeypatch.setitem(steps.OPTIMIZERS, kind, (step, steps.OPTIMIZERS[kind][1]))
    assert is_found(after_20_steps(model, optimizer))


@pytest.mark.parametrize("fault", NORM_FAULTS)
def test_a_wrong_batch_norm_is_found_after_20_steps(fault, monkeypatch):
    assert all(far <= allowed for far, allowed in after_20_steps("every_layer", "sgd"))
    monkeypatch.setitem(network.LAYERS, layers.BatchNorm, (NORM_FAULTS[fault], BACKWARD))
    assert is_found(after_20_steps("every_layer", "sgd"))


def test_padding_on_the_other_side_is_found_after_20_steps(monkeypatch):
    assert all(far <= allowed for far, allowed in after_20_steps("every_layer", "sgd"))
    right_and_below = images.same_padding
    monkeypatch.setattr(images, "same_padding", lambda *window: right_and_below(*window)[::-1])
    assert is_found(after_20_steps("every_layer", "sgd"))


def scaled(passed, gradient=1.0, own=1.0):
    """Return a backward pass whose gradients of the input and of the layer's own weights are that much too large."""

    def backward(*given):
        by_input, by_weights = passed(*given)
        return gradient * by_input, {name: own * values for name, values in by_weights.items()}

    return backward


DEPTHWISE = network.LAYERS[layers.DepthwiseConv]
# Each is less than what rounding does to the canonical weights of MobileNetV2, which set ReLU6 inputs beside its bends.
SMALL_FAULTS = {
    "BatchNorm's gradient 1 % too large": (layers.BatchNorm, (batch_norm_forward, scaled(BACKWARD, gradient=1.01))),
    "a depthwise kernel's 5 % too large": (layers.DepthwiseConv, (DEPTHWISE[0], scaled(DEPTHWISE[1], own=1.05))),
}


@pytest.mark.parametrize("fault", SMALL_FAULTS)
def test_a_fault_of_mobilenet_v2_is_found_after_20_steps(fault, monkeypatch):
    seed, _ = reference.SUBJECTS["mobilenet_v2"].seeds
    exact = reference.training("mobilenet_v2", "adam", seed)
    rounded = reference.training("mobilenet_v2", "adam", seed, numpy.float32)
    monkeypatch.setitem(network.LAYERS, *SMALL_FAULTS[fault])
    wrong = reference.training("mobilenet_v2", "adam", seed, numpy.float32)
    near, far = reference.deviations(rounded, exact)[-1], reference.deviations(wrong, exact)[-1]
    print(f"{far:.1e}, without it {near:.1e}")
    assert near <= reference.TOLERANCE
    assert far > reference.FACTOR * reference.TOLERANCE
