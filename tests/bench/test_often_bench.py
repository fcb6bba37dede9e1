"""What the section `often` measures with: the same past, its days beginning later."""

import numpy as np
import pytest
from predictive_scaling.recommend.acting.past import MINUTES_PER_DAY, WARM_UP, Past

from .often import shifted

DAYS = 6


@pytest.mark.parametrize("hours", [0, 3, 21])
def test_days_that_begin_later_are_of_the_same_minutes(hours: int) -> None:
    minutes = np.arange(WARM_UP + DAYS * MINUTES_PER_DAY, dtype=np.float64)
    known = (True, True, False, True, True, True)
    found = shifted(Past("s", minutes, known, 1.0, first_hour=5), hours)
    assert found.days == (DAYS if not hours else DAYS - 1)
    assert found.first_hour == (5 + hours) % 24
    day = found.demand[WARM_UP + 2 * MINUTES_PER_DAY]
    assert day == WARM_UP + 2 * MINUTES_PER_DAY + 60 * hours
    assert found.known == (known if not hours else (True, False, False, True, True))
