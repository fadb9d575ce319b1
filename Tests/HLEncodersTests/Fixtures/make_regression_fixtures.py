"""Makes regression.safetensors: logistic regressions and 11-point average precisions, by scikit-learn in float64.

    python make_regression_fixtures.py [directory]

90 samples of 6 features, uniform values of the formula of Tests/Support to which 3 is added (so that the features are far
from centred) and, at place i % 3 of sample i, 0.4; nothing of that is stored. Fitted at the penalties 0.01, 1 and 100,
C = 1/penalty, down to a gradient of 1e-10:

- `softmax.weight` [3, 3, 6], `softmax.bias` [3, 3], `softmax.objective` [3]: labels i % 3.
- `binary.weight` [3, 1, 6], `binary.bias` [3, 1], `binary.objective` [3]: labels i % 2.
- `several.weight` [3, 4, 6], `several.bias` [3, 4], `several.objective` [3], the sum over the classes: class c is shown where
  the formula's `regression.shown` [90, 4] is below 0.4.
- `precisions` [4]: of the scores that the formula's `regression.scores` [90, 4] are, rounded down to tenths, so that there
  are ties; the greatest precision of scikit-learn's curve at recalls 0, 0.1, ..., 1, as VOC 2007 has it.
- `ridge.weight` [3, 6], `ridge.bias` [3]: scikit-learn's RidgeClassifierCV on the labels i % 3, of the penalties
  `ridge.penalties` [13], which are 1e-4 to 1e2 times the mean over the features of their centred squares' sums;
  `ridge.errors` [13], the mean squares of the residuals of left-out samples, and `ridge.penalty` [1], the one chosen.
"""

import os
import pathlib
import sys

import numpy as np
import sklearn
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import precision_recall_curve

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import uniform

COUNT, WIDTH, PENALTIES = 90, 6, [0.01, 1, 100]


def fit(features, labels, penalty):
    model = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=100_000).fit(features, labels)
    scores = model.decision_function(features)
    if scores.ndim == 1:
        loss = np.logaddexp(0, np.where(labels == 1, -scores, scores)).sum()
    else:
        loss = (np.logaddexp.reduce(scores, 1) - scores[np.arange(COUNT), labels]).sum()
    return model.coef_, model.intercept_, loss / penalty + 0.5 * (model.coef_**2).sum()


def main(directory):
    features = uniform("regression.features", (COUNT, WIDTH)).astype(np.float32).astype(float) + 3
    features[np.arange(COUNT), np.arange(COUNT) % 3] += np.float32(0.4)
    features = features.astype(np.float32).astype(float)
    shown = (uniform("regression.shown", (COUNT, 4)) < 0.4).astype(int)
    cases = {"softmax": [np.arange(COUNT) % 3], "binary": [np.arange(COUNT) % 2], "several": list(shown.T)}
    tensors = {}
    for name, labels in cases.items():
        fits = [[fit(features, label, penalty) for label in labels] for penalty in PENALTIES]
        tensors[f"{name}.weight"] = np.array([np.concatenate([w for w, _, _ in each]) for each in fits])
        tensors[f"{name}.bias"] = np.array([np.concatenate([b for _, b, _ in each]) for each in fits])
        tensors[f"{name}.objective"] = np.array([sum(o for _, _, o in each) for each in fits])
    scores, precisions = np.floor(10 * uniform("regression.scores", (COUNT, 4))), []
    for label in range(4):
        precision, recall, _ = precision_recall_curve(shown[:, label], scores[:, label])
        # Without the point that scikit-learn appends, a precision of 1 at recall 0.
        precision, recall = precision[:-1], recall[:-1]
        precisions.append(np.mean([precision[recall >= point / 10].max() for point in range(11)]))
    tensors["precisions"] = np.array(precisions)
    penalties = np.logspace(-4, 2, 13) * ((features - features.mean(0)) ** 2).sum(0).mean()
    ridge = RidgeClassifierCV(alphas=penalties, store_cv_results=True).fit(features, cases["softmax"][0])
    tensors |= {
        "ridge.weight": ridge.coef_, "ridge.bias": ridge.intercept_, "ridge.penalties": penalties,
        "ridge.penalty": np.array([ridge.alpha_]), "ridge.errors": ridge.cv_results_.mean((0, 1))}
    save_file(
        {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()},
        os.path.join(directory, "regression.safetensors"), metadata={"scikit-learn": sklearn.__version__})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
