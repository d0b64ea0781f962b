"""The network of Keras' babi_rnn.py example (study 001, K5): 45,836 parameters on 552 words of story and 5 of question, 36 words.

The answer is one of the words, so the classes are the vocabulary. Gates as in Keras 2.0.8, which the study used.
"""

from .layers import LSTM, Dense, Dropout, Embedding, Parallel, RepeatVector, Select


def layers(classes, story=552, question=5):
    """Return the layers. story, question: their words, one after the other in a row."""
    told = (Select(0, story), Embedding(classes, 50), Dropout(0.3))
    asked = (
        Select(story, story + question),
        Embedding(classes, 50),
        Dropout(0.3),
        LSTM(50, gates="hard_sigmoid"),
        RepeatVector(story),
    )
    return (
        Parallel((told, asked), "add"),
        LSTM(50, gates="hard_sigmoid"),
        Dropout(0.3),
        Dense(classes),
    )
