"""docs/with_groot.md is followed in a small size, but for what runs in Isaac-GR00T: a server of
another hand, which speaks GR00T's protocol, answers as a policy of the page's configuration would.
What it was shown and what it answered is what stands in the rollouts when they are converted.

    python3 tests/serve/groot_page_test.py --program build/release/understudy --source .

Exits 77 where pyzmq, msgpack or numpy is missing.
"""
import json
import os
import pathlib
import shlex
import sys
import tempfile
import threading
import types

from their_policy import arguments, blocks, run

try:
    import msgpack
    import numpy as np
    import zmq
    from npy_arrays import decode_npy, encode_npy
except ImportError as missing:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print(f"skipped: {missing} (python3-zmq, python3-msgpack-numpy)")
    sys.exit(77)

PICTURE = 32  # px


def configuration(text):
    """What the page's Python registers."""
    registered = {}
    names = {
        "gr00t.configs.data.embodiment_configs": {
            "register_modality_config": lambda config, embodiment_tag: registered.update(config)},
        "gr00t.data.embodiment_tags": {"EmbodimentTag": types.SimpleNamespace(NEW_EMBODIMENT="new")},
        "gr00t.data.types": {
            "ActionConfig": types.SimpleNamespace, "ModalityConfig": types.SimpleNamespace,
            "ActionFormat": types.SimpleNamespace(DEFAULT="default"),
            "ActionRepresentation": types.SimpleNamespace(RELATIVE="relative", ABSOLUTE="absolute"),
            "ActionType": types.SimpleNamespace(NON_EEF="non_eef")}}
    for name, contents in names.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(contents)
    exec(text, {})  # pylint: disable=exec-used
    return registered


class Server(threading.Thread):
    """Answers with `act`, and keeps what it was asked and what it said."""

    def __init__(self, address, act):
        super().__init__(daemon=True)
        self.act, self.asked, self.said = act, [], []
        self.socket = zmq.Context.instance().socket(zmq.REP)
        self.socket.bind(address)
        self.start()

    def run(self):
        while True:
            request = msgpack.unpackb(self.socket.recv(), object_hook=decode_npy)
            reply = {"status": "ok"}
            if request["endpoint"] == "get_action":
                observation = request["data"]["observation"]
                self.asked.append(observation)
                self.said.append(self.act(observation["state"], len(self.said)))
                reply = [self.said[-1], {}]
            self.socket.send(msgpack.packb(reply, default=encode_npy))


def columns(folder, modality, keys):
    """Smallest, largest and mean of each number of the parts, by GR00T's own files."""
    parts = json.loads((folder / "meta/modality.json").read_text())[modality]
    statistics = json.loads((folder / "meta/stats.json").read_text())
    default = {"state": "observation.state", "action": "action"}[modality]
    result = []
    for key in keys:
        part = parts[key]
        of = statistics[part.get("original_key", default)]
        result += [[of[name][i] for name in ("min", "max", "mean")]
                   for i in range(part["start"], part["end"])]
    return np.array(result)


def expect_same(rows, stored, what):
    rows = np.concatenate(rows)
    measured = np.stack([rows.min(0), rows.max(0), rows.mean(0)], -1)
    worst = np.abs(measured - stored).max()
    assert worst < 2e-4, (what, worst, measured, stored)


def follow(program, folder, robot, keys, state_keys, policy_map, act, execute):
    """Rollouts of `act`, as `policy_map` says, against what their conversion holds."""
    (folder / "groot.yaml").write_text(policy_map.replace(": 256", f": {PICTURE}"))
    address = f"ipc://{folder}/policy"
    server = Server(address, act)
    run(program, "evaluate", "--task", "stack", *robot, "--policy-server", address, "--policy-map",
        "groot.yaml", "--episodes", 2, "--seed", 5, "--workers", 1, "--horizon", 24, "--save",
        "rollouts.h5", "--quiet", folder=folder)
    run(program, "augment", "rollouts.h5", "--variants", 0, "--no-successes-only", "--width", 16,
        "--height", 16, "--out", "seen.h5", folder=folder)
    run(program, "data", "convert", "seen.h5", "rollouts", "--to", "lerobot21", folder=folder)

    assert len(server.asked) == 2 * 24 // execute, len(server.asked)
    for asked in server.asked:
        assert {name: frames.shape for name, frames in asked["video"].items()} == {
            name: (1, 1, PICTURE, PICTURE, 3) for name in ("agentview", "robot0_eye_in_hand")}
        assert asked["language"] == {
            "annotation.human.task_description": [["stack the red cube on the green cube"]]}
        assert list(asked["state"]) == state_keys, asked["state"].keys()
    rollouts = folder / "rollouts"
    if execute == 1:
        expect_same([np.concatenate([asked["state"][key][0] for key in state_keys], -1)
                     for asked in server.asked], columns(rollouts, "state", state_keys), "state")
    expect_same([np.concatenate([said[key][0, :execute] for key in keys], -1)
                 for said in server.said], columns(rollouts, "action", keys), "action")


program, source = arguments()
page = (source / "docs/with_groot.md").read_text()
shell, python, maps = (blocks(page, language) for language in ("sh", "python", "yaml"))
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    # the page's data, in a small size
    for line in shell[0].splitlines():
        words = [{"600": "2", "10": "2", "256": str(PICTURE)}.get(word, word)
                 for word in shlex.split(line)]
        run(program, *words[1:], folder=folder)
    modality = json.loads((folder / "stack/meta/modality.json").read_text())
    statistics = json.loads((folder / "stack/meta/stats.json").read_text())

    # the page's configuration names parts that are there, with what GR00T normalises by
    config = configuration(python[0])
    for kind in ("video", "state", "action"):
        for key in config[kind].modality_keys:
            part = modality[kind][key]
            if kind != "video":
                of = statistics[part.get("original_key", "observation.state")]
                assert {"min", "max", "mean", "std", "q01", "q99"} <= set(of), of.keys()
    assert len(config["action"].action_configs) == len(config["action"].modality_keys)
    key, = config["language"].modality_keys
    assert key.removeprefix("annotation.") in modality["annotation"]
    info = json.loads((folder / "stack/meta/info.json").read_text())
    assert key in info["features"], info["features"].keys()

    # a policy of relative joints answers with absolute ones
    def joints(state, call):
        steps = np.arange(1, 17, dtype=np.float32)[:, None]
        sway = np.array([0.004, -0.003, 0.002, 0.005, -0.006], np.float32)
        return {"robot0_joints": (state["robot0_joints"][:, -1:] + steps * sway).astype(np.float32),
                "robot0_gripper": np.full((1, 16, 1), (-1.0, 1.0)[call % 2], np.float32)}

    keys = config["action"].modality_keys
    horizon = len(config["action"].delta_indices)
    assert f"horizon: {horizon}\n" in maps[0]
    assert shlex.split(shell[1])[1:6] == ["evaluate", "--task", "stack", "--robot", "so101"]
    follow(program, folder, ["--robot", "so101"], keys, config["state"].modality_keys, maps[0],
           joints, 8)

    # the panda: steps of the hand
    def steps(state, call):
        turn = np.array([0.05, -0.02, 0.1 * (call % 3)], np.float32)
        sway = 0.2 - 0.1 * ((call + np.arange(16, dtype=np.float32)) % 4)
        return {"robot0_eef_position_delta": np.tile(sway[None, :, None], (1, 1, 3)),
                "robot0_eef_rotation_delta": np.tile(turn, (1, 16, 1)),
                "robot0_gripper": np.full((1, 16, 1), -1.0, np.float32)}

    names = {}
    exec(python[1], names)  # pylint: disable=exec-used
    head = maps[0][:maps[0].index("state:")]
    for made in ("rollouts.h5", "seen.h5"):
        (folder / made).unlink()
    os.rename(folder / "rollouts", folder / "rollouts_so101")
    os.remove(folder / "policy")
    follow(program, folder, [], names["keys"], names["state"], head + maps[1], steps, 8)
    for made in ("rollouts.h5", "seen.h5", "policy"):
        (folder / made).unlink()
    os.rename(folder / "rollouts", folder / "rollouts_panda")
    # and one at a time, so that every state is sent
    follow(program, folder, [], names["keys"], names["state"],
           (head + maps[1]).replace("execute: 8", "execute: 1"), steps, 1)
    print("with_groot.md: what was shown and answered over the wire is what its files hold")
