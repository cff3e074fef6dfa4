"""One process's work on a study: take up what is there, train, complete the run's folder."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from hpo_torch.errors import StudyFailedError
from hpo_torch.execution.backend import RunSite
from hpo_torch.execution.open_backend import backends_used
from hpo_torch.protocol.events import StudyFinished, StudyStarted
from hpo_torch.protocol.usage import Cost
from hpo_torch.results.atomic_files import remove_file
from hpo_torch.results.confirmation import confirmation_dir
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.health_report import write_health_report
from hpo_torch.results.records import INTERRUPTED
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView, resume_command
from hpo_torch.results.worked_time import seconds_worked
from hpo_torch.study.announce import Announcer
from hpo_torch.study.best_model_files import complete_best_model
from hpo_torch.study.confirm import (
    Confirming,
    confirm_winner,
    confirmed_figures,
    follow_confirmation,
)
from hpo_torch.study.database import Database
from hpo_torch.study.deadlines import Deadlines
from hpo_torch.study.finish import score_winner, summarise, write_environment
from hpo_torch.study.left_jobs import warn_of_left_jobs
from hpo_torch.study.patient_storage import database_of
from hpo_torch.study.proposals import Proposer
from hpo_torch.study.recovery import (
    complete_ends,
    read_history,
    reject_unbegun,
    stored_results,
)
from hpo_torch.study.run_study import StudyRunner
from hpo_torch.study.shared_study import gather, open_shared_study
from hpo_torch.study.standings import Standings
from hpo_torch.study.storage import open_leases, open_storage, open_study
from hpo_torch.study.trial_logs import trial_logs
from hpo_torch.study.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.execution.select import Selection
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.results.records import RunSummary
    from hpo_torch.study.audience import Audience
    from hpo_torch.study.plan import StudyPlan
    from hpo_torch.study.recovery import History


class Session:
    """One process's work on a run whose lock it holds.

    Args:
        plan: What is searched.
        selection: The backend's record, and why it was chosen.
        run: The run's folder: new, or left by an earlier process in whatever state.
        audience: Who is told.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        plan: StudyPlan,
        selection: Selection,
        run: RunDirectory,
        audience: Audience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan, self._run, self._audience = plan, run, audience
        self._selection, self._clock = selection, clock
        self._opened = ExitStack()

    def work(self, backend: ExecutionBackend, registry: Registry) -> RunSummary:
        """Train what is left to train, and complete the folder; closes the backend.

        Raises:
            HpoTorchError: The backend cannot be started; nothing was written, and what is there is
                as it was.
            OutputError: The folder cannot be written; what is there stays, for resuming.
            StudyFailedError: No trial completed, and nothing is left to be resumed.
        """
        run = self._run
        site = RunSite(folder=run.path, warn=self._audience.warn)
        with closing(backend):
            backend.start(site)
            return self._work(backend, registry, site)

    def _work(self, backend: ExecutionBackend, registry: Registry, site: RunSite) -> RunSummary:
        run = self._run
        run.write_config(self._plan.config)  # from now on the folder is a run
        run.drop_leftovers()
        run.drop_summary()
        history = read_history(run)
        with EventLog(run.events) as log, self._opened:
            output = self._plan.config.output
            audience = self._opened.enter_context(trial_logs(output, run.path, self._audience))
            self._audience = audience
            announce = Announcer(
                log, audience.listeners, registry.plugins.manager.hook, audience.warn
            )
            try:
                place = self._take_up(announce, history)
                if not self._plan.remote and site.backend_folder.exists():
                    warn_of_left_jobs(place, history, self._selection.spec.name)
                runner = self._train(place, backend, history)
                self._confirm(place, runner, backend, registry)
            finally:
                backend.close()  # frees the machine for scoring and drawing
            runner.settle()
            used = [*history.backends, *backends_used(self._selection, backend)]
            summary = self._complete(place, runner, ", then ".join(dict.fromkeys(used)))
            announce(_study_finished(summary))
        if summary.best_trial is None and summary.reason != INTERRUPTED:
            raise StudyFailedError(_why_nothing_completed(run, summary))
        return summary

    def _take_up(self, announce: Announcer, history: History) -> Workplace:
        """Open the study, and complete what an earlier process began to write."""
        plan, run = self._plan, self._run
        announce(self._started(history))
        url, note = plan.config.execution.storage, self._audience.note
        if url is None:
            study = open_study(open_storage(run), plan, run, note)
        else:
            database = self._opened.enter_context(closing(Database(url)))
            study = open_shared_study(database, plan, run, note)
        reject_unbegun(study)
        results = stored_results(study, run, plan)
        place = Workplace(
            plan=plan,
            study=study,
            run=run,
            announce=announce,
            standings=Standings(plan.config.search, results),
            warn=self._audience.warn,
        )
        complete_ends(place, results, history)
        follow_confirmation(place)
        return place

    def _train(self, place: Workplace, backend: ExecutionBackend, history: History) -> StudyRunner:
        search = self._plan.config.search
        leases = open_leases(place.study, search.trials)
        confirmation = read_history(RunDirectory(confirmation_dir(self._run.path)))
        spent = seconds_worked([*history.spans, *confirmation.spans])
        self._confirmed_cost = confirmation.spending.cost
        self._deadlines = Deadlines(search, spent, self._clock, queued=self._plan.remote)
        proposer = Proposer(self._plan, place.study, place.warn)
        runner = StudyRunner(place, leases, proposer, backend, self._deadlines, history)
        try:
            runner.run()
        finally:
            leases.close()
        return runner

    def _confirm(
        self, place: Workplace, runner: StudyRunner, backend: ExecutionBackend, registry: Registry
    ) -> None:
        """Train the best trials again, where that is wanted and the search has come to its end."""
        if not (self._plan.config.search.confirm and runner.searched):
            return
        repeated = confirm_winner(
            Confirming(
                place=place,
                backend=backend,
                backend_words=self._selection.spec.name,
                deadlines=self._deadlines,
                audience=self._audience,
                hooks=registry.plugins.manager.hook,
            )
        )
        if repeated is not None:
            runner.devices |= repeated.devices
            self._confirmed_cost = repeated.cost
            runner.reason = runner.reason if repeated.complete else repeated.reason

    def _started(self, history: History) -> StudyStarted:
        config, selection = self._plan.config, self._selection
        return StudyStarted(
            run=str(self._run.path),
            dataset=self._plan.dataset.name,
            mode=config.search.mode,
            objective=config.search.optimize_for,
            trials=config.search.trials,
            backend=f"{selection.spec.name} ({selection.reason})",
            finished=len(history.announced),
        )

    def _complete(self, place: Workplace, runner: StudyRunner, backends: str) -> RunSummary:
        """Complete the folder; Ctrl-C skips what is left of scoring and drawing."""
        run, weights = self._run, None
        if database_of(place.study) is not None:
            place, weights = gather(place)
        costs = [cost for cost in (runner.cost, self._confirmed_cost) if cost is not None]
        found = {
            "weights_elsewhere": weights,
            "front": RunView(run).front,
            "cost": sum(costs, Cost()) if costs else None,
        }
        summary = summarise(
            self._plan,
            place.study,
            place.standings,
            run=run.name,
            backend=backends,
            reason=runner.reason,
            seconds=self._deadlines.seconds,
        ).model_copy(update={**found, **confirmed_figures(run)})
        write_environment(run, runner.devices)
        if place.standings.finished:
            run.write_table()
        # First without the test: what follows may take a while, and be interrupted, or killed.
        run.write_summary(summary.model_copy(update={"reason": INTERRUPTED}))
        try:
            summary = self._score(summary)
            run.write_summary(summary.model_copy(update={"reason": INTERRUPTED}))
            self._draw(summary)
        except KeyboardInterrupt:
            summary = summary.model_copy(update={"reason": INTERRUPTED})
        run.write_summary(summary)
        return summary

    def _score(self, summary: RunSummary) -> RunSummary:
        self._audience.note("scoring the winner on the test set")
        report = score_winner(self._plan, self._run)
        complete_best_model(self._plan, self._run)
        return summary.model_copy(
            update={"test_accuracy": None if report is None else report.accuracy}
        )

    def _draw(self, summary: RunSummary) -> None:
        from hpo_torch.plots.draw import PICTURES, draw_run  # matplotlib takes half a second
        from hpo_torch.reporting.page import write_page

        view = RunView(self._run)
        write_health_report(view)
        self._audience.note("drawing")
        drawings = draw_run(self._run, self._plan.config.output.plots)
        for drawing in drawings:
            if drawing.failed:
                self._audience.warn(f"picture {drawing.path.stem}: {drawing.skipped}")
        if drawings:  # the first are the study's, its best trial's and the model's
            write_page(view, drawings[: len(PICTURES)], summary)
        else:  # that of an earlier winner would stay
            remove_file(self._run.report)


def _study_finished(summary: RunSummary) -> StudyFinished:
    return StudyFinished(
        reason=summary.reason,
        completed=summary.counts["complete"],
        pruned=summary.counts["pruned"],
        failed=summary.counts["failed"],
        unfinished=summary.unfinished,
        best_trial=summary.best_trial,
        best_score=summary.best_score,
        test_accuracy=summary.test_accuracy,
        cost=summary.cost,
    )


def _why_nothing_completed(run: RunDirectory, summary: RunSummary) -> str:
    reasons = sorted({trial.message for trial in run.read_trials() if trial.message})
    shown = "; ".join(reasons[:3]) or "none has ended"
    go_on = resume_command(run.path, summary.reason)
    return (
        f"no trial completed ({summary.reason}; {summary.counts['failed']} failed, "
        f"{summary.counts['pruned']} pruned, {summary.unfinished} not finished). "
        f"Reasons: {shown}. Details: {run.path}/trials. To go on: {go_on}"
    )
