from pathlib import Path

import pytest

from framegate.errors import MatrixError
from framegate.runner.declarations import Environment, load
from framegate.runner.environments import built_folder, lock_file, lock_state

ROOT = Path(__file__).parent.parent

TINY = """\
python = "3.11"
framework = "tiny"
adapter = "frameworks.tiny_session"

[requirements]
cpu = ["six==1.16.0"]
"""
VIEW = """\
packages = "tiny"
framework = "other"
adapter = "frameworks.other_session"

[variables]
BACKEND = "two"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / "view.toml").write_text(VIEW)
    return tmp_path


def test_file_becomes_an_environment(folder: Path) -> None:
    assert load(folder)["tiny"] == Environment(
        name="tiny",
        framework="tiny",
        adapter="frameworks.tiny_session",
        python="3.11",
        variables={},
        packages="tiny",
        requirements={"cpu": ("six==1.16.0",)},
        folder=folder,
    )


def test_view_has_the_packages_of_another_and_its_own_adapter(folder: Path) -> None:
    view = load(folder)["view"]
    assert (view.packages, view.python, view.requirements) == ("tiny", "3.11", {"cpu": ("six==1.16.0",)})
    assert (view.framework, view.adapter, view.variables) == (
        "other",
        "frameworks.other_session",
        {"BACKEND": "two"},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('cuda = "12"\n' + TINY, "unknown key 'cuda'; wanted one of python, framework, adapter"),
        (TINY.replace('"3.11"', "3.11"), "python = 3.11; wanted a string"),
        (TINY.replace('"3.11"', '"latest"'), "python = 'latest'; wanted something like '3.11'"),
        (TINY.replace('adapter = "frameworks.tiny_session"', ""), "adapter is missing"),
        (TINY.replace("cpu = ", "tpu = "), "requirements.tpu; wanted one of cpu, gpu"),
        (TINY.replace('["six==1.16.0"]', '"six"'), "requirements.cpu = 'six'; wanted a list"),
        (TINY.replace("six==1.16.0", "--index-url=x"), "requirements.cpu = ['--index-url=x']; wanted a list"),
        (TINY + "[variables]\nTHREADS = 1\n", "variables.THREADS = 1; wanted a string"),
        (TINY + '[variables]\nPYTHONPATH = "x"\n', "variables.PYTHONPATH has no effect"),
        (TINY + '[links]\n"../x" = { library = "x", package = "y" }\n', "links.../x = {"),
        (TINY + '[links]\n"libx.so.1" = "libx.so.2"\n', "links.libx.so.1 = 'libx.so.2'; wanted a file name, and"),
        (
            TINY + "[exports]\nonnx = true\n",
            "exports.onnx = True; wanted a form, such as onnx, and the environment that reads it",
        ),
        (TINY + '[exports]\nonnx = "nowhere"\n', "exports.onnx = 'nowhere', but nowhere.toml is not there"),
        (VIEW.replace('"tiny"', '"nowhere"'), "packages = 'nowhere', but nowhere.toml is not there"),
        (VIEW.replace('"tiny"', '"view"'), "packages = 'view', which is itself a view; name 'tiny'"),
        ('python = "3.11"\n' + VIEW, "python comes with packages = 'tiny'; keep one of the two"),
        ("python =", "not valid TOML"),
    ],
)
def test_mistake_is_named_with_its_file(folder: Path, text: str, said: str) -> None:
    (folder / "wrong.toml").write_text(text)
    with pytest.raises(MatrixError) as failure:
        load(folder)
    assert f"{folder / 'wrong.toml'}: " in str(failure.value)
    assert said in str(failure.value)


def test_folder_without_environments_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="no environment files found"):
        load(tmp_path)


@pytest.mark.parametrize("folder", [ROOT / "environments", ROOT / "tests" / "toy_framework" / "environments"])
def test_locks_are_those_of_the_declared_requirements(folder: Path) -> None:
    states = {
        lock_file(environment, device).name: lock_state(environment, device)
        for environment in load(folder).values()
        for device in environment.requirements
    }
    assert set(states.values()) == {"current"}
    assert set(states) == {path.name for path in folder.glob("*.lock")}


def test_locks_name_no_index_and_hash_every_package() -> None:
    for path in [*ROOT.glob("environments/*.lock"), *ROOT.glob("tests/toy_framework/environments/*.lock")]:
        text = path.read_text()
        pins = text.count("==") - text.splitlines()[1].count("==")
        assert "://" not in text
        assert text.count(" \\\n    --hash=sha256:") >= pins > 0


def test_keras_on_tensorflow_shares_the_folder_of_tensorflow(tmp_path: Path) -> None:
    environments = load(ROOT / "environments")
    view, own = environments["keras-tensorflow-2.21"], environments["tensorflow-2.21"]
    assert built_folder(view, "cpu", tmp_path) == built_folder(own, "cpu", tmp_path)
