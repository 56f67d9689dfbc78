#!/usr/bin/env python3
"""Policies behind openpi's protocol: a server of another hand, made of PyPI's websockets and the
arrays of openpi_client, answers `understudy evaluate`, and clients of that hand ask `understudy
serve --protocol openpi`.

openpi_test.py --program understudy --source FOLDER [--only NAME]

Last run with openpi-client 0.1.2, websockets 10.4 and 17.4. Exits 77 where Python lacks one of
them, zmq or msgpack_numpy.
"""
import asyncio
import pathlib
import random
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / '.deps/openpi_client'))
import serve_test  # skips where something is missing
from serve_test import NOISE, Client, Proxy, Server, rollouts
from their_policy import blocks
try:
    import numpy as np
    import websockets
    from openpi_client import msgpack_numpy
except ImportError as missing:
    print(f'skipped: {missing} (openpi-client, websockets)')
    sys.exit(77)


class Openpi(threading.Thread):
    """Serves `act` as openpi's server does. After every `lives_for` answers it drops its clients,
    as one that is started again; after `answers` of them it is gone."""

    def __init__(self, act, lives_for=None, answers=None):
        super().__init__(daemon=True)
        self.act, self.lives_for, self.answers = act, lives_for, answers
        self.seen, self.said, self.connections = [], [], 0
        self.ready = threading.Event()
        self.start()
        assert self.ready.wait(20)

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        self.gone = asyncio.Event()
        async with websockets.serve(self.answer, '127.0.0.1', 0, compression=None,
                                    max_size=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.address = f'ws://127.0.0.1:{port}'
            self.ready.set()
            await self.gone.wait()

    async def answer(self, client, *_):
        self.connections += 1
        await client.send(msgpack_numpy.packb({'policy': 'toy', 'steps': np.int64(3)}))
        while True:
            try:
                seen = msgpack_numpy.unpackb(await client.recv())
            except websockets.ConnectionClosed:
                return
            if self.answers is not None and len(self.said) >= self.answers:
                self.gone.set()
                return
            try:
                actions = self.act(seen)
            except Exception:
                await client.send(traceback.format_exc())
                await client.close(code=1011, reason='Internal server error')
                raise
            self.seen.append(seen)
            self.said.append(actions)
            if self.lives_for and len(self.said) % self.lives_for == 0:
                client.transport.abort()  # with the request under way
                self.seen.pop(), self.said.pop()
                self.lives_for += 1
                return
            await client.send(msgpack_numpy.packb(
                {'actions': actions, 'server_timing': {'infer_ms': np.float64(1.5)}}))


class Shipped:
    """The shipped policy under openpi's names: steps of the hand instead of targets."""

    def __init__(self, address, dtype):
        self.policy, self.dtype = Client(address), dtype
        base = self.policy.ask('get_modality_config')['understudy']['base']
        self.p, self.q = np.array(base['p']), np.array(base['q'], float)
        self.seen = []

    def __call__(self, seen):
        assert set(seen) == {'observation/image', 'observation/wrist_image', 'observation/state',
                             'prompt'}, seen.keys()
        numbers = seen['observation/state'].astype(float)
        position = serve_test.turned(self.q, numbers[:3]) + self.p
        rotation = serve_test.quaternion_product(self.q, numbers[[6, 3, 4, 5]])
        state = {'robot0_eef_position': position, 'robot0_eef_rotation': rotation,
                 'robot0_gripper': numbers[7:]}
        state = {name: value[None, None] for name, value in state.items()}
        self.seen.append(state)
        action, _ = self.policy.ask('get_action', {'observation': {
            'video': {'agentview': seen['observation/image'][None, None],
                      'robot0_eye_in_hand': seen['observation/wrist_image'][None, None]},
            'state': state,
            'language': {'annotation.human.task_description': [[seen['prompt']]]}},
            'options': {'dtype': 'float64', 'noise': NOISE}})
        p, q = action['robot0_eef_position'][0], action['robot0_eef_rotation'][0]
        steps = (p - np.concatenate([position[None], p[:-1]])) / 0.05
        turns = serve_test.axis_angle(serve_test.quaternion_product(
            q, serve_test.conjugate(np.concatenate([rotation[None], q[:-1]])))) / 0.5
        grip = (action['robot0_gripper'][0] + 1) / 2
        return np.concatenate([steps, turns, grip], -1).astype(self.dtype)


MAP = """
layout: openpi
cameras: {agentview: observation/image, robot0_eye_in_hand: observation/wrist_image}
image_width: 84
image_height: 84
language: prompt
state:
  - {key: observation/state, from: eef_position}
  - {key: observation/state, from: eef_rotation, form: quaternion_xyzw}
  - {key: observation/state, from: gripper}
action:
  - {key: actions, to: eef_position, frame: world, meaning: from_last, scale: 0.05}
  - {key: actions, first: 3, to: eef_rotation, form: axis_angle, frame: world, meaning: from_last, scale: 0.5}
  - {key: actions, first: 6, to: gripper, scale: 2, offset: -1}
"""


def check_the_same_policy_behind_openpi(t):
    (t.folder / 'map.yaml').write_text(MAP)
    with Server(t.program, t.checkpoint) as server:
        own = Proxy(server.address, noise=NOISE)
        assert isinstance(rollouts(t, 'own', '--policy-server', own.address, episodes=1), str)
        for dtype in (np.float64, np.float32):
            shipped = Shipped(server.address, dtype)
            other = Openpi(shipped)
            assert isinstance(rollouts(t, dtype.__name__, '--policy-server', other.address,
                                       '--policy-map', str(t.folder / 'map.yaml'), episodes=1), str)
            serve_test.expect_the_same(own, shipped)
            assert other.connections == 1, other.connections


def toward(seen):
    """Steps that depend on what is seen, for as many as openpi's policies of LIBERO answer with."""
    x = seen['observation/state'][0]
    sway = np.array([0.3, -0.2 * np.sin(9 * x), 0.1, 0.02, -0.01, 0.03 * x, -1])
    return np.tile(sway, (10, 1)).astype(np.float32)


def page(t):
    text, = (block for block in blocks((t.source / 'docs/deploy.md').read_text(), 'yaml')
             if 'layout: openpi' in block)
    (t.folder / 'map.yaml').write_text(text)
    return ['--policy-map', str(t.folder / 'map.yaml'), '--horizon', '24']


def check_the_page(t):
    """The page's map sends what openpi's policies of LIBERO take, and does their steps."""
    server = Openpi(toward)
    assert isinstance(rollouts(t, 'page', '--policy-server', server.address, *page(t), episodes=1),
                      str)
    assert len(server.seen) == 5, len(server.seen)  # 24 steps, 5 of an answer
    for seen in server.seen:
        for camera in ('observation/image', 'observation/wrist_image'):
            picture = seen[camera]
            assert picture.shape == (224, 224, 3) and picture.dtype == np.uint8, picture.shape
            assert picture.std() > 5, camera
        state = seen['observation/state']
        assert state.shape == (8,) and state.dtype == np.float32, state
        assert seen['prompt'] == 'stack the red cube on the green cube', seen['prompt']
        assert set(seen) == {'observation/image', 'observation/wrist_image', 'observation/state',
                             'prompt'}
    places = np.stack([seen['observation/state'][:3] for seen in server.seen])
    steps = np.diff(places, axis=0) / 5
    # 0.3 and 0.1 of 5 cm, of which an arm lags behind
    assert (steps[1:, 0] > 0.002).all() and (steps[1:, 0] < 0.016).all(), steps
    assert (steps[1:, 2] > 0.0005).all() and (steps[1:, 2] < 0.006).all(), steps


def check_a_server_that_starts_again(t):
    undisturbed, restless = Openpi(toward), Openpi(toward, lives_for=2)
    # its address is part of what a rollout's file says of the policy: what was asked is compared
    for name, server in (('undisturbed', undisturbed), ('restless', restless)):
        assert isinstance(rollouts(t, name, '--policy-server', server.address, *page(t),
                                   episodes=1), str)
    assert restless.connections > 2, restless.connections
    assert len(undisturbed.seen) == len(restless.seen)
    for here, there in zip(undisturbed.seen, restless.seen):
        for key in here:
            assert np.array_equal(here[key], there[key]), key


def check_a_server_that_is_lost(t):
    gone = rollouts(t, 'gone', '--policy-server', Openpi(toward, answers=2).address, *page(t),
                    '--server-timeout', '2', timeout=60)
    assert gone.returncode == 1 and 'no answer to infer within 2.0 s' in gone.stderr, gone
    assert not (t.folder / 'gone.h5').exists()

    def fails(seen):
        raise ValueError('no such embodiment')
    told = rollouts(t, 'told', '--policy-server', Openpi(fails).address, *page(t), timeout=60)
    assert told.returncode == 1, told
    assert 'Traceback' in told.stderr and 'ValueError: no such embodiment' in told.stderr, told
    wrong = rollouts(t, 'wrong', '--policy-server', Openpi(lambda seen: np.zeros((10, 6))).address,
                     *page(t), timeout=60)
    assert wrong.returncode == 1 and 'has the shape [10, 6]: [T, D]' in wrong.stderr, wrong
    # without the map nobody can know what its parts are
    refused = rollouts(t, 'refused', '--policy-server', Openpi(toward).address)
    assert refused.returncode == 2 and '--policy-map FILE does' in refused.stderr, refused


class Asking:
    """A client of another hand."""

    def __init__(self, address, key=None, origin=None):
        self.loop = asyncio.new_event_loop()
        headers = {'Authorization': f'Api-Key {key}'} if key else {}
        # its name has changed with the versions
        old = int(websockets.__version__.split('.')[0]) < 14
        named = {'extra_headers' if old else 'additional_headers': headers}

        async def connect():
            return await websockets.connect(address, compression=None, max_size=None,
                                            origin=origin, **named)
        self.connection = self.loop.run_until_complete(connect())
        self.metadata = msgpack_numpy.unpackb(self.receive())

    def send(self, message):
        self.loop.run_until_complete(self.connection.send(message))

    def receive(self):
        return self.loop.run_until_complete(asyncio.wait_for(self.connection.recv(), 20))

    def ask(self, observation):
        self.send(msgpack_numpy.packb(observation))
        reply = self.receive()
        return reply if isinstance(reply, str) else msgpack_numpy.unpackb(reply)

    def close(self):
        self.loop.run_until_complete(self.connection.close())


def seen_by(metadata, seed=0):
    rng = np.random.default_rng(seed)
    seen = {'prompt': metadata['prompts'][0]}
    for key, shape in metadata['observation'].items():
        if len(shape) == 3:
            seen[key] = rng.integers(0, 255, shape, dtype=np.uint8)
        else:
            value = rng.normal(size=shape).astype(np.float32)
            seen[key] = value / np.linalg.norm(value) if shape == [4] else value
    return seen


def check_clients_of_another_hand(t):
    with Server(t.program, t.checkpoint, '--protocol', 'openpi') as server:
        client, other = Asking(server.address), Asking(server.address)
        metadata = client.metadata
        assert metadata['observation']['observation/agentview'] == [84, 84, 3], metadata
        assert metadata['prompts'] == ['stack the red cube on the green cube'], metadata
        columns = metadata['actions']
        assert columns == {'robot0_eef_position': [0, 3], 'robot0_eef_rotation': [3, 7],
                           'robot0_gripper': [7, 8]}, columns
        answer = client.ask(seen_by(metadata))
        actions = answer['actions']
        assert actions.shape == (metadata['horizon'], 8) and actions.dtype == np.float32, actions
        assert np.allclose(np.linalg.norm(actions[:, 3:7], axis=-1), 1, atol=1e-5)
        assert answer['server_timing']['infer_ms'] > 0
        # an answer depends on what is seen, not on who asked what before
        assert not np.array_equal(other.ask(seen_by(metadata, 1))['actions'], actions)
        assert np.array_equal(other.ask(seen_by(metadata))['actions'], actions)
        # every kind of number
        seen = {key: value.astype(np.float64) if getattr(value, 'ndim', 0) == 1 else value
                for key, value in seen_by(metadata).items()}
        assert np.allclose(client.ask(seen)['actions'].shape, actions.shape)
        try:
            from openpi_client.websocket_client_policy import WebsocketClientPolicy
            host, port = server.address.removeprefix('ws://').split(':')
            theirs = WebsocketClientPolicy(host, int(port))
            assert theirs.get_server_metadata() == metadata
            assert np.array_equal(theirs.infer(seen_by(metadata))['actions'], actions)
        except ImportError as missing:
            print(f'not asked by openpi_client itself: {missing}')

        web = server.address.replace('ws://', 'http://')
        assert urllib.request.urlopen(web + '/healthz', timeout=10).read() == b'OK\n'
        try:
            urllib.request.urlopen(web, timeout=10)
            assert False, 'a page'
        except urllib.error.HTTPError as refused:
            assert refused.code == 426, refused

        # this program on both ends
        (t.folder / 'map.yaml').write_text("""
layout: openpi
cameras: {agentview: observation/agentview, robot0_eye_in_hand: observation/robot0_eye_in_hand}
image_width: 84
image_height: 84
language: prompt
state:
  - {key: observation/robot0_eef_position, from: eef_position, frame: world}
  - {key: observation/robot0_eef_rotation, from: eef_rotation, frame: world}
  - {key: observation/robot0_gripper, from: gripper}
action:
  - {key: actions, to: eef_position, frame: world}
  - {key: actions, first: 3, to: eef_rotation, frame: world}
  - {key: actions, first: 7, to: gripper}
""")
        both = ['--policy-server', server.address, '--policy-map', str(t.folder / 'map.yaml'),
                '--horizon', '40']
        once = rollouts(t, 'once', *both, '--workers', '1')
        assert isinstance(once, str), once
        assert rollouts(t, 'again', *both, '--workers', '3') == once
        client.close()
        other.close()
        assert server.end()['refused'] == 0


def check_a_demonstration_is_the_same_by_both_protocols(t):
    sources = t.folder / 'sources.h5'
    subprocess.run([t.program, 'teleop', '--task', 'stack', '--demos', '1', '--seed', '1', '--out',
                    str(sources), '--quiet'], check=True, capture_output=True)
    with Server(t.program, '--replay', str(sources)) as server:
        groot = Client(server.address)
        config = groot.ask('get_modality_config')
        action, _ = groot.ask('get_action', {'observation': serve_test.observation(config),
                                             'options': None})
    with Server(t.program, '--replay', str(sources), '--protocol', 'openpi') as server:
        client = Asking(server.address)
        actions = client.ask(seen_by(client.metadata))['actions']
        assert len(actions) > 60
        for name, (first, end) in client.metadata['actions'].items():
            assert np.array_equal(actions[:, first:end], action[name][0]), name
        client.close()


def check_hostile_clients(t):
    with Server(t.program, t.checkpoint, '--protocol', 'openpi', '--message-mib', '1') as server:
        client = Asking(server.address)
        sound = seen_by(client.metadata)

        def refused(**changed):
            seen = {key.replace('__', '/'): value for key, value in changed.items()}
            reply = client.ask({key: value for key, value in {**sound, **seen}.items()
                                if value is not None})
            assert isinstance(reply, str), reply
            return reply

        place = sound['observation/robot0_eef_position']
        picture = sound['observation/agentview']
        assert 'agentview is missing' in refused(observation__agentview=None)
        assert 'pictures are uint8' in refused(observation__agentview=picture.astype(np.int16))
        assert 'the policy sees [84, 84, 3]' in refused(observation__agentview=picture[None])
        assert 'has the shape [4], the policy sees [3]' in refused(
            observation__robot0_eef_position=np.zeros(4))
        assert 'not finite' in refused(observation__robot0_eef_position=place * np.nan)
        assert 'is a text, not an array' in refused(observation__robot0_eef_position='here')
        assert "'<U1'" in refused(observation__robot0_eef_position=np.array(['a', 'b', 'c']))
        assert 'prompt is' in refused(prompt=5)
        assert 'at most 4096 are read' in refused(prompt='x' * 5000)
        client.send('a text')
        assert 'a binary message' in client.receive()
        # a shape that claims more than there is
        claims = b'\x93' + 2 * b'\xce\xff\xff\xff\xff' + b'\x03'
        lies = msgpack_numpy.packb(sound).replace(b'\x93TT\x03', claims)
        assert claims in lies
        client.send(lies)
        assert 'an array of shape [4294967295' in client.receive()

        rng = random.Random(2)
        bytes_of = msgpack_numpy.packb(sound)
        before, tries = None, max(200, t.hostile // 10)
        for i in range(tries):
            body = (rng.randbytes(rng.randrange(200)) if i % 3 == 0 else
                    bytes_of[:rng.randrange(len(bytes_of))] if i % 3 == 1 else
                    b'\xdd\xff\xff\xff\xff' + rng.randbytes(8))
            client.send(body)
            assert isinstance(client.receive(), str), body
            if i == tries // 2:
                before = server.memory()
        # a message that is too long ends the connection, and nothing else
        long = Asking(server.address)
        try:
            long.send(b'x' * (3 << 20))
            long.receive()
            assert False, 'an answer'
        except (websockets.ConnectionClosed, ConnectionError):
            pass
        # bytes that are no WebSocket, and clients that say nothing
        host, port = server.address.removeprefix('ws://').split(':')
        silent = []
        for _ in range(100):
            with socket.create_connection((host, int(port))) as raw:
                raw.sendall(rng.randbytes(300))
            silent.append(socket.create_connection((host, int(port))))
        time.sleep(0.5)
        assert client.ask(sound)['actions'].shape[1] == 8
        grown = server.memory() - before
        assert grown < 16, f'{grown:.1f} MiB more after {tries // 2} hostile messages'
        for held in silent:
            held.close()
        client.close()
        result = server.end()
        assert result['refused'] > tries and result['dropped'] > 50, result
        assert any('requests refused, the last one:' in line for line in server.log), server.log


def check_keys(t):
    token = t.folder / 'token'
    token.write_text('s3cret\n')
    locked = ['--protocol', 'openpi', '--token-file', str(token)]
    with Server(t.program, t.checkpoint, *locked) as server:
        for key in (None, 'wrong', 's3cre', 's3cret1'):
            try:
                Asking(server.address, key)
                assert False, key
            except websockets.InvalidHandshake as refused:
                assert '401' in str(refused), refused
        # a page in a browser, even one that has the key
        try:
            Asking(server.address, 's3cret', origin='http://localhost')
            assert False, 'a page'
        except websockets.InvalidHandshake as refused:
            assert '403' in str(refused), refused
        client = Asking(server.address, 's3cret')
        assert 'actions' in client.ask(seen_by(client.metadata))
        client.close()
        wrong = rollouts(t, 'wrong', '--policy-server', server.address, *page(t), timeout=60)
        assert wrong.returncode == 1 and 'HTTP 401' in wrong.stderr, wrong
        # the page's keys are not this server's
        named = rollouts(t, 'named', '--policy-server', server.address, *page(t), '--token-file',
                         str(token), timeout=60)
        assert 'observation/agentview is missing' in named.stderr, named
    killed = subprocess.run([t.program, 'serve', t.checkpoint, '--protocol', 'openpi',
                             '--allow-kill'], capture_output=True, text=True)
    assert killed.returncode == 2 and "of GR00T's protocol" in killed.stderr, killed
    with Server(t.program, t.checkpoint, '--protocol', 'openpi') as server:
        port = server.address.rsplit(':', 1)[1]
        taken = subprocess.run([t.program, 'serve', t.checkpoint, '--protocol', 'openpi', '--port',
                                port], capture_output=True, text=True)
        assert taken.returncode == 2 and 'the port is in use' in taken.stderr, taken


if __name__ == '__main__':
    serve_test.main(globals())
