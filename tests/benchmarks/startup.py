"""What starting costs: ``import derive`` beside ``import sympy``, and ``derive verify softmax-cce`` after it.

Run: ``python tests/benchmarks/startup.py [rounds]``. Each round runs the three commands in turn, in fresh processes;
the medians are printed. The bounds are those the project holds itself to; nothing fails here, since machines are noisy.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "import sympy": [sys.executable, "-c", "import sympy"],
    "import derive": [sys.executable, "-c", "import derive"],
    "derive verify softmax-cce": [sys.executable, "-m", "derive", "verify", "softmax-cce"],
}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(rounds: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    sympy, derive, verify = (statistics.median(each) for each in times.values())
    print(f"{rounds} rounds, medians in seconds, {sys.version.split()[0]} on {sys.platform}")
    print(f"import sympy               {sympy:.2f}")
    print(f"import derive              {derive:.2f}   {derive / sympy:.2f} times import sympy (bound 1.40)")
    print(f"derive verify softmax-cce  {verify:.2f}   {verify - sympy:.2f} s more than import sympy (bound 1.20)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
