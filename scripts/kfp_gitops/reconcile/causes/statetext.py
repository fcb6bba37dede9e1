"""What is kept of triggers as one line of text, and back: bounded, and nothing is believed that is damaged."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.reconcile.causes.seams import DataState
from kfp_gitops.reconcile.causes.standing import Missed, Started, Waiting
from kfp_gitops.reconcile.causes.state import Closed, DataSeen, Intent, Kept, State
from kfp_gitops.reconcile.locking import parted

MOST = 200_000
"""Characters: all annotations of an object together may have 262,144 (Kubernetes, TotalAnnotationSizeLimitB)."""
_MOST_READ = 1 << 24
"""Bytes that a text may unpack to."""
FORM = "triggers1 "
"""What it begins with, beside other parts of a lock's text (`locking.parted`)."""
_DIGITS = 16
_YEARS = range(1970, 2500)


def text(state: State) -> str:
    """One line; of more than there is room for the oldest causes are forgotten, whose runs KFP still has by name."""
    while len(found := _packed(state)) > MOST and state.handled:
        oldest = min(state.handled)
        left = {hour: digests for hour, digests in state.handled.items() if hour != oldest}
        state = replace(state, handled=left)
    if len(found) > MOST:
        bare = {key: replace(one, waiting=(), missed=(), data=one.data[-1:], states=one.states[-5:]) for key, one in
                state.triggers.items()}  # fmt: skip
        found = _packed(replace(state, triggers=bare, ours=frozenset()))
    rest = State(state.at, state.deep, state.horizon)
    for less in (
        replace(rest, intents=state.intents),
        rest,
    ):  # what may be on its way is forgotten last of all
        found = found if len(found) <= MOST else _packed(less)
    return found


def read(found: str) -> State | None:
    """The reverse; None for nothing, and for what is no such text: somebody edited it, and none of it is believed."""
    found = parted.of(found, FORM)
    if not found:
        return None
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(base64.b64decode(found.removeprefix(FORM), validate=True), _MOST_READ)
        if not unpacker.eof:
            return None
        return _state(json.loads(plain))
    except (
        ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, OSError, zlib.error,
    ):  # fmt: skip
        return None


def _packed(state: State) -> str:
    plain = json.dumps(_told(state), separators=(",", ":"), sort_keys=True).encode()
    return FORM + base64.b64encode(zlib.compress(plain, 6)).decode()


def _told(state: State) -> dict[str, Any]:
    return {
        "at": _stamp(state.at),
        "deep": _stamp(state.deep),
        "horizon": _stamp(state.horizon),
        "triggers": {key: _kept(one) for key, one in state.triggers.items()},
        "handled": {str(hour): _joined(digests) for hour, digests in state.handled.items()},
        "intents": {name: _intent(one) for name, one in state.intents.items()},
        "ours": _joined(state.ours),
    }


def _state(found: Mapping[str, Any]) -> State:
    return State(
        at=_clock(found["at"]),
        deep=_clock(found["deep"]),
        horizon=_clock(found["horizon"]),
        triggers={str(key): _read_kept(one) for key, one in found["triggers"].items()},
        handled={int(hour): _split(digests) for hour, digests in found["handled"].items()},
        intents={str(name): _read_intent(one) for name, one in found["intents"].items()},
        ours=_split(found["ours"]),
    )


def _joined(digests: Iterable[str]) -> str:
    """Digests are random and cannot be compressed: eight bytes of each."""
    return base64.b85encode(b"".join(sorted(bytes.fromhex(one) for one in digests))).decode()


def _split(found: str) -> frozenset[str]:
    plain = base64.b85decode(found).hex()
    if len(plain) % _DIGITS:
        raise ValueError(found)
    return frozenset(plain[at : at + _DIGITS] for at in range(0, len(plain), _DIGITS))


def _intent(one: Intent) -> list[Any]:
    return [
        one.cause,
        one.digest,
        _stamp(one.begun),
        one.looks,
        int(one.made),
        int(one.unclear),
        int(one.unseen),
    ]


def _read_intent(found: Any) -> Intent:
    cause, digest, begun, looks, made, unclear, *more = found
    said = int(looks), bool(made), bool(unclear), any(more)
    return Intent(str(cause), _digits(digest), _known(begun), *said)


def _kept(one: Kept) -> dict[str, Any]:
    told: dict[str, Any] = {
        "on": one.on,
        "first": _stamp(one.first),
        "floor": _stamp(one.floor),
        "since": _stamp(one.since),
        "closed": [_stamp(one.closed.since), _stamp(one.closed.seen), _stamp(one.closed.until)]
        if one.closed
        else None,
        "spells": [[_stamp(start), _stamp(end)] for start, end in one.spells],
        "data": [[d.cause, _stamp(d.moment), *_data(d.state)] for d in one.data],
        "states": "".join(one.states),
        "waiting": [[w.cause, w.digest, _stamp(w.moment), w.why, w.tries] for w in one.waiting],
        "held": one.held,
        "missed": [[m.cause, _stamp(m.moment), m.why, _stamp(m.found)] for m in one.missed],
        "last": [one.last.cause, one.last.run_name, one.last.run_id, _stamp(one.last.at)]
        if one.last
        else None,
        "problem": one.problem,
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _read_kept(found: Mapping[str, Any]) -> Kept:
    closed, last, states = found.get("closed"), found.get("last"), str(found.get("states", ""))
    return Kept(
        on=str(found["on"]),
        first=_clock_known(found["first"]),
        floor=_clock(found.get("floor")),
        since=_clock(found.get("since")),
        closed=Closed(_known(closed[0]), _known(closed[1]), _moment(closed[2])) if closed else None,
        spells=tuple((_known(start), _known(end)) for start, end in found.get("spells", ())),
        data=tuple(
            DataSeen(str(cause), _known(moment), _read_data(state))
            for cause, moment, *state in found.get("data", ())
        ),
        states=tuple(_digits(states[at : at + _DIGITS]) for at in range(0, len(states), _DIGITS)),
        waiting=tuple(
            Waiting(str(cause), _digits(digest), _known(moment), str(why), int(tries))
            for cause, digest, moment, why, tries in found.get("waiting", ())
        ),
        held=str(found.get("held", "")),
        missed=tuple(
            Missed(str(cause), _known(moment), str(why), _known(seen))
            for cause, moment, why, seen in found.get("missed", ())
        ),
        last=Started(str(last[0]), str(last[1]), str(last[2]), _known(last[3])) if last else None,
        problem=str(found.get("problem", "")),
    )


def _data(state: DataState) -> list[Any]:
    return [state.identity, state.key, state.etag, _stamp(state.modified)]


def _read_data(found: Any) -> DataState:
    identity, key, etag, modified = found
    return DataState(str(identity), str(key), str(etag), _moment(modified))


def _digits(found: Any) -> str:
    if not isinstance(found, str) or len(bytes.fromhex(found)) != _DIGITS // 2:
        raise ValueError(found)
    return found


def _stamp(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None


def _moment(stamp: Any) -> datetime | None:
    return None if stamp is None else _known(stamp)


def _clock(stamp: Any) -> datetime | None:
    return None if stamp is None else _clock_known(stamp)


def _clock_known(stamp: Any) -> datetime:
    """What a pass saw a clock show: what none shows cannot be reckoned with, and is not believed."""
    found = _known(stamp)
    if found.year not in _YEARS:
        raise ValueError(stamp)
    return found


def _known(stamp: Any) -> datetime:
    return datetime.fromtimestamp(int(stamp), UTC)
