#!/usr/bin/env python3
"""A policy server and clients that nobody here wrote: pyzmq with PyPI's msgpack-numpy.

serve_test.py --program understudy --source FOLDER [--only NAME]

Ends with 77 where Python has no zmq or msgpack_numpy.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

try:
    import msgpack
    import msgpack_numpy
    import numpy as np
    import zmq
    from npy_arrays import decode_npy, encode_npy
except ImportError as missing:
    if sys.executable != '/usr/bin/python3' and os.path.exists('/usr/bin/python3'):
        os.execv('/usr/bin/python3', ['/usr/bin/python3', *sys.argv])
    print(f'skipped: {missing} (python3-zmq, python3-msgpack-numpy)')
    sys.exit(77)


class Server:
    """`understudy serve`, started and ended."""

    def __init__(self, program, *options):
        self.process = subprocess.Popen([program, 'serve', '--port', '0', '--json', *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        while line and ' at tcp://' not in line and ' at ws://' not in line:
            line = self.process.stderr.readline()
        assert line, self.process.stdout.read()
        self.address = line.split(' at ')[1].split(';')[0]
        self.log = []
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()

    def memory(self):
        for line in pathlib.Path(f'/proc/{self.process.pid}/status').read_text().splitlines():
            if line.startswith('VmRSS'):
                return int(line.split()[1]) / 1024

    def end(self):
        self.process.send_signal(signal.SIGINT)
        text, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, text
        return json.loads(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Client:
    def __init__(self, address, token=None):
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.setsockopt(zmq.RCVTIMEO, 10000)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(address)
        self.token = token

    def ask(self, endpoint, data=None):
        request = {'endpoint': endpoint}
        if data is not None:
            request['data'] = data
        if self.token:
            request['api_token'] = self.token
        self.socket.send(msgpack.packb(request, default=msgpack_numpy.encode))
        return msgpack.unpackb(self.socket.recv(), object_hook=msgpack_numpy.decode)


def observation(config, batch=1, seed=0):
    rng = np.random.default_rng(seed)
    ours = config['understudy']
    state = {}
    for name, size in ours['state'].items():
        value = rng.normal(size=(batch, 1, size)).astype(np.float32)
        state[name] = value / np.linalg.norm(value, axis=-1, keepdims=True) if size == 4 else value
    return {'video': {name: rng.integers(0, 255, (batch, 1, *size), dtype=np.uint8)
                      for name, size in ours['cameras'].items()},
            'state': state,
            'language': {'annotation.human.task_description': [[ours['instructions'][0]]] * batch}}


def check_an_independent_client(t):
    with Server(t.program, t.checkpoint) as server:
        client = Client(server.address)
        assert client.ask('ping')['status'] == 'ok'
        config = client.ask('get_modality_config')
        assert config['video']['modality_keys'] == ['agentview', 'robot0_eye_in_hand'], config
        horizon = len(config['action']['delta_indices'])
        seen = observation(config, batch=2)
        action, info = client.ask('get_action', {'observation': seen, 'options': None})
        assert info == {'unknown_instruction': False}
        assert set(action) == set(config['action']['modality_keys'])
        for name, size in config['understudy']['action'].items():
            assert action[name].shape == (2, horizon, size) and action[name].dtype == np.float32
            assert np.isfinite(action[name]).all()
        turn = np.linalg.norm(action['robot0_eef_rotation'], axis=-1)
        assert np.allclose(turn, 1, atol=1e-5), turn
        # flat keys, as simulators have them; the same noise after a reset of another client
        flat = {f'{m}.{k}': v for m in ('video', 'state') for k, v in seen[m].items()}
        flat['annotation.human.task_description'] = seen['language'][
            'annotation.human.task_description'][0]
        again = Client(server.address).ask('get_action', flat)
        for name, value in action.items():
            assert np.array_equal(again['action.' + name], value), name
        # halves and doubles are numbers too
        for dtype in (np.float16, np.float64):
            seen['state'] = {k: v.astype(dtype) for k, v in seen['state'].items()}
            assert isinstance(client.ask('get_action', {'observation': seen}), list)
        wrong = client.ask('get_action', {'observation': {'video': {}, 'state': {}}})
        assert 'video.agentview is missing' in wrong['error'], wrong
        assert server.end()['refused'] == 1


def check_hostile_messages(t):
    with Server(t.program, t.checkpoint, '--message-mib', '1') as server:
        client = Client(server.address)
        config = client.ask('get_modality_config')
        sound = msgpack.packb({'endpoint': 'get_action', 'data': {'observation': observation(config)}},
                              default=msgpack_numpy.encode)
        rng = random.Random(1)
        dealer = zmq.Context.instance().socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(server.address)
        before = None
        for i in range(t.hostile):
            kind = i % 4
            if kind == 0:
                body = rng.randbytes(rng.randrange(200))
            elif kind == 1:
                body = sound[:rng.randrange(200)]
            elif kind == 2:
                body = bytearray(sound[:400])
                body[rng.randrange(400)] = rng.randrange(256)
                body = bytes(body)
            else:
                body = b'\xdd\xff\xff\xff\xff' + rng.randbytes(8)
            dealer.send_multipart([b'', body] if i % 3 else [body])
            if i % 50 == 49:  # what it answers is not read for a while
                while dealer.poll(0):
                    dealer.recv_multipart()
            if i == t.hostile // 2:
                before = server.memory()
        # frames that are no request, a message that is too long, and bytes that are no ZeroMQ
        dealer.send_multipart([b'a', b'b', b'c', b'd', b'e'])
        long = zmq.Context.instance().socket(zmq.DEALER)
        long.setsockopt(zmq.LINGER, 0)
        long.connect(server.address)
        long.send_multipart([b'', b'x' * (3 << 20)])
        host, port = server.address.removeprefix('tcp://').split(':')
        for _ in range(50):
            with socket.create_connection((host, int(port))) as raw:
                raw.sendall(rng.randbytes(300))
        time.sleep(0.5)
        assert client.ask('ping')['status'] == 'ok'
        assert isinstance(client.ask('get_action', {'observation': observation(config)}), list)
        grown = server.memory() - before
        assert grown < 16, f'{grown:.1f} MiB more after {t.hostile // 2} hostile messages'
        result = server.end()
        # (random bytes may be frames of an old ZeroMQ)
        assert result['refused'] > t.hostile // 2 and result['dropped'] >= 1, result
        assert any('requests refused, the last one:' in line for line in server.log), server.log


def rollouts(t, name, *options, episodes=3, **more):
    out = t.folder / f'{name}.h5'
    done = subprocess.run([t.program, 'evaluate', *options, '--task', 'stack', '--episodes',
                           str(episodes), '--seed', '5', '--save', str(out), '--quiet'],
                          capture_output=True, text=True, **more)
    if done.returncode != 0:
        return done
    info = subprocess.run([t.program, 'data', 'info', '--json', str(out)], check=True,
                          capture_output=True, text=True).stdout
    return json.loads(info)['content_hash']


class Proxy(threading.Thread):
    """A policy server in Python: hands every request on, unpacked and packed again."""

    def __init__(self, address, ends_after=None, noise=None):
        super().__init__(daemon=True)
        self.noise = noise
        self.behind = Client(address)
        self.seen = []  # states it was asked about
        self.socket = zmq.Context.instance().socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.address = f'tcp://127.0.0.1:{self.socket.bind_to_random_port("tcp://127.0.0.1")}'
        self.ends_after = ends_after
        self.asked = 0
        self.start()

    def run(self):
        while self.ends_after is None or self.asked < self.ends_after:
            request = msgpack.unpackb(self.socket.recv(), object_hook=msgpack_numpy.decode)
            if request['endpoint'] == 'get_action':
                self.seen.append(request['data']['observation']['state'])
                if self.noise:
                    request['data']['options']['noise'] = self.noise
            reply = self.behind.ask(request['endpoint'], request.get('data'))
            self.socket.send(msgpack.packb(reply, default=msgpack_numpy.encode))
            self.asked += 1


def check_rollouts_over_the_wire_are_the_same(t):
    here = rollouts(t, 'here', t.checkpoint)
    with Server(t.program, t.checkpoint) as server:
        assert rollouts(t, 'wire', '--policy-server', server.address) == here
        proxy = Proxy(server.address)
        assert rollouts(t, 'proxy', '--policy-server', proxy.address) == here
        assert proxy.asked > 10
        # a server that goes away: one sentence, and no rest of a file that looks whole
        lost = rollouts(t, 'lost', '--policy-server', Proxy(server.address, ends_after=9).address,
                        timeout=60)
        assert lost.returncode == 1, lost
        assert 'no answer to get_action within' in lost.stderr, lost.stderr


def quaternion_product(a, b):
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack([aw * bw - ax * bx - ay * by - az * bz, aw * bx + ax * bw + ay * bz - az * by,
                     aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw], -1)


def conjugate(q):
    return q * np.array([1, -1, -1, -1])


def turned(q, v):
    return quaternion_product(quaternion_product(q, np.concatenate([np.zeros((*v.shape[:-1], 1)), v],
                                                                   -1)), conjugate(q))[..., 1:]


def axis_angle(q):
    q = q * np.where(q[..., :1] < 0, -1, 1)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    return np.where(sine > 1e-12, q[..., 1:] / np.maximum(sine, 1e-12) * angle, 2 * q[..., 1:])


NOISE = [5, 0, 0, 0, 0]  # of every request, where two policies are compared


class Other(threading.Thread):
    """A server of another program: its own names, poses seen from the base, and steps as actions."""

    def __init__(self, address, layout):
        super().__init__(daemon=True)
        self.in_observation = layout == 'flat_observation'
        self.encode, self.decode = ((encode_npy, decode_npy) if self.in_observation else
                                    (msgpack_numpy.encode, msgpack_numpy.decode))
        self.policy = Client(address)
        base = self.policy.ask('get_modality_config')['understudy']['base']
        self.p, self.q = np.array(base['p']), np.array(base['q'], float)
        self.seen = []
        self.socket = zmq.Context.instance().socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.address = f'tcp://127.0.0.1:{self.socket.bind_to_random_port("tcp://127.0.0.1")}'
        self.start()

    def run(self):
        while True:
            request = msgpack.unpackb(self.socket.recv(), object_hook=self.decode)
            reply = {'status': 'ok'}
            if request['endpoint'] == 'get_modality_config':
                reply = {'video': {}, 'state': {}}
            if request['endpoint'] == 'get_action':
                seen = request['data']
                reply = self.act(seen['observation'] if self.in_observation else seen)
            self.socket.send(msgpack.packb(reply, default=self.encode))

    def act(self, seen):
        pose = seen['state.eef'].astype(float)
        position = turned(self.q, pose[..., :3]) + self.p
        rotation = quaternion_product(self.q, pose[..., [6, 3, 4, 5]])
        state = {'robot0_eef_position': position, 'robot0_eef_rotation': rotation,
                 'robot0_gripper': seen['state.fingers']}
        self.seen.append(state)
        action, _ = self.policy.ask('get_action', {'observation': {
            'video': {'agentview': seen['video.high'],
                      'robot0_eye_in_hand': seen['video.wrist']},
            'state': state,
            'language': {'annotation.human.task_description': [seen['task']]}},
            'options': {'dtype': 'float64', 'noise': NOISE}})
        p, q = action['robot0_eef_position'][0], action['robot0_eef_rotation'][0]
        before_p = np.concatenate([position[0], p[:-1]])
        before_q = np.concatenate([rotation[0], q[:-1]])
        steps = (p - before_p) / 0.05
        turns = axis_angle(quaternion_product(q, conjugate(before_q))) / 0.5
        grip = (action['robot0_gripper'][0] + 1) / 2
        return {'action.delta': np.concatenate([steps, turns], -1), 'action.close': grip[:, 0]}


MAP = """
cameras: {agentview: high, robot0_eye_in_hand: wrist}
image_width: 84
image_height: 84
language: task
state:
  - {key: eef, from: eef_position}
  - {key: eef, from: eef_rotation, form: quaternion_xyzw}
  - {key: fingers, from: gripper}
action:
  - {key: delta, to: eef_position, frame: world, meaning: from_last, scale: 0.05}
  - {key: delta, first: 3, to: eef_rotation, form: axis_angle, frame: world, meaning: from_last, scale: 0.5}
  - {key: close, to: gripper, scale: 2, offset: -1}
"""


def check_policies_of_others(t):
    """Behind names, frames and actions of another program, the shipped policy sees and does the same."""
    layouts = {'flat': 'layout: flat\narrays: msgpack_numpy\n',
               'flat_observation': 'layout: flat_observation\n'}
    with Server(t.program, t.checkpoint) as server:
        own = Proxy(server.address, noise=NOISE)
        assert isinstance(rollouts(t, 'own', '--policy-server', own.address, episodes=1), str)
        for layout, said in layouts.items():
            (t.folder / 'map.yaml').write_text(said + MAP)
            other = Other(server.address, layout)
            assert isinstance(rollouts(t, layout, '--policy-server', other.address, '--policy-map',
                                       str(t.folder / 'map.yaml'), episodes=1), str)
            expect_the_same(own, other)
        # without the map nobody can know what its parts are
        refused = rollouts(t, 'refused', '--policy-server', other.address)
        assert refused.returncode == 3 and '--policy-map FILE does' in refused.stderr, refused
        (t.folder / 'map.yaml').write_text(said + MAP.replace('close', 'shut'))
        wrong = rollouts(t, 'wrong', '--policy-server', other.address, '--policy-map',
                         str(t.folder / 'map.yaml'))
        assert wrong.returncode == 1 and "has no 'action.shut'; it has action.delta" in wrong.stderr, \
            wrong


def expect_the_same(own, other):
    """What reached the policy, as far as rounding: what comes later may part, where fingers touch."""
    assert min(len(own.seen), len(other.seen)) > 8
    for decision, bound in zip(range(4), (1e-6, 1e-4, 1e-4, 1e-4)):
        for part, here in own.seen[decision].items():
            there = other.seen[decision][part]
            assert np.allclose(here, there, atol=bound, rtol=0), (decision, part, here, there)
    moved = own.seen[3]['robot0_eef_position'] - own.seen[0]['robot0_eef_position']
    assert np.abs(moved).max() > 0.05, moved


def check_tokens(t):
    token = t.folder / 'token'
    token.write_text('s3cret\n')
    with Server(t.program, t.checkpoint, '--token-file', str(token)) as server:
        assert 'Unauthorized' in Client(server.address).ask('ping')['error']
        assert Client(server.address, 's3cret').ask('ping')['status'] == 'ok'
        assert 'not allowed' in Client(server.address, 's3cret').ask('kill')['error']
        refused = rollouts(t, 'refused', '--policy-server', server.address)
        assert refused.returncode == 1 and 'Unauthorized' in refused.stderr, refused
        assert isinstance(rollouts(t, 'allowed', '--policy-server', server.address, '--token-file',
                                   str(token)), str)
    with Server(t.program, t.checkpoint, '--allow-kill') as server:
        Client(server.address).ask('kill')
        assert server.process.wait(20) == 0


def check_a_dataset_is_replayed(t):
    sources = t.folder / 'sources.h5'
    subprocess.run([t.program, 'teleop', '--task', 'stack', '--demos', '2', '--seed', '1', '--out',
                    str(sources), '--quiet'], check=True, capture_output=True)
    with Server(t.program, '--replay', str(sources)) as server:
        client = Client(server.address)
        config = client.ask('get_modality_config')
        def targets(seed):
            seen = {'observation': observation(config, seed=seed), 'options': None}
            return client.ask('get_action', seen)[0]['robot0_eef_position']

        # a demonstration, whatever is seen; after resets the other one too
        first = targets(1)
        assert first.shape[1] > 60 and np.array_equal(first, targets(2))
        lengths = set()
        for _ in range(12):
            client.ask('reset')
            lengths.add(targets(1).shape[1])
        assert len(lengths) == 2, lengths


def trained(t, name, dataset, *options):
    """A policy of a few updates."""
    run = t.folder / name
    subprocess.run([t.program, 'train', str(dataset), '--steps', '3', '--batch', '4', '--horizon',
                    '4', '--execute', '2', '--policy.width', '16', '--policy.blocks', '2',
                    '--policy.heads', '2', '--policy.feed-forward', '24', '--out', str(run),
                    '--quiet', *options], check=True, capture_output=True)
    return run


def of_columns(t, name, *options):
    return trained(t, name, t.source / 'tests/golden/h5py_robomimic.h5',
                   '--no-selection.only-successes', '--no-pictures', '--state-columns',
                   'obs/robot0_eef_pos', '--action-columns', 'actions', *options)


def check_answers_go_on_from_committed_actions(t):
    sources = t.folder / 'sources.h5'
    subprocess.run([t.program, 'teleop', '--task', 'stack', '--demos', '1', '--seed', '1', '--out',
                    str(sources), '--quiet'], check=True, capture_output=True)
    rtc = ['--policy.rtc-training-max-delay', '2']
    delayed = ['--delay', '0.1', '--stitching', 'rtc']
    run = trained(t, 'rtc', sources, '--no-pictures', *rtc)
    here = rollouts(t, 'rtc_here', str(run), *delayed, '--horizon', '40')
    with Server(t.program, str(run)) as server:
        assert rollouts(t, 'rtc_wire', '--policy-server', server.address, *delayed, '--horizon',
                        '40') == here
        # another chunk comes out where nothing is said of what is done
        switched = ['--delay', '0.1', '--horizon', '40']
        assert rollouts(t, 'switched', '--policy-server', server.address, *switched) != here
    refused = rollouts(t, 'refused', t.checkpoint, *delayed)
    assert refused.returncode == 3 and 'the policy was trained for none' in refused.stderr, refused

    # columns of a dataset come back as they were said
    with Server(t.program, str(of_columns(t, 'rtc_columns', *rtc))) as server:
        client = Client(server.address)
        config = client.ask('get_modality_config')
        assert config['understudy']['max_delay'] == 2
        recorded = np.linspace(-0.01, 0.02, 14).reshape(1, 2, 7)
        request = {'observation': observation(config),
                   'options': {'committed': {'actions': recorded}, 'noise': NOISE}}
        action, _ = client.ask('get_action', request)
        assert np.allclose(action['actions'][:, :2], recorded, atol=1e-5), action
        del request['options']['committed']
        free, _ = client.ask('get_action', request)
        assert not np.allclose(free['actions'][:, :2], recorded, atol=1e-3)
        assert not np.array_equal(free['actions'][:, 2:], action['actions'][:, 2:])


def check_columns_are_served_as_they_are(t):
    run = of_columns(t, 'columns')
    with Server(t.program, str(run)) as server:
        client = Client(server.address)
        config = client.ask('get_modality_config')
        assert config['understudy']['state'] == {'obs/robot0_eef_pos': 3}, config
        action, _ = client.ask('get_action', {'observation': observation(config)})
        assert action['actions'].shape == (1, 4, 7)
        refused = rollouts(t, 'columns', '--policy-server', server.address)
        assert refused.returncode == 3 and 'columns of a dataset' in refused.stderr, refused


def check_bad_options(t):
    def refused(*options):
        done = subprocess.run([t.program, 'serve', *options], capture_output=True, text=True)
        assert done.returncode in (2, 3), done
        return done.stderr

    assert 'serve needs a checkpoint' in refused()
    assert 'nowhere' in refused('nowhere')
    with Server(t.program, t.checkpoint) as server:
        port = server.address.rsplit(':', 1)[1]
        assert 'the port is in use' in refused(t.checkpoint, '--port', port)
    done = subprocess.run([t.program, 'evaluate', t.checkpoint, '--policy-server', 'tcp://x:1',
                           '--task', 'stack'], capture_output=True, text=True)
    assert done.returncode == 2 and 'one of them' in done.stderr, done


def main(checks, *more):
    parser = argparse.ArgumentParser()
    for name in more:
        parser.add_argument(name, required=True)
    parser.add_argument('--program', required=True)
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--hostile', type=int, default=20000)
    parser.add_argument('--only', default='')
    t = parser.parse_args()
    t.program = os.path.abspath(t.program)
    t.checkpoint = str(t.source / 'checkpoints/stack')
    for name, check in list(checks.items()):
        if not name.startswith('check_') or (t.only and t.only != name):
            continue
        start = time.time()
        with tempfile.TemporaryDirectory() as folder:
            t.folder = pathlib.Path(folder)
            check(t)
        print(f'{name}: passed ({time.time() - start:.1f} s)', flush=True)


if __name__ == '__main__':
    main(globals())
