"""Serves a policy that LeRobot trained, so that `understudy evaluate --policy-server` tries it:

    python3 tools/serve_lerobot.py outputs/train/act/checkpoints/last/pretrained_model \
        --address tcp://127.0.0.1:5557

Speaks GR00T's policy-server protocol; docs/with_lerobot.md has the map that goes with it. A request
holds the last observations under LeRobot's own names; the policy starts afresh with each and
answers with a whole chunk, so that nothing is remembered between requests. Needs lerobot, pyzmq and
msgpack-numpy.
"""
import argparse

import msgpack
import msgpack_numpy
import numpy as np
import torch
import zmq
from lerobot.configs.policies import PreTrainedConfig
from lerobot.policies.factory import get_policy_class, make_pre_post_processors
from lerobot.policies.utils import populate_queues


class Served:
    def __init__(self, checkpoint):
        config = PreTrainedConfig.from_pretrained(checkpoint)
        config.device = "cpu"
        self.policy = get_policy_class(config.type).from_pretrained(checkpoint, config=config)
        self.policy.eval()
        self.before, self.behind = make_pre_post_processors(config, pretrained_path=checkpoint)

    def moments(self, observation):
        """What LeRobot calls an observation, the oldest first."""
        pictures = {f"observation.images.{name}": torch.from_numpy(frames[0].copy())
                    .permute(0, 3, 1, 2).float() / 255
                    for name, frames in observation["video"].items()}
        numbers = {name: torch.from_numpy(rows[0].astype(np.float32))
                   for name, rows in observation["state"].items()}
        columns = {**pictures, **numbers}
        task = next(iter(observation["language"].values()))[0][0]
        count = len(next(iter(columns.values())))
        return [{**{name: rows[i] for name, rows in columns.items()}, "task": task}
                for i in range(count)]

    @torch.inference_mode()
    def act(self, observation):
        self.policy.reset()
        for seen in self.moments(observation):
            batch = self.before(seen)
            # policies that see several observations keep them in queues
            queues = getattr(self.policy, "_queues", None)
            if queues is not None:
                batch = dict(batch)
                images = list(self.policy.config.image_features)
                if images and "observation.images" in queues:
                    batch["observation.images"] = torch.stack([batch[name] for name in images], -4)
                self.policy._queues = populate_queues(queues, batch)
        chunk = self.behind(self.policy.predict_action_chunk(batch))
        return {"action": chunk.cpu().numpy().astype(np.float32)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="folder pretrained_model")
    parser.add_argument("--address", default="tcp://127.0.0.1:5557")
    options = parser.parse_args()
    served = Served(options.checkpoint)
    socket = zmq.Context().socket(zmq.REP)
    socket.bind(options.address)
    print(f"serving {options.checkpoint} at {options.address}", flush=True)
    while True:
        request = msgpack.unpackb(socket.recv(), object_hook=msgpack_numpy.decode)
        try:
            if request["endpoint"] == "get_action":
                reply = [served.act(request["data"]["observation"]), {}]
            else:
                reply = {"status": "ok"}
        except (KeyError, ValueError, RuntimeError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        socket.send(msgpack.packb(reply, default=msgpack_numpy.encode))


if __name__ == "__main__":
    main()
