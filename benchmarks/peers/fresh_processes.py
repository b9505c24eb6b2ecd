"""A shell's loop: `python fresh_processes.py WORK.json NUMBER` for one point after another."""

import json
import subprocess
import sys

from work import Found, Work, load, main, read_work, trial


def search(work: Work) -> Found:
    """Start a new interpreter for each point."""
    found = {}
    for number in range(len(work.points)):
        command = [sys.executable, __file__, sys.argv[1], str(number), "one"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[number] = [float(value) for value in json.loads(done.stdout.splitlines()[-1])]
    return Found(found, min(found, key=lambda number: min(found[number])))


if __name__ == "__main__":
    if sys.argv[3:] == ["one"]:
        work = read_work(sys.argv[1])
        print(json.dumps(trial(int(sys.argv[2]), work, *load(work.data))))
    else:
        main(search)
