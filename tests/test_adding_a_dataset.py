"""docs/adding-a-dataset.md, followed literally in a copy of the suite."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from framegate.runner import data

ROOT = Path(__file__).parents[1]


def test_the_recipe_works_when_pasted(tmp_path):
    page = (ROOT / "docs" / "adding-a-dataset.md").read_text().replace("/tmp/data-home", str(tmp_path / "home"))
    blocks = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", page, re.DOTALL))
    for folder in ("datasets", "worker"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, code in blocks.items():
        (tmp_path / name).write_text(code)
    contract = tmp_path / "datasets" / "dataset.py"
    contract.write_text(contract.read_text().replace('NAMES = ("digits"', 'NAMES = ("patches", "digits"'))
    subprocess.run([sys.executable, tmp_path / "make_patches.py"], check=True)

    patches = data.prepare("patches", None, data_home=tmp_path / "home", cache=tmp_path / "cache", root=tmp_path)

    assert patches.rows == {"train": 416, "test": 104}
    assert patches.shape == (32, 32, 3)
    assert patches.complete
