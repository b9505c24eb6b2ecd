"""The CPU seconds that the shipped scripts' `load()` takes in a new process: `python loading.py DATA`."""

import json
import sys
import time

from data import load

if __name__ == "__main__":
    began = time.process_time()
    load(sys.argv[1])
    print(json.dumps({"seconds": time.process_time() - began}))
