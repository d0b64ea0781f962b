"""Keras-MXNet, the fork of Keras 2.2 that runs on MXNet."""

import os

import mxnet as mx


def prepare(job):
    """Threads are OMP_NUM_THREADS', seeds are drawn by numpy."""


def finish():
    mx.nd.waitall()  # the loss has been read, but updates of the weights may be queued


def threads(job):
    return int(os.environ["OMP_NUM_THREADS"])


def batch_norm(symbols, **constants):
    return mx.sym.BatchNorm(*symbols, fix_gamma=False, **constants)
