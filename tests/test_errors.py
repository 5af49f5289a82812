from __future__ import annotations

import pickle

import pytest

from tlx.errors import ConfigError, Fault, TlxError, did_you_mean

STRATEGIES = ("feature_extraction", "partial", "structure_reuse")


def test_fault_as_text_names_value_reason_and_remedy() -> None:
    fault = Fault("data.train_per_class", 999, "class '8' has 87 images", "Use at most 77.")
    assert str(fault) == "data.train_per_class=999: class '8' has 87 images. Use at most 77."


def test_config_error_as_text_has_one_line_per_fault() -> None:
    faults = [Fault("a", 1, "too small", "Use 2."), Fault("b", 9, "too large", "Use 8.")]
    error = ConfigError(faults)
    assert str(error) == "a=1: too small. Use 2.\nb=9: too large. Use 8."
    assert error.faults == tuple(faults)
    assert isinstance(error, TlxError)


def test_config_error_pickled_keeps_its_faults() -> None:
    error = ConfigError([Fault("a", 1, "too small", "Use 2.")])
    assert pickle.loads(pickle.dumps(error)).faults == error.faults


@pytest.mark.parametrize(
    ("typed", "remedy"),
    [
        ("partail", "Did you mean 'partial'?"),
        ("structure-reuse", "Did you mean 'structure_reuse'?"),
        ("xyz", "Choose from: feature_extraction, partial, structure_reuse."),
        ("", "Choose from: feature_extraction, partial, structure_reuse."),
    ],
)
def test_did_you_mean_names_the_closest_choice_or_all(typed: str, remedy: str) -> None:
    assert did_you_mean(typed, STRATEGIES) == remedy


def test_did_you_mean_with_equally_close_choices_names_them_all() -> None:
    assert did_you_mean("resnet5", ["resnet50", "resnet18", "vgg11"]) == "Did you mean 'resnet50'?"
    assert did_you_mean("vit_b_36", ["vit_b_16", "vit_b_32", "vgg11"]) == (
        "Did you mean 'vit_b_32' or 'vit_b_16'?"
    )


def test_did_you_mean_with_many_choices_shows_thirty() -> None:
    remedy = did_you_mean("zzz", [f"a{i:02d}" for i in range(40)])
    assert remedy.startswith("Choose from: a00, a01, ")
    assert remedy.endswith(", a29, ....")
