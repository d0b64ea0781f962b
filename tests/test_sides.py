"""What is typed for a side becomes environments."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from framegate.errors import EnvironmentFailed, SideError
from framegate.runner.declarations import Environment, load
from framegate.runner.sides import differences, family, read_side, side_environment, solve, templates

ROOT = Path(__file__).parent.parent
TOY = ROOT / "tests" / "toy_framework" / "environments"


def environment(name, *requirements, framework="tensorflow", python="3.11", packages=None):
    return Environment(
        name, framework, "frameworks.some_session", python, {}, packages or name, {"cpu": requirements}, Path("locks")
    )


KNOWN = {
    one.name: one
    for one in (
        environment("tensorflow-2.12", "tensorflow-cpu==2.12.0"),
        environment("tensorflow-2.21", "tensorflow-cpu==2.21.0"),
        environment("keras-tensorflow-2.21", "tensorflow-cpu==2.21.0", framework="keras", packages="tensorflow-2.21"),
        environment("keras-jax-0.10", "keras==3.15.1", "jax==0.10.2", framework="keras"),
        environment("mxnet-1.9", "mxnet==1.9.1", "numpy==1.23.5", framework="mxnet"),
    )
}


def names(groups):
    return [[one.name for one in group] for group in groups]


def sides(*texts):
    one, other = (read_side(text, KNOWN) for text in texts)
    return one, other


@pytest.mark.parametrize(
    ("requirement", "framework"),
    [
        ("tensorflow-cpu==2.21.0", "tensorflow"),
        ("tf-nightly", "tensorflow"),
        ("tf_nightly_cpu==2.22.0.dev20261101", "tensorflow"),
        ("mxnet-cu112==1.9.1", "mxnet"),
        ("jax[cuda12]==0.10.2", "jax"),
        ("scikit-learn>=1.5", "scikit-learn"),
    ],
)
def test_builds_of_one_framework_are_one_family(requirement, framework):
    assert family(requirement) == framework


def test_a_release_goes_into_the_nearest_environment_and_into_its_views():
    found = templates(sides("tensorflow==2.19.0", "tensorflow==2.20.0"), KNOWN.values(), "cpu")
    assert names(found) == [["tensorflow-2.21", "tensorflow-2.12"], ["keras-tensorflow-2.21"]]
    found = templates(sides("tensorflow==2.13.0", "tensorflow==2.14.0"), KNOWN.values(), "cpu")
    assert names(found)[0] == ["tensorflow-2.12", "tensorflow-2.21"]
    newest = templates(sides("tensorflow==2.12.0", "tf-nightly"), KNOWN.values(), "cpu")
    assert names(newest)[0] == ["tensorflow-2.21", "tensorflow-2.12"]


def test_of_the_same_release_the_environment_itself_comes_before_its_variants():
    eager = environment("tensorflow-2.21-eager", "tensorflow-cpu==2.21.0", packages="tensorflow-2.21")
    found = templates(sides("tensorflow==2.20.0", "tensorflow==2.21.0"), [eager, KNOWN["tensorflow-2.21"]], "cpu")
    assert names(found) == [["tensorflow-2.21", "tensorflow-2.21-eager"]]


def test_keras_goes_into_every_environment_whose_framework_or_requirement_it_is():
    found = templates(sides("keras==3.14.0", "keras==3.15.1"), KNOWN.values(), "cpu")
    assert names(found) == [["keras-tensorflow-2.21"], ["keras-jax-0.10"]]


def test_a_known_environment_is_the_template_of_the_other_side():
    found = templates(sides("tensorflow-2.12", "tensorflow==2.20.0"), KNOWN.values(), "cpu")
    assert names(found) == [["tensorflow-2.12"]]


def test_a_requirements_file_goes_where_it_names_every_framework(tmp_path):
    path = tmp_path / "upgrade.txt"
    path.write_text("keras==3.15.1  # newest\njax==0.10.1\nnumpy<2.4\n", encoding="utf-8")
    found = templates(sides("keras-jax-0.10", str(path)), KNOWN.values(), "cpu")
    assert names(found) == [["keras-jax-0.10"]]
    side = read_side(str(path), KNOWN)
    made = side_environment(side, KNOWN["keras-jax-0.10"], "cpu", tmp_path)
    assert made.requirements == {"cpu": ("keras==3.15.1", "jax==0.10.1", "numpy<2.4")}
    assert templates((side, side), [KNOWN["mxnet-1.9"]], "cpu") == []


def test_the_other_requirements_of_the_template_stay_and_views_share_the_folder(tmp_path):
    side = read_side("mxnet==1.8.0.post0", KNOWN)
    made = side_environment(side, KNOWN["mxnet-1.9"], "cpu", tmp_path)
    assert made.name == "mxnet-1.9+mxnet-1.8.0.post0"
    assert made.requirements == {"cpu": ("mxnet==1.8.0.post0", "numpy==1.23.5")}
    side = read_side("tensorflow==2.20.0", KNOWN)
    own, view = (side_environment(side, KNOWN[name], "cpu", tmp_path) for name in list(KNOWN)[1:3])
    assert own.name != view.name
    assert own.packages == view.packages == "tensorflow-2.21+tensorflow-2.20.0"


@pytest.mark.parametrize("text", ["Scikit_Learn==1.7.2", "scikit-learn == 1.7.2", "scikit.learn==1.7.2"])
def test_one_requirement_in_several_spellings_is_one_side(text):
    side, usual = read_side(text, KNOWN), read_side("scikit-learn==1.7.2", KNOWN)
    assert (side.name, side.requirements) == (usual.name, usual.requirements)


def test_requirements_that_differ_in_a_sign_have_different_names():
    assert read_side("numpy>2", KNOWN).name != read_side("numpy<2", KNOWN).name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tensorflow=2.20", r"'tensorflow=2.20' is none of: an environment's name, a requirement such as"),
        ("nowhere/tensorflow-2.20-py3-none-any.whl", "No such file"),
        ("tensorflow.whl", "wheel is named NAME-VERSION"),
        ("nowhere.txt", "No such file"),
    ],
)
def test_what_is_no_side_is_told_in_words(text, words):
    with pytest.raises(SideError, match=words):
        read_side(text, KNOWN)


@pytest.mark.parametrize(("text", "words"), [("-r other.txt\n", "is an option"), ("# nothing\n", "no requirement")])
def test_a_requirements_file_of_something_else_is_refused(tmp_path, text, words):
    (tmp_path / "bad.txt").write_text(text, encoding="utf-8")
    with pytest.raises(SideError, match=words):
        read_side(str(tmp_path / "bad.txt"), KNOWN)


def wheel(folder, text=""):
    """Return the path of a wheel of numpy 9.9.9, a package with just this text."""
    path = folder / "numpy-9.9.9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("numpy/__init__.py", text)
        file.writestr("numpy-9.9.9.dist-info/METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.9\n")
        file.writestr("numpy-9.9.9.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("numpy-9.9.9.dist-info/RECORD", "")
    return path


def test_a_wheel_is_locked_with_its_hash_and_one_built_anew_is_another_side(tmp_path):
    toy = load(TOY)["toy"]
    first = read_side(str(wheel(tmp_path)), {})
    second = read_side(str(wheel(tmp_path, "broken = True")), {})
    assert first.name.startswith("numpy-9.9.9-")
    assert first.name != second.name
    _, (one, other) = solve((second, replace(first, known=toy)), [toy], "cpu", tmp_path / "sides", False, print)
    assert "--hash=sha256:" in (tmp_path / "sides" / f"{one.packages}.cpu.lock").read_text()
    assert [line.split(" -> ")[0] for line in differences(other, one, "cpu")] == ["numpy 2.4.6"]


def test_two_views_of_the_same_packages_differ_in_their_adapter():
    toy = load(TOY)["toy"]
    other = replace(toy, adapter="tests.toy_framework.three_steps")
    assert differences(toy, other, "cpu") == ["adapter tests.toy_framework.session -> tests.toy_framework.three_steps"]


@pytest.mark.parametrize("requirement", ["numpy==99.0", "numpy==1.5.0"])  # no such release; none with a wheel for 3.11
def test_a_release_that_no_environment_can_hold_is_told_with_each_cause(tmp_path, requirement):
    known = load(TOY)
    pair = (read_side(requirement, known), read_side("numpy", known))
    with pytest.raises(EnvironmentFailed, match=r"in toy \(Python 3.11\): toy\+numpy-.* cannot be solved: .*numpy"):
        solve(pair, [known["toy"]], "cpu", tmp_path / "sides", False, print)
    assert not list((tmp_path / "sides").glob(f"*{pair[0].name}*.cpu.lock"))


def test_a_release_is_solved_in_the_first_python_that_can_hold_it(tmp_path):
    known = load(TOY)
    pair = (read_side("numpy==1.19.5", known), read_side("numpy==1.18.5", known))
    template, made = solve(pair, [known["toy-3.13"], known["toy-3.7"]], "cpu", tmp_path, False, print)
    assert (template.name, made[0].python) == ("toy-3.7", "3.7")
    assert differences(*made, "cpu") == ["numpy 1.19.5 -> 1.18.5"]


def test_a_pinned_release_is_solved_once_and_a_moving_one_each_time(tmp_path):
    known = load(TOY)
    pair = (read_side("numpy==2.3.5", known), read_side("numpy<2.4", known))
    told = []
    for _ in range(2):
        solve(pair, [known["toy"]], "cpu", tmp_path, True, told.append)
    assert [line.split(":")[0].rpartition("-")[0] for line in told] == [
        "toy+numpy",
        "toy+numpy-2.4",
        "toy+numpy-2.4",
    ]
