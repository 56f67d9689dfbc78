#!/usr/bin/env python3
"""A policy that drives robots over the wire: the twin, and a driver in Python, that of docs/deploy.md.

drive_test.py --program understudy --source FOLDER [--only NAME]

Ends with 77 where Python has no zmq or msgpack_numpy.
"""
import json
import os
import re
import signal
import subprocess
import threading
import time

import serve_test  # noqa: F401, skips where something is missing
import numpy as np
import zmq


PANDAS_SPEED = 0.85  # m/s, of its robot.yaml


def drive(t, *options, wait=True):
    """`understudy drive` with the policy that ships; what it reports, or the process."""
    process = subprocess.Popen([t.program, 'drive', t.checkpoint, '--dead-man', 'none', '--json',
                                *map(str, options)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not wait:
        return process
    out, log = process.communicate(timeout=120)
    if process.returncode != 0:
        return process.returncode, log
    return json.loads(out)


class Twin:
    """`understudy simulate`."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, 'simulate', '--task', 'stack', '--port', '0'],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        while line and ' at tcp://' not in line:
            line = self.process.stderr.readline()
        assert line, self.process.stdout.read()
        self.address = line.split(' at ')[1].split(';')[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class PythonArm:
    """A stand-in for an arm: takes commands, and stays where it was drawn."""

    def __init__(self):
        self.joints = np.array([0, 0.196, 0, -2.618, 0, 2.942, 0.785])
        self.commands = []
        self.silent = False
        self.broken = False

    def hold(self):
        # where E is, it is not asked to know
        return {'robot0_eef_position': np.array([-0.1, 0.0, 1.0]),
                'robot0_eef_rotation': np.array([0.0, 1.0, 0.0, 0.0]),
                'robot0_gripper': np.array([-1.0])}

    def command(self, action):
        self.commands.append(action)

    def read(self):
        joints = self.joints * np.nan if self.broken else self.joints
        if not self.silent:
            self.taken = time.monotonic() - 0.002
        return joints, np.array([0.04, -0.04]), self.taken

    def pictures(self, cameras, width, height):
        picture = np.zeros((height, width, 3), np.uint8)
        return {camera: picture for camera in cameras}, time.monotonic() - 0.01


def of_the_docs(source, arm):
    """The driver on the page, on a thread of its own; its address."""
    page = (source / 'docs/deploy.md').read_text()
    [code] = [block for block in re.findall(r'```python\n(.*?)```', page, re.S) if 'ROUTER' in block]
    port = zmq.Context.instance().socket(zmq.REP).bind_to_random_port('tcp://127.0.0.1')
    address = f'tcp://127.0.0.1:{port + 1}'
    code = code.replace('tcp://127.0.0.1:5556', address)
    names = {'driver': arm}
    threading.Thread(target=lambda: exec(code, names), daemon=True).start()
    time.sleep(0.5)
    return address


def check_a_driver_in_python(t):
    arm = PythonArm()
    address = of_the_docs(t.source, arm)
    report = drive(t, '--link', address, '--seconds', 3, '--log', t.folder / 'log', '--out',
                   t.folder / 'drive.json')
    [row] = report['policies'][0]['rows']
    assert row['moving_steps'] == 60 and row['cause'] == 'out of time', row
    assert row['chunks'] >= 5 and row['brakes']['stale'] == 0, row
    positions = np.array([c['robot0_eef_position'] for c in arm.commands])
    assert len(positions) >= 55
    # it begins where the arm is, whatever it says of its command
    assert np.linalg.norm(positions[0] - positions[1]) < 0.01
    assert report['policies'][0]['judged'] == 0 and row['judged'] is False
    speeds = np.linalg.norm(np.diff(positions, axis=0), axis=1) * 20
    assert 0.01 < speeds.max() <= PANDAS_SPEED * (1 + 1e-6), speeds.max()
    assert speeds[-1] == 0
    info = subprocess.run([t.program, 'data', 'info', str(t.folder / 'log/trial_0000.h5')],
                          capture_output=True, text=True)
    assert info.returncode == 0 and 'stage: drive' in info.stdout, info
    assert json.loads((t.folder / 'drive.json').read_text())['robot'] == 'panda'

    # in its shadow nothing is sent
    arm.commands.clear()
    report = drive(t, '--link', address, '--seconds', 1, '--shadow')
    assert report['policies'][0]['rows'][0]['moving_steps'] == 20
    assert not arm.commands

    # old readings, and numbers that are none, count for nothing
    for fault, words in (('silent', 'no reading for'), ('broken', 'not finite')):
        threading.Timer(1.5, setattr, (arm, fault, True)).start()
        report = drive(t, '--link', address, '--seconds', 20, '--lost', 1)
        [row] = report['policies'][0]['rows']
        assert 'the robot is lost' in row['cause'] and words in row['cause'], row
        assert row['brakes']['stale'] == 1, row
        setattr(arm, fault, False)
    code, log = drive(t, '--link', address, '--robot', 'ur5e')
    assert code == 3 and 'ur5e' in log, log


def check_a_twin_that_dies(t):
    with Twin(t.program) as twin:
        process = drive(t, '--link', twin.address, '--seed', 5, '--lost', 1, '--log',
                        t.folder / 'log', '--trials', 2, wait=False)
        while not list(t.folder.glob('log/*.part')):
            time.sleep(0.1)
        time.sleep(1.5)
        twin.process.kill()
        out, log = process.communicate(timeout=60)
    # the first trial is over and kept; there is no second one
    assert process.returncode == 1 and 'the robot is lost' in log, log
    assert 'no answer to pictures' in log, log
    assert (t.folder / 'log/trial_0000.h5').exists()


def check_a_driver_that_is_killed(t):
    with Twin(t.program) as twin:
        process = drive(t, '--link', twin.address, '--seed', 5, '--log', t.folder / 'log',
                        wait=False)
        [part] = wait_for(lambda: list(t.folder.glob('log/*.part')))
        time.sleep(2.5)
        process.kill()
        process.communicate()
        # what it had recorded is there, and the robot is ready for the next
        done = subprocess.run([t.program, 'data', 'repair', str(part), '--out',
                               str(t.folder / 'saved.h5')], capture_output=True, text=True)
        assert done.returncode == 0, done
        info = subprocess.run([t.program, 'data', 'info', '--json', str(t.folder / 'saved.h5')],
                              capture_output=True, text=True)
        assert json.loads(info.stdout)['steps'] >= 20, info.stdout
        report = drive(t, '--link', twin.address, '--seed', 5, '--seconds', 2)
        assert report['policies'][0]['rows'][0]['moving_steps'] == 40


def check_ctrl_c(t):
    with Twin(t.program) as twin:
        process = drive(t, '--link', twin.address, '--trials', 3, '--out', t.folder / 'd.json',
                        '--log', t.folder / 'log', wait=False)
        wait_for(lambda: list(t.folder.glob('log/*.part')))
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, log = process.communicate(timeout=20)
        report = json.loads((t.folder / 'd.json').read_text())
        [row] = report['policies'][0]['rows']
        assert report['interrupted'] and row['cause'] == 'interrupted', row
        assert row['brakes']['stopped'] == 1, row


def check_policies_in_a_hidden_order(t):
    other = t.folder / 'other'
    subprocess.run(['cp', '-r', t.checkpoint, other], check=True)
    report = drive(t, other, '--link', 'sim', '--trials', 2, '--seconds', 1, '--seed', 3)
    first, second = report['policies']
    assert first['trials'] == second['trials'] == 2
    assert report['paired']['pairs'] == 2
    assert sorted(r['trial'] for p in report['policies'] for r in p['rows']) == [0, 1, 2, 3]


def check_a_recording_is_a_robot(t):
    sources = t.folder / 's.h5'
    subprocess.run([t.program, 'teleop', '--task', 'stack', '--demos', '1', '--seed', '1', '--out',
                    sources, '--quiet'], check=True)
    code, log = drive(t, '--link', sources)
    assert code == 3 and 'stores no pictures' in log, log
    looks = t.folder / 'l.h5'
    subprocess.run([t.program, 'augment', sources, '--variants', '0', '--out', looks, '--quiet'],
                   check=True)
    report = drive(t, '--link', looks)
    [row] = report['policies'][0]['rows']
    assert 0 < row['mean_distance_m'] < 0.2, row
    assert row['moving_steps'] > 50, row
    code, log = drive(t, '--link', 'nowhere')
    assert code == 2 and 'no such file' in log, log


def wait_for(found, seconds=20):
    until = time.time() + seconds
    while time.time() < until:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError('waited in vain')


if __name__ == '__main__':
    serve_test.main(globals())
