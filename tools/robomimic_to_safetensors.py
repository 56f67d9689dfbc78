"""Writes a robomimic checkpoint of a recurrent GMM policy as a safetensors file, which
`understudy train --from` and `understudy evaluate` open:

    python3 tools/robomimic_to_safetensors.py model.pth model.safetensors

Needs torch and safetensors. A .pth file is a pickle, which may run anything: open your own alone.
"""
import json
import sys

import torch
from safetensors.torch import save_file

checkpoint = torch.load(sys.argv[1], map_location="cpu", weights_only=False)
config, shapes = json.loads(checkpoint["config"]), checkpoint["shape_metadata"]
seen = sum(config["observation"]["modalities"]["obs"].values(), [])
about = {"algo": config["algo"], "actions": shapes["ac_dim"],
         # robomimic puts observations one behind the other in this order
         "observations": [[key, list(shape)] for key, shape in shapes["all_shapes"].items()
                          if key in seen],
         "statistics": checkpoint.get("obs_normalization_stats")}
# the heads stand twice in it, under rnn.per_step_net too
weights = {name: tensor.float().contiguous() for name, tensor in checkpoint["model"].items()
           if "per_step_net" not in name}
save_file(weights, sys.argv[2], {"type": "bc_rnn_gmm", "robomimic": json.dumps(about)})
