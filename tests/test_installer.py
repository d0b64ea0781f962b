import pytest

from framegate.runner.installer import cause, package_sources


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


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({}, {"UV_TORCH_BACKEND": "cpu"}),
        ({"UV_TORCH_BACKEND": "auto"}, {}),
        ({"UV_INDEX": "a"}, {}),
        ({"PIP_FIND_LINKS": "a b"}, {"UV_FIND_LINKS": "a,b"}),
        ({"PIP_FIND_LINKS": "a b", "UV_FIND_LINKS": "c"}, {}),
    ],
)
def test_cpu_builds_of_pytorch_are_looked_for_in_its_index_or_where_the_user_says(given, added) -> None:
    assert package_sources(given, "torch==2.13.0+cpu") == given | added
    assert package_sources(given, "torch==2.13.0") == given
