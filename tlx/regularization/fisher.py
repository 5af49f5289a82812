"""The diagonal of a classifier's Fisher information, estimated example by example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

Labels = Literal["sampled", "all"]


def diagonal_fisher(
    logits_of: Callable[[Tensor], Tensor],
    parameters: Mapping[str, nn.Parameter],
    examples: Iterable[Tensor],
    *,
    labels: Labels = "sampled",
    seed: int = 0,
) -> dict[str, Tensor]:
    """Return the mean over examples x of `E_{y ~ p(y|x)} (d log p(y|x) / d w_j)^2`.

    The expectation is over the classifier's own predictions, so that this is the Fisher information
    itself, not the "empirical Fisher" whose y are the labels of the data (Kunstner et al. 2019,
    "Limitations of the empirical Fisher approximation").

    Args:
        logits_of: Maps one example (1, ...) to logits (1, classes), with gradients.
        parameters: The weights w, by name.
        examples: Tensors (1, ...).
        labels: `sampled` draws one y for each example, which is right on average; `all` sums over
            every class, at one backward pass each.
        seed: The draws follow from it; torch's global generator is left alone.

    Returns:
        By name, tensors of the parameters' shapes.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = list(parameters.values())
    totals = [torch.zeros_like(weight) for weight in weights]
    count = 0
    for example in examples:
        scores = logits_of(example).log_softmax(dim=1)[0]
        for probability, score in _answers(scores, labels, generator):
            gradients = torch.autograd.grad(score, weights, retain_graph=True, allow_unused=True)
            for total, gradient in zip(totals, gradients, strict=True):
                if gradient is not None:
                    total.addcmul_(gradient, gradient, value=probability)
        count += 1
    return {name: t / max(1, count) for name, t in zip(parameters, totals, strict=True)}


def _answers(
    scores: Tensor, labels: Labels, generator: torch.Generator
) -> Iterator[tuple[float, Tensor]]:
    """Yield probabilities and log-probabilities () of the classes to look at."""
    probabilities = scores.detach().exp().cpu()
    if labels == "sampled":
        drawn = int(torch.multinomial(probabilities, 1, generator=generator))
        yield 1.0, scores[drawn]
        return
    yield from zip(probabilities.tolist(), scores, strict=True)


def with_mean_one(importance: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return importances scaled so that their mean over all weights is 1; zeros stay zeros.

    Args:
        importance: By name, tensors of any shape.
    """
    total = sum(float(values.double().sum()) for values in importance.values())
    count = sum(values.numel() for values in importance.values())
    scale = count / total if total > 0 else 1.0
    return {name: values * scale for name, values in importance.items()}
