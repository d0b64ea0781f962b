"""Keras 2 on Theano: where it compiles to, and with what."""

import os
import sys

# Theano compiles each graph to C once and keeps that below ~/.theano. A worker's home is its own, so that each would compile anew.
os.environ["THEANO_FLAGS"] = "floatX=float32,base_compiledir=" + os.path.join(sys.prefix, "theano")

import theano  # noqa: E402  it reads the flags


def prepare(job):
    """Threads are OMP_NUM_THREADS', seeds numpy's."""


def finish():
    """Return: a function of Theano on the CPU returns when it is done."""


def threads(job):
    return int(os.environ["OMP_NUM_THREADS"]) if theano.config.openmp else 1
