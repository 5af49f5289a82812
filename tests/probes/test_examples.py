from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tlx.probes.examples import examples

NAN = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("features", "labels", "said"),
    [
        (torch.ones(2, 3), torch.tensor([0]), r"features of shape \(2, 3\) and labels of shape"),
        (torch.ones(2, 3, 1), torch.tensor([0, 1]), r"expected \(n, d\) and \(n,\)"),
        (torch.ones(0, 3), torch.zeros(0).long(), r"\(0, 3\) hold nothing to learn from"),
        (NAN, torch.tensor([0, 1]), "1 of 2 examples have features that are not finite"),
        (torch.ones(2, 3), torch.tensor([0, 3]), "labels range from 0 to 3, but the 3 classes"),
        (torch.ones(2, 3), torch.tensor([-1, 1]), "labels range from -1 to 1"),
    ],
)
def test_examples_that_are_unfit_say_why(features: Tensor, labels: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        examples(features, labels, 3)


def test_examples_know_the_classes_that_occur_and_compute_in_double() -> None:
    given = examples(torch.ones(3, 2), torch.tensor([4, 1, 4]), 6)
    assert given.present.tolist() == [1, 4]
    assert given.features.dtype == torch.float64
