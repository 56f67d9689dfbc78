"""Makes robomimic_policy.safetensors and robomimic_policy.json with robomimic 0.3.0 and this
program's tools/robomimic_to_safetensors.py: a policy as robomimic saves one, untrained, and what it
would do along demo_1 of robomimic_stack.h5: for each of the first rows, the mean of every Gaussian
and the logarithm of its weight, with robomimic's own hidden state.

    python3 tests/golden/make_robomimic_policy.py
"""
import json
import pathlib
import subprocess
import sys
import tempfile
from collections import OrderedDict

import h5py
import torch

here = pathlib.Path(__file__).resolve().parent
sys.path.append(str(here.parent / "convert"))
import cpu_torchvision  # noqa: E402, F401
import robomimic.utils.obs_utils as ObsUtils  # noqa: E402
import robomimic.utils.train_utils as TrainUtils  # noqa: E402
from robomimic.algo import algo_factory  # noqa: E402
from robomimic.config import config_factory  # noqa: E402

KEYS = ["robot0_eef_pos", "object", "robot0_gripper_qpos"]  # in no order
config = config_factory("bc")
with config.values_unlocked():
    config.observation.modalities.obs.low_dim = KEYS
    config.observation.modalities.obs.rgb = []
    config.algo.rnn.enabled = config.algo.gmm.enabled = True
    config.algo.actor_layer_dims = ()
    config.algo.rnn.hidden_dim, config.algo.gmm.num_modes, config.algo.rnn.horizon = 12, 3, 4
    config.train.hdf5_normalize_obs = True
ObsUtils.initialize_obs_utils_with_config(config)
torch.manual_seed(3)
with h5py.File(here / "robomimic_stack.h5") as file:
    obs = {key: torch.tensor(file[f"data/demo_1/obs/{key}"][:]).float() for key in KEYS}
shapes = OrderedDict((key, [obs[key].shape[1]]) for key in sorted(KEYS))
stats = {key: {"mean": obs[key].mean(0, keepdim=True).numpy(),
               "std": (obs[key].std(0, keepdim=True) + 1e-3).numpy()} for key in KEYS}
model = algo_factory("bc", config, shapes, 7, torch.device("cpu"))
with tempfile.TemporaryDirectory() as folder:
    saved = folder + "/model.pth"
    TrainUtils.save_model(model, config, {}, {"ac_dim": 7, "all_shapes": shapes,
                                              "all_obs_keys": sorted(KEYS), "use_images": False},
                          saved, stats)
    subprocess.run([sys.executable, here.parent.parent / "tools/robomimic_to_safetensors.py", saved,
                    here / "robomimic_policy.safetensors"], check=True)
rows, state = [], None
net = model.nets["policy"].eval()
for row in range(10):
    if row % 4 == 0:
        state = net.get_rnn_init_state(1, torch.device("cpu"))
    seen = {key: (obs[key][row:row + 1] - torch.tensor(stats[key]["mean"])) /
            torch.tensor(stats[key]["std"]) for key in KEYS}
    with torch.no_grad():
        mixture, state = net.forward_train_step(seen, rnn_state=state)
    rows.append({"means": mixture.component_distribution.base_dist.loc[0].tolist(),
                 "logits": mixture.mixture_distribution.logits[0].tolist()})
(here / "robomimic_policy.json").write_text(json.dumps(rows) + "\n")
