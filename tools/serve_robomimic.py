"""Serves a policy that robomimic trained, so that `understudy evaluate --policy-server` tries it:

    python3 tools/serve_robomimic.py model_epoch_600.pth --address tcp://127.0.0.1:5557

Speaks GR00T's policy-server protocol; docs/with_robomimic.md and docs/with_isaaclab.md have the maps
that go with it. A request holds the last observations under the dataset's own names; the policy goes
through them from a fresh start, and its last action is the answer, so that nothing is remembered
between requests. Needs robomimic, pyzmq and msgpack-numpy. A .pth file is a pickle, which may run
anything: open your own alone.
"""
import argparse

import msgpack
import msgpack_numpy
import numpy as np
import robomimic.utils.file_utils as FileUtils
import robomimic.utils.obs_utils as ObsUtils
import zmq


def moments(observation, known):
    """The observations of a request, the oldest first; those that repeat the first one stand for
    times before it. Cameras are called as in the names that the policy knows."""
    pictures = {name if name in known else f"{name}_image": frames[0]
                for name, frames in observation["video"].items()}
    numbers = {name: rows[0].astype(np.float32) for name, rows in observation["state"].items()}
    columns = {**pictures, **numbers}
    count = len(next(iter(columns.values())))
    first = 0
    while first + 1 < count and all(np.array_equal(rows[first], rows[first + 1])
                                    for rows in columns.values()):
        first += 1
    return [{name: rows[i] for name, rows in columns.items()} for i in range(first, count)]


def act(policy, observation):
    policy.start_episode()
    for seen in moments(observation, policy.policy.obs_key_shapes):
        # pictures as robomimic's environments give them: channels first, in [0, 1]
        action = policy({name: ObsUtils.process_obs(value, obs_key=name)
                         for name, value in seen.items()})
    return {"actions": np.asarray(action, np.float32)[None, None]}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--address", default="tcp://127.0.0.1:5557")
    options = parser.parse_args()
    policy, _ = FileUtils.policy_from_checkpoint(ckpt_path=options.checkpoint, device="cpu")
    socket = zmq.Context().socket(zmq.REP)
    socket.bind(options.address)
    print(f"serving {options.checkpoint} at {options.address}", flush=True)
    while True:
        request = msgpack.unpackb(socket.recv(), object_hook=msgpack_numpy.decode)
        try:
            if request["endpoint"] == "get_action":
                reply = [act(policy, request["data"]["observation"]), {}]
            else:
                reply = {"status": "ok"}
        except (KeyError, ValueError, AssertionError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        socket.send(msgpack.packb(reply, default=msgpack_numpy.encode))


if __name__ == "__main__":
    main()
