"""The blend's light members for one series at a time, written for reading: what the vectorised ones are held against.

No function of the product's models is used here, nor any of their constants.
"""

import numpy as np

DAY, WEEK = 24, 168


def forecast(kind, end, values, hours):
    """Forecast of the `hours` after a series whose first hour to come is `end` (since 1970)."""
    if kind in CYCLES:
        period, newest = CYCLES[kind]
        found = np.array([_phase(values, end + at, end, period, newest) for at in range(period)])
        return np.resize(found, hours)
    return _theta(end, values, hours) if kind == "theta" else _profile(kind, end, values, hours)


CYCLES = {
    "last": (1, None),
    "median_3h": (1, 3),
    "median_6h": (1, 6),
    "median_12h": (1, 12),
    "snaive_1d": (DAY, None),
    "snaive_7d": (WEEK, None),
    "median_1d": (DAY, 7),
    "median_7d": (WEEK, 4),
}


def _phase(values, hour, end, period, newest):
    """One hour of a cycle: the newest value of its phase, or the median of the `newest` cycles."""
    same = values[len(values) - period + (hour - end) :: -period]
    seen = [value for value in same[:newest] if np.isfinite(value)]
    if not seen:
        return [value for value in values if np.isfinite(value)][-1]
    return seen[0] if newest is None else np.median(seen)


def _theta(end, values, hours):
    """The recursion of Fiorucci et al. (2016), hour by hour; lean and start by least squares."""
    values, past = _carried(values), np.arange(end - len(values), end)
    unit = np.abs(values).max() or 1.0
    season, factor = _day(values / unit, past)
    left = np.array(
        [
            v / unit / season[h % DAY] if factor else v / unit - season[h % DAY]
            for v, h in zip(values, past, strict=True)
        ]
    )
    tried = [
        _smoothed_with_line(left, alpha)
        for alpha in (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
    ]
    _, alpha, lean, level = min(tried, key=lambda each: each[0])
    seen, found = list(left), []
    mean, slope = _line(left)
    for hour in range(end, end + hours):
        value = level + lean * _lifted(mean, slope, alpha, len(seen))
        level += alpha * (value - level)
        seen.append(value)
        mean, slope = _line(seen)
        found.append(value * season[hour % DAY] if factor else value + season[hour % DAY])
    return np.maximum(np.array(found) * unit, 0)


def _day(values, past):
    """Season by hour of day, and whether it is a factor (or a summand)."""
    apart = values - values.mean()
    if not apart.any():
        return np.zeros(DAY), False
    like = [np.sum(apart[lag:] * apart[:-lag]) / np.sum(apart**2) for lag in range(1, DAY + 1)]
    if abs(like[-1]) <= 1.6448536269514722 * np.sqrt((1 + 2 * np.sum(np.square(like[:-1]))) / len(values)):
        return np.zeros(DAY), False
    half = DAY // 2
    weights = np.array([0.5, *[1.0] * (DAY - 1), 0.5]) / DAY
    around = {at: weights @ values[at - half : at + half + 1] for at in range(half, len(values) - half)}
    if values.min() > 0:
        factors = _by_hour({at: values[at] / mean for at, mean in around.items()}, past)
        factors = factors / factors.mean()
        if factors.min() >= 0.01:
            return factors, True
    summands = _by_hour({at: values[at] - mean for at, mean in around.items()}, past)
    return summands - summands.mean(), False


def _by_hour(found, past):
    return np.array(
        [
            np.mean([value for at, value in found.items() if past[at] % DAY == hour] or [0.0])
            for hour in range(DAY)
        ]
    )


def _line(values):
    """Mean and slope of the straight line through values."""
    at = np.arange(len(values)) - (len(values) - 1) / 2
    return np.mean(values), (at @ np.asarray(values)) / max(at @ at, 1.0)


def _lifted(mean, slope, alpha, seen):
    start = mean - slope * (seen + 1) / 2
    return start * (1 - alpha) ** seen + slope * (1 - (1 - alpha) ** (seen + 1)) / alpha


def _smoothed_with_line(left, alpha):
    """Squared error an hour ahead, constant, lean and last level."""
    level, errors, pulls = left[0], [], []
    lines = [_line(left[: at + 1]) for at in range(len(left))]
    for at, value in enumerate(left[1:], start=1):
        errors.append(value - level)
        pulls.append(_lifted(*lines[at - 1], alpha, at))
        level += alpha * (value - level)
    fades = (1 - alpha) ** np.arange(1.0, len(left))
    errors, pulls, faded = (np.array(each)[3:] for each in (errors, pulls, fades))
    pairs = np.array([[pulls @ pulls, pulls @ faded], [pulls @ faded, faded @ faded]])
    alike = np.linalg.det(pairs) <= 1e-12 * pairs[0, 0] * pairs[1, 1]
    lean = 0.0 if alike else np.clip(np.linalg.solve(pairs, [pulls @ errors, faded @ errors])[0], 0, 1)
    start = faded @ (errors - lean * pulls) / (faded @ faded)
    missed = errors - lean * pulls - start * faded
    return missed @ missed, alpha, lean, level + start * (1 - alpha) ** len(left)


def _profile(kind, end, values, hours):
    offset = 0.05 * np.nanmean(values) if kind == "profile_log" else 0.0
    scaled = np.log(np.maximum(values, 0) + offset) if offset else values
    past, ahead = np.arange(end - len(values), end), np.arange(end, end + hours)
    day, week = _season(scaled, past, median=kind == "profile_damped")
    left = np.array([value - day[h % DAY] - week[_of_week(h)] for value, h in zip(scaled, past, strict=True)])
    level, deviation, damping = (_damped if kind == "profile_damped" else _smoothed)(left)
    found = np.array(
        [
            level + deviation * damping**at + day[h % DAY] + week[_of_week(h)]
            for at, h in enumerate(ahead, start=1)
        ]
    )
    if offset:
        most = 1.5 * np.nanmax(values)
        found = np.exp(np.minimum(found, np.log(most + offset))) - offset
    return np.maximum(found, 0)


def _of_week(hour):
    return (hour // DAY + 3) % 7 * DAY + hour % DAY


def _season(values, past, *, median):
    left = np.array([value - _around(values, at) for at, value in enumerate(values)])
    age = np.array([len(values) - at for at in range(len(values))])
    weights = 0.5 ** (age / WEEK)
    day = np.array([_average(left, weights, past % DAY == hour, median) for hour in range(DAY)])
    if len(values) < 2 * WEEK:
        return day, np.zeros(WEEK)
    left -= day[past % DAY]
    if median:
        left = np.clip(left, *np.nanquantile(left, [0.05, 0.95]))
    week = np.zeros(WEEK)
    for hour in range(WEEK):
        seen = left[(_of_week(past) == hour) & np.isfinite(left)]
        week[hour] = seen.sum() / (len(seen) + 2)
    return day, week


def _around(values, at):
    """Mean of the week around an hour, the first and the last whole week at the ends."""
    low = min(max(at - WEEK // 2, 0), max(len(values) - WEEK, 0))
    seen = values[low : low + WEEK]
    seen = seen[np.isfinite(seen)]
    return seen.mean() if len(seen) else np.nan


def _average(values, weights, chosen, median):
    chosen = chosen & np.isfinite(values)
    if not chosen.any():
        return 0.0
    if not median:
        return np.average(values[chosen], weights=weights[chosen])
    pairs, half = sorted(zip(values[chosen], weights[chosen], strict=True)), weights[chosen].sum() / 2
    reached = 0.0
    for value, weight in pairs:
        reached += weight
        if reached >= half * (1 - 1e-12):
            return value
    return pairs[-1][0]


def _carried(values):
    found = next(value for value in values if np.isfinite(value))
    return np.array([found := value if np.isfinite(value) else found for value in values])


def _levels(values, constant):
    level = values[:DAY].mean()
    return np.array([level := level + constant * (value - level) for value in values])


def _smoothed(values):
    carried = _carried(values)
    paths = [_levels(carried, constant) for constant in (0.01, 0.05, 0.2, 0.6)]
    best = min(paths, key=lambda levels: np.nansum(np.abs(values[DAY:] - levels[:-DAY])))
    return best[-1], 0.0, 0.0


def _damped(values):
    carried = _carried(values)
    fast = _levels(carried, 0.5)
    tried, points = [], range(DAY, len(values) - DAY, 3)
    for constant in (0.005, 0.02, 0.05):
        slow = _levels(carried, constant)
        for damping in (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0):
            fading = damping ** np.arange(1.0, DAY + 1)
            missed = [
                np.abs(carried[at + 1 : at + DAY + 1] - slow[at] - (fast[at] - slow[at]) * fading).mean()
                for at in points
            ]
            tried.append((np.mean(missed) if missed else 0.0, slow[-1], fast[-1] - slow[-1], damping))
    if not points:
        return tried[0][1], 0.0, 0.0
    return min(tried, key=lambda each: each[0])[1:]
