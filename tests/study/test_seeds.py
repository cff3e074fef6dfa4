from __future__ import annotations

from hpo_torch.study.seeds import trial_seed


def test_trial_seeds_differ_between_trials_and_studies_and_repeat():
    seeds = {trial_seed(study, trial) for study in range(20) for trial in range(50)}
    assert len(seeds) == 1000
    assert trial_seed(3, 7) == trial_seed(3, 7)
    assert all(0 <= seed < 2**32 for seed in seeds)
