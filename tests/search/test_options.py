from __future__ import annotations

import pytest

from hpo_torch.config.schema import SearchSettings
from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.options import option_rows
from hpo_torch.search.pruner_options import PRUNERS, MedianOptions, PatientOptions, pruner_options
from hpo_torch.search.sampler_options import SAMPLERS, GridOptions, TpeOptions, sampler_options


def sampler(name="tpe", **options):
    return sampler_options(SearchSettings(sampler=name, sampler_options=options))


def pruner(name="median", **options):
    return pruner_options(SearchSettings(pruner=name, pruner_options=options))


def test_every_name_of_the_settings_has_a_record():
    for field, methods in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        annotation = SearchSettings.model_fields[field].annotation
        assert tuple(methods) == annotation.__args__


@pytest.mark.parametrize("methods", [SAMPLERS, PRUNERS], ids=["samplers", "pruners"])
def test_option_rows_describe_every_option(methods):
    rows = [row for method in methods.values() for row in option_rows(method.options)]
    assert all(row.description and row.type for row in rows)


def test_option_rows_tell_type_and_default():
    rows = {row.name: (row.type, row.default, row.required) for row in option_rows(TpeOptions)}
    assert rows["n_ei_candidates"] == ("whole number", 24, False)
    assert rows["group"] == ("true or false", True, False)
    assert rows["constant_liar"] == ("true or false", None, False)


def test_read_options_reads_numbers_that_yaml_takes_for_text():
    assert pruner("threshold", lower="1e-1").lower == 0.1
    assert sampler("grid", points="4") == GridOptions(points=4)


def test_unknown_option_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'n_startup_trials'"):
        sampler(n_startup_trial=3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tpe", {"n_ei_candidates": 0}, "n_ei_candidates: expected greater than or equal to 1"),
        ("tpe", {"n_ei_candidates": True}, "n_ei_candidates: expected integer, got True"),
        ("tpe", {"multivariate": "maybe"}, "multivariate: expected boolean, got 'maybe'"),
        ("tpe", {"multivariate": False}, "sampler_options: expected group: false wherever"),
        ("qmc", {"qmc_type": "latin"}, "qmc_type: expected 'sobol' or 'halton', got 'latin'"),
        ("cmaes", {"with_margin": True, "lr_adapt": True}, "expected at most one of use_sep"),
    ],
)
def test_impossible_sampler_option_says_what_is_expected(name, options, message):
    with pytest.raises(InvalidValueError, match=message):
        sampler(name, **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("threshold", {}, r"lower: expected a value of lower, got None. lower: scores below"),
        ("threshold", {"lower": 0.9, "upper": 0.1}, "expected lower of at most upper"),
        ("percentile", {"percentile": 101}, "percentile: expected less than or equal to 100"),
        ("hyperband", {"min_resource": 9, "max_resource": 3}, "min_resource of at most max"),
        (
            "patient",
            {"wrapped_options": {"n_min_trials": 0}},
            r"wrapped_options.n_min_trials: expected greater than or equal to 1, got 0",
        ),
    ],
)
def test_impossible_pruner_option_says_what_is_expected(name, options, message):
    with pytest.raises(InvalidValueError, match=message):
        pruner(name, **options)


def test_patient_pruner_checks_the_names_of_the_wrapped_ones_options():
    with pytest.raises(UnknownNameError, match=r"wrapped_options 'points'"):
        pruner("patient", wrapped_options={"points": 3})
    assert isinstance(pruner("patient", wrapped="asha"), PatientOptions)


def test_defaults_prune_nothing_before_the_second_epoch_and_three_trials():
    assert (MedianOptions().n_warmup_steps, MedianOptions().n_startup_trials) == (2, 3)
