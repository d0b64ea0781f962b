"""What is drawn: the same after a kill as without one, and as far as possible before its turn."""

import json

import optuna
import pytest

from framegate.runner.draws import configuration_of, drawn, foreseen, neighbours, trials_of
from framegate.runner.searches import Refinement, Search

SPACE = {"a": (1, 2, 3), "b": ("x", "y")}


def search_of(procedure, trials, refinement=None):
    return Search("S", procedure, SPACE, (), 1, trials, 60.0, 0.9, refinement)


def told(trial):
    """Return the trial as it ends: the value of a configuration is its `a`."""
    value = json.loads(trial.params["a"])
    trial.set_user_attr("score", {"hits": value, "rows": 10})
    return trial.study.tell(trial, value)


def draw(search, count, seed=1, before=()):
    """Return the trials before, and those that follow them up to so many."""
    kept = list(before)
    while len(kept) < count:
        kept.append(told(drawn(search, seed, kept)))
    return kept


def configurations(kept):
    return [trial.configuration for trial in trials_of(kept)]


@pytest.mark.parametrize("procedure", ["grid", "random", "refined"])
def test_a_resumed_search_draws_what_an_uninterrupted_one_draws(procedure, tmp_path):
    refinement = Refinement(1, "m", ((4,),), 2) if procedure == "refined" else None
    search = search_of(procedure, 4, refinement)
    stored = optuna.create_study(storage=f"sqlite:///{tmp_path / 'optuna.sqlite'}", direction="maximize")
    stored.add_trials(draw(search, 2))
    drawn(search, 1, stored.get_trials())  # and killed
    assert configurations(draw(search, 5, before=stored.get_trials())) == configurations(draw(search, 5))


def test_a_grid_draws_each_configuration_once():
    found = configurations(draw(search_of("grid", 6), 6))
    assert sorted((one["a"], one["b"]) for one in found) == [(a, b) for a in (1, 2, 3) for b in "xy"]


def test_other_seeds_draw_other_configurations():
    search = search_of("random", 6)
    assert configurations(draw(search, 6, seed=1)) != configurations(draw(search, 6, seed=100))


@pytest.mark.parametrize("procedure", ["grid", "random"])
def test_the_next_draw_is_known_while_a_trial_runs(procedure):
    search = search_of(procedure, 6)
    for count in range(5):
        running = drawn(search, 1, before := draw(search, count))
        expected = foreseen(search, 1, running)
        assert configuration_of(drawn(search, 1, [*before, told(running)])) == expected
    assert foreseen(search, 1, drawn(search, 1, draw(search, 5))) is None  # it is the last


def test_of_a_refined_search_the_draws_of_tpe_are_not_known_before_their_turn():
    search = search_of("refined", 4, Refinement(1, "m", (), 2))
    known = [foreseen(search, 1, drawn(search, 1, draw(search, count))) is not None for count in range(5)]
    assert known == [True, False, False, True, False]


@pytest.mark.parametrize(("seed", "guess", "found"), [(2, (2, "x"), (2, "x")), (5, (2, "y"), (3, "y"))])
def test_a_neighbour_is_guessed_before_its_turn_as_if_the_best_stayed_the_best(seed, guess, found):
    search = search_of("refined", 4, Refinement(1, "m", (), 2))
    *before, running, neighbour = draw(search, 5, seed)
    assert (running.value > max(trial.value for trial in before)) == (guess != found)
    guessed = foreseen(search, seed, drawn(search, seed, before))
    assert tuple(guessed.values()) == guess
    assert tuple(configuration_of(neighbour).values()) == found


def test_a_neighbour_is_one_step_along_one_axis_away():
    assert list(neighbours(SPACE, {"a": 2, "b": "x"})) == [{"a": 1, "b": "x"}, {"a": 3, "b": "x"}, {"a": 2, "b": "y"}]
    assert list(neighbours(SPACE, {"a": 1, "b": "x"})) == [{"a": 2, "b": "x"}, {"a": 1, "b": "y"}]


def test_a_refinement_tries_neighbours_of_the_best_and_then_deepens_it():
    search = search_of("refined", 2, Refinement(2, "m", ((4,), (4, 4)), 2))
    first, second, *others = configurations(draw(search, 6))
    best = max((first, second), key=lambda one: one["a"])
    assert others[0] in list(neighbours(SPACE, best))
    best = max((first, second, *others[:2]), key=lambda one: one["a"])
    assert others[2:] == [{**best, "deeper": [4]}, {**best, "deeper": [4, 4]}]
