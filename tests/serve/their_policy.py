"""What tests of policies that other programs train here share: their page is followed in a small size."""
import argparse
import os
import pathlib
import re
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.append(str(here.parent / "convert"))  # cpu_torchvision
environment = {**os.environ, "PYTHONPATH": str(here.parent / "convert"), "OMP_NUM_THREADS": "1",
               "HF_HUB_OFFLINE": "1"}


def arguments():
    """Program and source folder, whole paths."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path)
    options = parser.parse_args()
    return options.program.resolve(), options.source.resolve()


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


def run(*command, folder):
    result = subprocess.run([*map(str, command)], cwd=folder, env=environment, capture_output=True,
                            text=True)
    assert result.returncode == 0, (command, result.returncode, result.stdout[-3000:],
                                    result.stderr[-3000:])
    return result.stdout


def python(script, *options):
    """A script or module of theirs; their torchvision may be built for another torch."""
    start = "import cpu_torchvision, runpy, sys; sys.argv = sys.argv[1:]; "
    how = ("runpy.run_path(sys.argv[0], run_name='__main__')" if script.endswith(".py") else
           "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)")
    return [sys.executable, "-c", start + how, script, *options]


def evaluate(program, served, policy_map, *options, folder):
    """Rollouts of the policy that `served`, a script and its checkpoint, answers for."""
    address = f"ipc://{folder}/policy"
    server = subprocess.Popen(python(*served, "--address", address), env=environment,
                              stdout=subprocess.PIPE, text=True)
    try:
        while "serving" not in server.stdout.readline():
            assert server.poll() is None, "the server ended"
        run(program, "evaluate", "--task", "stack", "--policy-server", address, "--policy-map",
            policy_map, "--quiet", *options, folder=folder)
    finally:
        server.terminate()
