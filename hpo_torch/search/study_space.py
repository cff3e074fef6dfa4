"""What one study searches and what it fixes, from its settings and its data set's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.search.families import activation_override, search_space
from hpo_torch.search.space_changes import change_space

if TYPE_CHECKING:
    from hpo_torch.config.schema import RunConfig, SearchSettings
    from hpo_torch.search.domains import Value
    from hpo_torch.search.space import SearchSpace


def study_space(
    config: RunConfig, family: str, *, input_shape: tuple[int, ...], examples: int, flips: bool
) -> tuple[SearchSpace, dict[str, Value]]:
    """Return a study's search space, with the changes of `search.space`, and its fixed values.

    A hyperparameter of which one value is left is fixed at it.

    Args:
        config: The settings.
        family: The model family.
        input_shape: Of an example.
        examples: In the training set, those that validate included.
        flips: Whether a mirrored image keeps its class.

    Raises:
        UnknownNameError: `search.space` or `search.fix` names no hyperparameter.
        InvalidValueError: A hyperparameter cannot be searched, or fixed, so.
    """
    search = config.search
    train_size = round(examples * (1 - config.data.validation_share))
    space, single = change_space(
        search_space(family, input_shape, train_size, search.min_epochs, search.max_epochs, flips),
        search.space,
    )
    fixed = space.check_fixed(fixed_values(search, family))
    # What is fixed wins over what is searched, also where one value is left of that.
    return space, space.check_fixed({**space.applicable(single, fixed), **fixed})


def fixed_values(search: SearchSettings, family: str) -> dict[str, Any]:
    """Join `--activation` and `--fix`; a single fixed value wins over the override."""
    forced = search.activation
    return {**(activation_override(family, forced) if forced else {}), **search.fix}
