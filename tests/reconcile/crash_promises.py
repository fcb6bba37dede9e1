"""What a reconciler promises, whatever happens to it: held against the stand-in of KFP after each apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fake_controller import RHYTHMS, seconds
from fake_kfp import FakeKfp, Told
from hypothesis.stateful import RuleBasedStateMachine
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun, ActualSchedule, ActualVersion
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile import unclear
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")
NAME = "p-main"
KEEP = 2
BYSTANDER = DesiredPipeline(
    "q", "d", "sha256:q", "sha-q", "sha256:q", "ir",
    (Schedule("main", "0 */5 * * * *", None, True, {}, None, None, 1, False, ()),),
)  # fmt: skip


@dataclass
class Duty:
    """What one schedule must fire by the promise: every firing of `cron` in (since, …]; killed: it may only be told."""

    cron: str
    since: int
    killed: bool = False
    owed: dict[int, bool] = field(default_factory=dict)
    """Firing → whether a kill excuses that nobody ran it."""


class Promises(RuleBasedStateMachine):
    """One environment and what must hold of it; what happens to it is in test_crash.py."""

    kfp: FakeKfp
    desired: Desired
    told: Told
    tainted: set[str]
    duty: Duty | None
    others: list[ActualSchedule]

    hand_made: str = ""
    """The id of a recurring run that somebody made in KFP, which Git names as the schedule of NAME."""

    def _unowned(self) -> list[ActualSchedule]:
        records = [found.record for found in self.kfp.recurring.values()]
        return [record for record in records if record.owner != OWNER and record.id != self.hand_made]

    def _ours(self, name: str = NAME) -> list[ActualSchedule]:
        records = [found.record for found in self.kfp.recurring.values()]
        ours = [record for record in records if record.owner == OWNER and record.name == name]
        return ours + [record for record in records if record.id == self.hand_made and name == NAME]

    def _version(self, pipeline: DesiredPipeline) -> ActualVersion:
        """Of its name, or with its content under another."""
        found = self.kfp._pipelines[pipeline.name].versions
        by_content = [one for one in found.values() if one.digest == pipeline.digest]
        return found.get(pipeline.version) or by_content[0]

    def _always(self) -> None:
        on = Counter(
            record.name for name in (NAME, "q-main") for record in self._ours(name) if record.enabled
        )
        assert all(count == 1 for name, count in on.items() if name not in self.tainted), on
        assert not any(found.record.enabled for found in self.kfp.ghosts.values())
        there = {version.id for found in self.kfp._pipelines.values() for version in found.versions.values()}
        assert all(found.record.version_id in there for found in self.kfp.recurring.values())

    def _everything_holds(self) -> None:
        again = plan(self.desired, observe(self.kfp, self.desired))
        # A run that ended since may have freed an old version, which is tidied the next time.
        left = again.differences if self.kfp.lasts else again.to_do
        assert not left, left
        assert not again.conflicts
        assert self._unowned() == self.others
        self._schedules_are_as_desired()
        self._no_firing_twice()
        # One that retention or a tombstone deleted is uploaded anew when it is wanted again.
        assert set((self.kfp.uploads - self.kfp.deletions).values()) <= {1}, self.kfp.uploads
        self._triggers_fired_once()
        self.tainted.clear()
        self._settle_duty()
        if self.duty:
            self._missed_firings_are_told(self.duty)
        self._begin_duty()

    def _schedules_are_as_desired(self) -> None:
        pipeline = next((found for found in self.desired.pipelines if found.name == "p"), None)
        records = self._ours()
        if pipeline is None:
            assert not any(record.enabled for record in records)
            assert not records or not self.desired.absent
            return
        assert len(records) == len(pipeline.schedules)
        for record, schedule in zip(records, pipeline.schedules, strict=True):
            assert record.version_id == self._version(pipeline).id
            assert record.enabled == (schedule.enabled and not self._paused(pipeline))
            assert (record.cron, record.interval_seconds) == (schedule.cron, schedule.interval_seconds)
            assert record.parameters == schedule.parameters

    def _paused(self, pipeline: DesiredPipeline) -> bool:
        return pipeline.is_paused(self.kfp.now())

    def _runs(self, name: str = NAME) -> Iterator[ActualRun]:
        ids = {found.id for found in self.others}
        for run, _ in self.kfp.runs.values():
            by_hand = name == NAME and run.schedule_id and run.schedule_id == self.hand_made
            if by_hand or (run.name == name and run.schedule_id not in ids):
                yield run

    def _fired(self) -> list[int]:
        """The firings of the schedule that have a run, or a run that makes up for them."""
        fired = [seconds(run.scheduled) for run in self._runs() if run.scheduled]
        all_runs = [*(run for run, _ in self.kfp.runs.values()), *self.kfp.ghost_runs]
        return fired + [stamp for run in all_runs for stamp in _makes_up_for(run)]

    def _no_firing_twice(self) -> None:
        if not self.tainted and not getattr(self, "ever_tainted", False):
            twice = [moment for moment, count in Counter(self._fired()).items() if count > 1]
            assert not twice, twice
        self.ever_tainted = getattr(self, "ever_tainted", False) or bool(self.tainted)

    def _triggers_fired_once(self) -> None:
        all_runs = [*(run for run, _ in self.kfp.runs.values()), *self.kfp.ghost_runs]
        names = Counter(run.name for run in all_runs if run.name.startswith("p-changed-"))
        assert all(count == 1 for count in names.values()), names
        pipeline = self.desired.pipelines[0]
        if pipeline.name != "p" or self._paused(pipeline):
            return
        version = self._version(pipeline)
        if pipeline.triggers and version.facts.get("runs"):
            name = f"p-changed-{pipeline.release[7:19]}"
            assert names[name] == 1 or name in self._unclear()

    def _unclear(self) -> set[str]:
        """What may have run: 500 was answered, whether there was an effect or not."""
        return {run.name for run in unclear.runs(OWNER, self.kfp._experiments)}

    # duty: what an enabled schedule must fire

    def _begin_duty(self) -> None:
        """From an apply that ran through on, every firing of an enabled schedule is owed."""
        (record,) = self._ours() if len(self._ours()) == 1 else (None,)
        if record is None or not record.enabled or record.cron is None or self.kfp.lasts:
            self.duty = None
        elif self.duty is None or self.duty.cron != record.cron or self.duty.killed:
            self.duty = Duty(record.cron, self.kfp.clock)

    def _end_duty_if_it_is_over(self) -> None:
        """Nothing is owed to what the manifests no longer want."""
        pipeline = self.desired.pipelines[0]
        wanted = pipeline.schedules[0] if pipeline.name == "p" and pipeline.schedules else None
        on = wanted and wanted.enabled and not pipeline.paused_until and wanted.cron
        if self.duty and on != self.duty.cron:
            self._settle_duty()
            self.duty = None

    def _settle_duty(self) -> None:
        """Note what fell due up to now and nobody ran; a lagging controller may still run the newest."""
        if self.duty is None:
            return
        period, offset = RHYTHMS[self.duty.cron]
        first = (self.duty.since - offset) // period * period + offset + period
        fired = set(self._fired())
        for moment in range(first, self.kfp.clock - self.kfp.late, period):
            if moment not in fired:
                self.duty.owed.setdefault(moment, self.duty.killed)
        self.duty.since = max(self.duty.since, self.kfp.clock - self.kfp.late - 1)

    def _missed_firings_are_told(self, duty: Duty) -> None:
        fired = set(self._fired())
        told = {seconds(moment) for event in self.told.events for moment in event.missed}
        makeups = [stamp for run, _ in self.kfp.runs.values() for stamp in _makes_up_for(run)]
        makeups += [
            stamp for run in unclear.runs(OWNER, self.kfp._experiments) for stamp in _makes_up_for(run)
        ]
        for moment, excused in duty.owed.items():
            if moment in fired or any(moment <= stamp for stamp in makeups):
                continue
            assert excused, f"{moment} was missed, and nobody was killed"
            assert moment in told, f"{moment} was missed, and nobody was told"


def _makes_up_for(run: ActualRun) -> list[int]:
    if "-missed-" not in run.name:
        return []
    from datetime import datetime

    text = run.name.rsplit("-", 1)[1]
    return [seconds(datetime.strptime(text, "%Y%m%dT%H%M%S%z"))]
