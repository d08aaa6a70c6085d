"""Losses with forward(predictions, labels) and backward(predictions, labels); all are means over the samples."""

import numpy as np

BATCH_SIZE = 32
N_CLASSES = 10


class CategoricalCrossEntropy:
    """Labels are class numbers or one-hot rows."""

    def forward(self, y_pred, y_true):
        samples = len(y_pred)
        if len(y_true.shape) == 1:
            confidences = y_pred[range(samples), y_true]
        else:
            confidences = np.sum(y_pred * y_true, axis=1)
        self.output = np.mean(-np.log(confidences))
        return self.output

    def backward(self, y_pred, y_true):
        samples = len(y_pred)
        labels = y_pred.shape[1]
        if len(y_true.shape) == 1:
            y_true = np.eye(labels, dtype=y_pred.dtype)[y_true]
        self.dinputs = -y_true / y_pred
        # normalise by the batch
        self.dinputs = self.dinputs / samples
        return self.dinputs


class ClippedCrossEntropy:
    """One-hot labels; probabilities are kept away from 0, and there the gradient is 0."""

    def __init__(self, epsilon=1e-7):
        self.epsilon = epsilon

    def forward(self, probabilities, targets):
        clipped = np.clip(probabilities, self.epsilon, 1 - self.epsilon)
        return -np.mean(np.sum(targets * np.log(clipped), axis=1))

    def backward(self, probabilities, targets):
        inside = (probabilities > self.epsilon) & (probabilities < 1 - self.epsilon)
        clipped = np.clip(probabilities, self.epsilon, 1 - self.epsilon)
        return np.where(inside, -targets / clipped, 0) / len(probabilities)


class BinaryCrossEntropy:
    def forward(self, predictions, labels):
        losses = -(labels * np.log(predictions) + (1 - labels) * np.log(1 - predictions))
        self.output = losses.mean()
        return self.output

    def backward(self, predictions, labels):
        gradient = -(labels / predictions - (1 - labels) / (1 - predictions))
        self.dinputs = gradient / predictions.size
        return self.dinputs


class MeanSquaredError:
    def forward(self, predictions, targets):
        self.output = np.mean((targets - predictions) ** 2)
        return self.output

    def backward(self, predictions, targets):
        # d/dp (t - p)^2 = -2 (t - p)
        self.dinputs = -2 * (targets - predictions) / targets.size
        return self.dinputs


class MeanAbsoluteError:
    def forward(self, predictions, targets):
        return np.abs(targets - predictions).mean()

    def backward(self, predictions, targets):
        return np.sign(predictions - targets) / targets.size


class HuberLoss:
    def __init__(self, delta=1.0):
        self.delta = delta

    def forward(self, predictions, targets):
        error = predictions - targets
        small = np.abs(error) <= self.delta
        quadratic = 0.5 * error**2
        linear = self.delta * (np.abs(error) - 0.5 * self.delta)
        self.output = np.where(small, quadratic, linear).mean()
        return self.output

    def backward(self, predictions, targets):
        error = predictions - targets
        small = np.abs(error) <= self.delta
        self.dinputs = np.where(small, error, self.delta * np.sign(error)) / error.size
        return self.dinputs
