import pytest

from framegate.runner.installer import cause


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("Resolved 1\nerror: No solution\n  cause: a\n         b\n", "No solution: a b"),
        ("  \u00d7 No solution found:\n  ╰─▶ Because a\n      b.\n", "No solution found: Because a b."),
        (
            "error: Failed\n  Caused by: disk\n  Caused by: No space left on device",
            "Failed: disk: No space left on device",
        ),
        ("Killed by\nan earthquake\n", "an earthquake"),
    ],
)
def test_cause_is_one_line_of_any_uv(output: str, line: str) -> None:
    assert cause(output) == line
