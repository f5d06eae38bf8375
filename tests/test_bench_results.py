"""results/grading-bench.json, which the instructor's guide shows, is about the bench as it is."""

import pytest
from bench import catalogue

from pneumonia import results


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict]:
    return {case["name"]: case for case in results.load("grading-bench")["cases"]}


def test_the_results_name_exactly_the_benchs_cases(recorded):
    assert list(recorded) == [case.name for case in catalogue()]
    for case in catalogue():
        said = recorded[case.name]
        assert (said["group"], said["tries"], said["exercise"]) == (case.group, case.tries, case.exercise)
        assert said["earned"] == case.points


def test_the_courses_points_are_the_earned_ones(recorded):
    for case in catalogue():
        assert recorded[case.name]["course_grade"] == case.points, case.name


def test_stock_outcomes_follow_from_its_points(recorded):
    """What is said in words agrees with the points beside it."""
    for case in recorded.values():
        stock, earned = case["stock"], case["earned"]
        if stock["functions"] is None:
            assert stock["points"] is None
            assert "no score" in stock["outcome"]
            continue
        assert stock["points"] == sum(stock["functions"].values())
        gained = any(points > earned[name] for name, points in stock["functions"].items())
        lost = any(points < earned[name] for name, points in stock["functions"].items())
        assert gained == ("not earned" in stock["outcome"]), case["name"]
        assert lost == ("lost" in stock["outcome"]), case["name"]
