#!/usr/bin/env python3
"""The C++ client library: the program of docs/deploy.md, compiled with its header and archive alone,
against a server, beside a client in Python.

client_test.py --program understudy --source FOLDER --library libunderstudy_client.a --compiler C++
"""
import re
import shutil
import subprocess

import numpy as np

import serve_test
from serve_test import Client, Server


def compile_example(t):
    page = (t.source / 'docs/deploy.md').read_text()
    [code] = [block for block in re.findall(r'```cpp\n(.*?)```', page, re.S)]
    (t.folder / 'include/understudy').mkdir(parents=True)
    shutil.copy(t.source / 'serve/client/policy_client.h', t.folder / 'include/understudy')
    (t.folder / 'example.cc').write_text(code)
    program = t.folder / 'example'
    subprocess.run([t.compiler, '-std=c++17', '-Wall', '-Wextra', '-Werror', '-Wno-sign-conversion',
                    t.folder / 'example.cc', '-I', t.folder / 'include', t.library, '-lzmq', '-lfmt',
                    '-o', program], check=True)
    return program


def check_the_page(t):
    program = compile_example(t)
    # nothing of the program comes along
    needed = subprocess.run(['ldd', program], capture_output=True, text=True).stdout
    assert 'torch' not in needed and 'understudy' not in needed and 'hdf5' not in needed, needed
    with Server(t.program, t.checkpoint) as server:
        done = subprocess.run([program, server.address], capture_output=True, text=True)
        assert done.returncode == 0, done
        said = {line.split(':')[0]: [float(x) for x in line.split(':')[1].split()]
                for line in done.stdout.splitlines()}
        client = Client(server.address)
        ours = client.ask('get_modality_config')['understudy']
        seen = {'video': {name: np.zeros((1, 1, *size), np.uint8)
                          for name, size in ours['cameras'].items()},
                'state': {name: np.full((1, 1, size), 0.5) for name, size in ours['state'].items()},
                'language': {'annotation.human.task_description': [[ours['instructions'][0]]]}}
        action, _ = client.ask('get_action', {'observation': seen, 'options': {'dtype': 'float64'}})
        assert set(said) == set(action) and said
        for name, numbers in said.items():
            assert np.array_equal(action[name][0, 0], numbers), name
    # words, not a crash, where nobody listens; the timeout is the library's own
    lost = subprocess.run([program, 'tcp:/nowhere'], capture_output=True, text=True)
    assert lost.returncode != 0 and 'an address is tcp://HOST:PORT' in lost.stderr, lost


if __name__ == '__main__':
    serve_test.main(globals(), '--library', '--compiler')
