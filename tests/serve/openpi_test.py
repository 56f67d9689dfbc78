#!/usr/bin/env python3
"""Policies behind openpi's protocol: a server of another hand, made of PyPI's websockets and the
arrays of openpi_client, answers `understudy evaluate`.

openpi_test.py --program understudy --source FOLDER [--only NAME]

Last run with openpi-client 0.1.2, websockets 10.4 and 17.4. Exits 77 where Python lacks one of
them, zmq or msgpack_numpy.
"""
import asyncio
import pathlib
import sys
import threading
import traceback

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


if __name__ == '__main__':
    serve_test.main(globals())
