"""Runs one layout generator: request on standard input, answer on file descriptor 3."""

import importlib
import json
import os
import sys

ANSWER = 3


def generate(request):
    """Call the generator and return its layout as the bodies of Create calls."""
    sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), request["path"]]
    module_name, _, function_name = request["generator"].rpartition(".")
    function = getattr(importlib.import_module(module_name), function_name)
    layout = function(request["user_params"], request["system_params"])
    return layout.to_json(request["suffix"])


def main():
    """Answer with the layout, or with the class and text of what the generator raised."""
    os.set_inheritable(ANSWER, False)
    try:
        answer = json.dumps({"layout": generate(json.load(sys.stdin))})
    except BaseException as error:  # SystemExit too: the service must get an answer
        answer = json.dumps({"error": {"type": type(error).__name__, "message": str(error)}})
    sys.stdout.flush()
    with os.fdopen(ANSWER, "w") as out:
        out.write(answer)
    os._exit(0)  # threads of the generator do not keep the process


main()
