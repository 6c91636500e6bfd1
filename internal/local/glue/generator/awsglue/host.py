"""Runs layout generators: request on standard input, answer on file descriptor 3."""

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


def answer(request):
    """Return the layout as JSON, or the class and text of what the generator raised."""
    try:
        return json.dumps({"layout": generate(json.loads(request))})
    except BaseException as error:  # SystemExit too: the service must get an answer
        return json.dumps({"error": {"type": type(error).__name__, "message": str(error)}})


def main():
    """Answer the one request and end."""
    os.set_inheritable(ANSWER, False)
    text = answer(sys.stdin.read())
    sys.stdout.flush()
    with os.fdopen(ANSWER, "w") as out:
        out.write(text)
    os._exit(0)  # threads of the generator do not keep the process


def serve():
    """Answer one request per line, each in a process forked for it, until the input ends."""
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    importlib.import_module("awsglue.blueprint.workflow")
    importlib.import_module("awsglue.blueprint.job")
    os.set_inheritable(ANSWER, False)
    with os.fdopen(ANSWER, "w") as out:
        for request in sys.stdin:
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                with os.fdopen(write, "w") as to_parent:
                    to_parent.write(answer(request))
                os._exit(0)
            os.close(write)
            with os.fdopen(read) as from_child:
                text = from_child.read()
            status = os.waitpid(child, 0)[1]
            out.write((text or json.dumps({"died": "exit status {}".format(status >> 8)})) + "\n")
            out.flush()


if sys.argv[1:] == ["--serve"]:
    serve()
else:
    main()
