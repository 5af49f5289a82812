from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sklearn.given import blobs, digits
from tlx.sklearn import TransferClassifier, TransferRegressor
from tlx.sklearn.faults import ParameterError
from tlx.sklearn.words import words_of_parameters


@pytest.fixture(autouse=True)
def _no_store_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLX_ACTIVATIONS", "store")


def words(kind: Any = "pixels", number: bool = False, **parameters: Any) -> tuple[str, ...]:
    given = TransferClassifier(**parameters).get_params()
    return words_of_parameters(given, kind, predicts_number=number)


def test_words_of_images_leave_tlx_its_defaults() -> None:
    assert words() == ("activations.per_example=true", "data.val_fraction=0.2")


def test_words_of_rows_without_a_model_a_train_from_scratch() -> None:
    assert words("rows", number=True) == (
        "activations.per_example=true",
        "loss='mse'",
        "backbone='mlp'",
        "trainer.threads=1",
        "strategy='structure_reuse'",
        "strategy.init='scratch'",
        "data.val_fraction=0.2",
    )


def test_words_of_parameters_are_the_options_of_the_same_meaning() -> None:
    found = words(
        backbone="resnet18", weights=Path("a b"), strategy="partial", epochs=3, learning_rate=0.1,
        batch_size=8, device="cpu", features="kept", overrides=["strategy.train_stages=1"],
    )  # fmt: skip
    assert sorted(found) == [
        "activations.folder='kept'",
        "activations.per_example=true",
        "backbone.weights='a b'",
        "backbone='resnet18'",
        "data.val_fraction=0.2",
        "optimizer.lr=0.1",
        "strategy.train_stages=1",
        "strategy='partial'",
        "trainer.batch_size=8",
        "trainer.device='cpu'",
        "trainer.epochs=3",
    ]


def test_words_of_rows_prepare_them_as_the_run_did_whose_weights_they_take(tmp_path: Path) -> None:
    (tmp_path / "preparation.json").write_text("{}")
    assert f"data.preparation='{tmp_path}'" in words("rows", weights=tmp_path)
    assert not any("preparation" in w for w in words("rows", weights=tmp_path, scaling="none"))


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (
            {"overrides": "trainer.epochs=3"},
            "overrides=trainer.epochs=3: it is no list of words. Give KEY=VALUE in a list, as "
            "tlx.train takes them.",
        ),
        (
            {"overrides": ("-m", "partial")},
            "overrides=-m: it is no option. Give KEY=VALUE, as tlx.train takes it.\n"
            "overrides=partial: it is no option. Give KEY=VALUE, as tlx.train takes it.",
        ),
        (
            {"epochs": 2, "overrides": ("trainer.epochs=3", "seed=1", "data=digits")},
            "overrides=seed=1: random_state is the seed. Leave it out.\n"
            "overrides=data=digits: X and y are the data. Leave it out.\n"
            "overrides=trainer.epochs=3: epochs=2 says it. Leave one of them out.",
        ),
        (
            {"epochs": object},
            "parameters=?: trainer.epochs: a type has no form on a command line. Give plain "
            "values.",
        ),
    ],
)
def test_overrides_that_no_fit_can_take_are_refused(parameters: Any, told: str) -> None:
    with pytest.raises(ParameterError) as caught:
        words(**parameters)
    assert str(caught.value) == told


FAULTS = [
    (
        {"strategy": "partail"},
        "strategy=partail: strategy has no option 'partail'. Did you mean 'partial'?",
    ),
    (
        {"epochs": 0},
        "epochs=0: must be greater than or equal to 1. It takes a whole number at least 1.",
    ),
    (
        {"overrides": ["trainer.threads=0"]},
        "trainer.threads=0: must be greater than or equal to 1. It takes a whole number at least 1 "
        "or null.",
    ),
    (
        {"val_fraction": 1.5},
        "val_fraction=1.5: must be less than 1. It takes a number above 0 and below 1.",
    ),
    ({"scaling": "standard"}, "scaling=standard: it goes with rows of numbers. Leave it out."),
    (
        {"backbone": "mlp"},
        "backbone=mlp: it takes rows of features, and data=in_memory gives images. Use "
        "data=table_csv, or a torchvision builder such as backbone=resnet18.",
    ),
    (
        {"overrides": ["optimizer.lr=1,2"]},
        "optimizer.lr=1,2: several values need a sweep. Add -m to run each of them, or write [a,b] "
        "for a list.",
    ),
    ({"overrides": ["data.size=8"]}, "data.size=8: it goes with image files. Leave it out."),
]


@pytest.mark.parametrize(("parameters", "told"), FAULTS)
def test_parameters_of_images_are_checked_as_options_are(parameters: Any, told: str) -> None:
    images, labels = digits(8)
    with pytest.raises(ParameterError) as caught:
        TransferClassifier(**parameters).fit(images, labels)
    assert str(caught.value) == told


def test_several_faults_of_rows_are_told_at_once_and_as_a_value_error() -> None:
    rows, labels = blobs()
    model = TransferRegressor(epochs=0, learning_rate=-1.0, overrides=["data.size=3"])
    with pytest.raises(ValueError) as caught:
        model.fit(rows, labels)
    told = [fault.key for fault in caught.value.faults]  # type: ignore[attr-defined]
    assert told == ["learning_rate", "epochs", "data.size"]
