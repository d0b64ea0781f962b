"""Writes what an environment required before a change and requires now, as two requirements files for framegate gate.

python .github/changed_requirements.py BASE_COMMIT BEFORE AFTER. Of several changed environments the first is taken.
"""

import subprocess
import sys
import tomllib
from pathlib import Path


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def main(base: str, before: str, after: str) -> int:
    changed = git("diff", "--name-only", "--diff-filter=M", base, "--", "environments/*.toml").splitlines()
    for name in changed:
        old = tomllib.loads(git("show", f"{base}:{name}")).get("requirements", {}).get("cpu")
        new = tomllib.loads(Path(name).read_text(encoding="utf-8")).get("requirements", {}).get("cpu")
        if old and new and old != new:
            print(f"{name}: {old} -> {new}")
            Path(before).write_text("\n".join(old) + "\n", encoding="utf-8")
            Path(after).write_text("\n".join(new) + "\n", encoding="utf-8")
            return 0
    print(f"no environment's cpu requirements differ from {base}: changed are {changed or 'none'}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
