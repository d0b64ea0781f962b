"""The adapter of Keras 3 on TensorFlow with model.fit() around a step of one's own, as Keras' guide overrides train_step()."""

import tensorflow as tf

from . import keras_fit_session


class OwnStep(tf.keras.Model):
    def train_step(self, data):
        images, labels = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=labels, y_pred=self(images, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:  # the mean loss is the only one
            metric.update_state(loss, sample_weight=tf.shape(images)[0])
        return {metric.name: metric.result() for metric in self.metrics}


class Session(keras_fit_session.Session):
    model_type = OwnStep
