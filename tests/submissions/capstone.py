"""Answers to exercise 06-capstone. One that is right in part stands in `PARTS`, with its points on the practice set."""

import numpy as np

from submissions import right, wrong

# --- train_classifier ------------------------------------------------------------------------------------------------


@right("train_classifier")
def a_plain_logistic_regression(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", solver="liblinear", random_state=seed).fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 1]


@right("train_classifier")
def a_pipeline_with_grouped_search(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    model = make_pipeline(FunctionTransformer(np.sqrt), LogisticRegression(class_weight="balanced", solver="liblinear"))
    search = GridSearchCV(model, {"logisticregression__C": [0.3, 3]}, cv=GroupKFold(3), scoring="roc_auc")
    search.fit(features, labels, groups=patients)

    class Classifier:
        def __call__(self, features):
            return search.predict_proba(features)[:, 1].tolist()

    return Classifier()


@right("train_classifier")
def gradient_descent_by_hand(features, labels, patients, seed):
    rng = np.random.default_rng(seed)
    middle, scale = features.mean(axis=0), features.std()
    x, y = (features - middle) / scale, labels.astype(float)
    w = np.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    weights, bias = rng.normal(0, 0.01, x.shape[1]), 0.0
    for _ in range(800):
        error = w * (1 / (1 + np.exp(-(x @ weights + bias))) - y)
        weights -= 1.0 * (x.T @ error + 1e-4 * weights)
        bias -= 1.0 * error.sum()
    return lambda features: 1 / (1 + np.exp(-((features - middle) / scale @ weights + bias)))


@wrong("train_classifier", says="Nothing came back")
def without_a_return(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression(solver="liblinear").fit(features, labels)


@wrong("train_classifier", says="The model itself came back (LogisticRegression)")
def the_model(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight="balanced", solver="liblinear").fit(features, labels)


@wrong("train_classifier", says="Predictions came back")
def predictions_for_the_training_cases(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(solver="liblinear").fit(features, labels).predict_proba(features)[:, 1]


@wrong("train_classifier", says="nothing was learned from the features")
def a_constant(features, labels, patients, seed):
    share = labels.mean()
    return lambda features: np.full(len(features), share)


@wrong("train_classifier", says="The order is turned round")
def probability_of_normal(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", solver="liblinear").fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 0]


@wrong("train_classifier", says="Two columns came")
def both_columns(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight="balanced", solver="liblinear").fit(features, labels).predict_proba


@wrong("train_classifier", says="`[:, 0]` takes the only column")
def a_column(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", solver="liblinear").fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 1:]


@wrong("train_classifier", says="one probability for each row")
def one_probability_for_all(features, labels, patients, seed):
    share = float(labels.mean())
    return lambda features: share


@wrong("train_classifier", says="a distance from the border between the classes")
def distances(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", solver="liblinear").fit(features, labels)
    return lambda features: model.decision_function(features)


@wrong("train_classifier", says="a channel that is always 0")
def divided_by_zero(features, labels, patients, seed):
    middle, deviation = features.mean(axis=0), features.std(axis=0)
    deviation[deviation < 0.02] = 0  # a mean over few cases may hide such a channel
    return lambda features: 1 / (1 + np.exp(-((features - middle) / deviation).mean(axis=1)))


@wrong("train_classifier", says="Something is drawn without the seed")
def global_randomness(features, labels, patients, seed):
    weights = np.random.normal(size=features.shape[1])  # noqa: NPY002
    return lambda features: 1 / (1 + np.exp(-(features @ weights) / 100))


@wrong("train_classifier", says="The function uses more than the case")
def scaled_by_the_cases_asked_about(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    def scaled(features):
        return (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)

    model = LogisticRegression(C=0.01, class_weight="balanced", solver="liblinear").fit(scaled(features), labels)
    return lambda features: model.predict_proba(scaled(features))[:, 1]


@wrong("train_classifier", says="Your function changes its arguments")
def scaled_in_place(features, labels, patients, seed):
    features -= features.mean(axis=0)
    return a_constant(features, labels, patients, seed)


@wrong("train_classifier", says="The cases are in no order")
def random_weights(features, labels, patients, seed):
    weights = np.random.default_rng([seed, 5]).normal(size=features.shape[1])
    weights -= weights.mean()
    return lambda features: np.abs(np.sin(1e4 * (features @ weights)))


@wrong("train_classifier", says="A name is used that nothing defines")
def with_the_test_labels(features, labels, patients, seed):
    return lambda features: test_labels.astype(float)  # noqa: F821


@wrong("train_classifier", says="neither `train` nor `test` of the notebook")
def fitted_on_the_practice_set(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    from autograder.capstone_data import load

    train, _ = load()
    model = LogisticRegression(class_weight="balanced", solver="liblinear").fit(train.features, train.labels)
    return lambda features: model.predict_proba(features)[:, 1]


@wrong("train_classifier", says="It has learned from other cases than those that it was given")
def fitted_on_the_test_cases_too(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    from autograder.capstone_data import load

    _, test = load()
    features, labels = np.vstack([features, test.features]), np.append(labels, test.labels)
    model = LogisticRegression(class_weight="balanced", solver="liblinear").fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 1]


# --- right in part ---------------------------------------------------------------------------------------------------


def calls_only(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", solver="liblinear").fit(features, labels)
    return model.predict


def a_forest_unweighted(features, labels, patients, seed):
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(100, random_state=seed).fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 1]


def standardised_and_unweighted(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.001, random_state=seed)).fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 1]


def standardised_and_weighted(features, labels, patients, seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    model.fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 1]


def a_forest_with_a_cut(features, labels, patients, seed):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    model, folds = RandomForestClassifier(20, random_state=seed), StratifiedGroupKFold(3)
    p = cross_val_predict(model, features, labels, groups=patients, cv=folds, method="predict_proba")[:, 1]
    cuts = np.unique(p)
    cut = cuts[np.argmax([np.mean(p[labels == 1] >= c) + np.mean(p[labels == 0] < c) for c in cuts])]
    model.fit(features, labels)
    return lambda features: np.clip(model.predict_proba(features)[:, 1] - cut + 0.5, 0, 1)


# Program -> the words that its message must hold.
UNWEIGHTED = "weigh the classes alike, or choose the cut with such cases"
CHOICE = "the other scanner's part, and chance"
PARTS = {
    calls_only: "Only 0 and 1 came",
    a_forest_unweighted: UNWEIGHTED,
    standardised_and_unweighted: UNWEIGHTED,
    standardised_and_weighted: CHOICE,
    a_forest_with_a_cut: CHOICE,
}
