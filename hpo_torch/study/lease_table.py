"""Our own tables in a shared study's database, and every statement on them.

`study` is Optuna's id, which, unlike a name, never comes back when a study is deleted and made
again. `expires` is by the database's clock, the only one that all engines share. `state` is "open"
until the trial is complete, pruned or failed. A lease is free once it was released (`expires` is
null) or has not been renewed in time; it belongs to `engine` until another one takes it.
"""

from __future__ import annotations

from sqlalchemy import text

CREATE = (
    text(
        """
        CREATE TABLE IF NOT EXISTS hpo_torch_wanted (
            study integer PRIMARY KEY,
            trials integer NOT NULL
        )
        """
    ),
    text(
        """
        CREATE TABLE IF NOT EXISTS hpo_torch_leases (
            study integer NOT NULL,
            slot integer NOT NULL,
            trial integer,
            engine text,
            expires timestamptz,
            state text NOT NULL,
            PRIMARY KEY (study, slot),
            UNIQUE (study, trial)
        )
        """
    ),
)

# The largest number that any engine was started with counts for all of them.
WANT = text(
    """
    INSERT INTO hpo_torch_wanted (study, trials) VALUES (:study, :trials)
    ON CONFLICT (study) DO UPDATE SET trials = greatest(hpo_torch_wanted.trials, excluded.trials)
    """
)

# A lease of ours that we do not know of: the answer to an earlier statement was lost.
OURS = text(
    """
    SELECT slot, trial FROM hpo_torch_leases
    WHERE study = :study AND engine = :engine AND state = 'open' AND slot <> ALL(:held)
    """
)

# Not our own: late to renew, we work on it still.
TAKE_ABANDONED = text(
    """
    UPDATE hpo_torch_leases
    SET engine = :engine, expires = clock_timestamp() + :expiry
    WHERE study = :study AND slot = (
        SELECT slot FROM hpo_torch_leases
        WHERE study = :study AND state = 'open' AND engine IS DISTINCT FROM :engine
            AND (expires IS NULL OR expires < clock_timestamp())
        ORDER BY trial NULLS LAST, slot
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING slot, trial
    """
)

# Of two engines that compute the same next slot one inserts it; the other gets no row.
TAKE_NEXT = text(
    """
    INSERT INTO hpo_torch_leases (study, slot, engine, expires, state)
    SELECT :study, coalesce(max(slot) + 1, 0), :engine, clock_timestamp() + :expiry, 'open'
    FROM hpo_torch_leases WHERE study = :study
    HAVING coalesce(max(slot) + 1, 0) < (
        SELECT trials FROM hpo_torch_wanted WHERE study = :study
    )
    ON CONFLICT (study, slot) DO NOTHING
    RETURNING slot, trial
    """
)

# Only for a trial that Optuna has as running: its engine died before it could tell.
REOPEN = text(
    """
    UPDATE hpo_torch_leases
    SET engine = :engine, expires = clock_timestamp() + :expiry, state = 'open'
    WHERE study = :study AND trial = :trial AND state <> 'open'
        AND (expires IS NULL OR expires < clock_timestamp())
    RETURNING slot, trial
    """
)

BIND = text(
    """
    UPDATE hpo_torch_leases SET trial = :trial
    WHERE study = :study AND slot = :slot AND engine = :engine AND state = 'open'
    """
)

# Repeated after a lost answer, it finds its own work and is content.
FINISH = text(
    """
    UPDATE hpo_torch_leases SET state = :state, expires = clock_timestamp() + :expiry
    WHERE study = :study AND trial = :trial AND engine = :engine AND state IN ('open', :state)
    """
)

RENEW = text(
    """
    UPDATE hpo_torch_leases SET expires = clock_timestamp() + :expiry
    WHERE study = :study AND engine = :engine AND state = 'open'
    """
)

RELEASE = text(
    """
    UPDATE hpo_torch_leases SET engine = NULL, expires = NULL
    WHERE study = :study AND trial = :trial AND engine = :engine AND state = 'open'
    """
)

RELEASE_ALL = text(
    """
    UPDATE hpo_torch_leases SET engine = NULL, expires = NULL
    WHERE study = :study AND engine = :engine AND state = 'open'
    """
)

REMAINING = text(
    """
    SELECT trials - (
        SELECT count(*) FROM hpo_torch_leases WHERE study = :study AND state <> 'open'
    )
    FROM hpo_torch_wanted WHERE study = :study
    """
)

UNTAKEN = text(
    """
    SELECT trials - (SELECT count(*) FROM hpo_torch_leases WHERE study = :study)
    FROM hpo_torch_wanted WHERE study = :study
    """
)

ROWS = text(
    """
    SELECT slot, trial, state, expires IS NULL OR expires < clock_timestamp() AS free
    FROM hpo_torch_leases WHERE study = :study
    """
)
