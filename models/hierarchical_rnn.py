"""The network of Keras' mnist_hierarchical_rnn.py example (study 001, K4): 199,434 parameters on 28x28x1, 10 classes.

An LSTM reads each row, another the rows' vectors. Gates as in Keras 2.0.8, which the study used.
"""

from .layers import LSTM, Dense, TimeDistributed


def layers(classes):
    return (
        TimeDistributed((LSTM(128, gates="hard_sigmoid"),)),
        LSTM(128, gates="hard_sigmoid"),
        Dense(classes),
    )
