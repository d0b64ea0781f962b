"""Cells are selected by their markers and by parts of their ids."""

import pytest

from framegate.errors import MatrixError
from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix
from framegate.runner.selection import matches, selected

MARKS = ("cpu", "quick", "lenet", "tensorflow", "fashion-mnist")


@pytest.mark.parametrize(
    ("expression", "holds"),
    [("lenet", True), ("lenet and not cpu", False), ("gpu or (quick and fashion-mnist)", True), ("not gpu", True)],
)
def test_an_expression_is_read_as_pytest_does(expression, holds):
    assert matches(expression, MARKS) is holds


@pytest.mark.parametrize("expression", ["lenet and", "lenet lenet", "(cpu", "__import__('os')", "cpu; 1", "cpu()"])
def test_what_is_no_expression_is_refused(expression):
    with pytest.raises(MatrixError, match="is no expression; wanted markers with and, or, not and brackets"):
        matches(expression, MARKS)


@pytest.fixture
def cells(toy_suite):
    (toy_suite.root / "matrix.toml").write_text(
        (toy_suite.root / "matrix.toml").read_text() + 'tier = "nightly"\n', encoding="utf-8"
    )
    return read_matrix(toy_suite.root / "matrix.toml", load(toy_suite.root / "environments"))


def test_quick_cells_are_meant_unless_others_are_named_in_full(cells):
    quick, nightly = (cell.id for cell in cells)
    assert [cell.id for cell in selected(cells, None)] == [quick]
    assert [cell.id for cell in selected(cells, "nightly")] == [nightly]
    assert [cell.id for cell in selected(cells, None, [nightly])] == [nightly]
    with pytest.raises(MatrixError, match=r"-m 'gpu': no cell of matrix\.toml fits; there are: toy/"):
        selected(cells, "gpu")
    with pytest.raises(MatrixError, match="no cell has 'lenet' in its id; there are: toy/"):
        selected(cells, None, [quick, "lenet"])


def test_of_many_cells_a_message_names_the_first(cells):
    with pytest.raises(MatrixError, match=r"and 192 more: pytest benchmarks --collect-only -q$"):
        selected(cells * 100, "gpu")
