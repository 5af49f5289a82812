"""The dimensions of a search in Optuna's terms."""

from __future__ import annotations

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tlx.search.parameter import Choice, Interval, Parameter, Steps


def distribution(parameter: Parameter) -> BaseDistribution:
    """Return the values of a dimension, with their scale."""
    match parameter:
        case Choice():
            return CategoricalDistribution(parameter.values)
        case Steps():
            return _of_steps(parameter)
        case Interval() if parameter.is_integer:
            return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
        case Interval():
            return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _of_steps(steps: Steps) -> BaseDistribution:
    first, last = steps.numbers[0], steps.numbers[-1]
    if isinstance(first, int) and isinstance(last, int):
        between = (last - first) // (len(steps.numbers) - 1) if len(steps.numbers) > 1 else 1
        return IntDistribution(first, last, log=steps.log, step=between)
    if len(steps.numbers) == 1:
        return FloatDistribution(first, last)
    return FloatDistribution(first, last, step=steps.numbers[1] - first)
