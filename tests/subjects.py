"""The models as parity trains them: as small as their strides allow, on noise.

Their seeds are chosen by the reference alone, with `python -m tests.seeds MODEL`: the first two with which it rounds calmly.
With others some input of a ReLU lies so near to zero that rounding decides its sign.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Subject(NamedTuple):
    shape: tuple[int, ...]
    parameters: Mapping[str, Any] = {}
    epsilon: float = 1e-2  # of Adam
    seeds: tuple[int, int] = (1, 2)  # of the noise, and of that which is tried where a training is not near with it
    apart: bool = False  # begins with every ReLU6 far from where it bends, see reference.set_apart


SUBJECTS = {
    "alexnet": Subject((67, 67, 3), seeds=(3, 1)),
    "babi_rnn": Subject((25,), {"story": 20, "question": 5}),
    # Its gradients are large: with an epsilon of 1e-2 a ReLU that comes or goes is much.
    "bn_cnn": Subject((26, 26, 3), epsilon=1e-4, seeds=(4, 7)),
    "cats_dogs_cnn": Subject((32, 32, 3)),
    "cifar_cnn": Subject((10, 10, 3), seeds=(2, 3)),
    "dense": Subject((8, 8, 1)),
    "every_layer": Subject((13, 13, 3), seeds=(1, 3)),
    "fashion_mlp": Subject((8, 8, 1), {"activation": "selu", "batch_norm": "after", "initial": "lecun_normal"}),
    "fashion_refined": Subject((8, 8, 1)),
    "gru_rows": Subject((8, 8, 1)),
    "hierarchical_rnn": Subject((8, 8, 1)),
    "lenet": Subject((32, 32, 1), seeds=(1, 4)),
    "logistic_regression": Subject((8, 8, 1)),
    "lstm_rows": Subject((8, 8, 1)),
    "mlp": Subject((8, 8, 1)),
    "mnist_cnn": Subject((8, 8, 1)),
    # 52 normalisations make 1e-4 of a first rounding of 2e-7; then some of its millions of ReLU6 inputs change sides.
    "mobilenet_v2": Subject((48, 48, 3), apart=True),
    "residual_net": Subject((32, 32, 3)),
    "simple_cnn": Subject((32, 32, 3)),
    "simple_rnn_rows": Subject((8, 8, 1)),
    "vgg16": Subject((32, 32, 3), {"width": 256}, seeds=(17, 14)),
    "xception": Subject((16, 16, 3), {"side": 71, "frozen": True}),
}
