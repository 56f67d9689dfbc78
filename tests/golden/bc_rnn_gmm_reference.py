"""Reference numbers of the policy bc_rnn_gmm from robomimic's own classes.

Weights and inputs are closed forms, so that only results are stored; robomimic's batch norms are
replaced by group norms, as docs/policy.md says. Made with PyTorch 2.13, torchvision 0.28 and
robomimic 0.3.0 by:

    python3 tests/golden/bc_rnn_gmm_reference.py > tests/golden/bc_rnn_gmm_reference.json
"""
import json
import math
import re
import sys
from collections import OrderedDict

import torch

out, sys.stdout = sys.stdout, sys.stderr  # robomimic prints
import robomimic.utils.obs_utils as ObsUtils
from robomimic.models.policy_nets import RNNGMMActorNetwork

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
A, HIDDEN, LAYERS, MODES, STATE, OBJECTS, KEYPOINTS, FEATURES = 7, 16, 2, 3, 5, 10, 4, 6


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def wave(name, count, scale):
    i = torch.arange(count, dtype=torch.float64)
    return (scale * torch.sin(i * (0.37 + 0.0113 * i) + fnv1a(name) % 1000)).float().double()


STAGES = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}


def our_name(name):
    """The tensor of ours for a parameter of robomimic's network."""
    name = name.removeprefix("nets.")
    image = re.match(r"encoder\.nets\.obs\.obs_nets\.camera(\d+)\.(.*)", name)
    if image:
        prefix, rest = f"image.{image[1]}.", image[2]
        backbone = re.match(r"backbone\.nets\.(\d+)\.(.*)", rest)
        if backbone:
            return f"{prefix}resnet.{STAGES[backbone[1]]}.{backbone[2]}"
        rest = rest.replace("pool.nets.", "keypoint_maps.")
        return prefix + rest.replace("nets.3.", "out.")
    name = name.replace("rnn.nets.", "rnn.").replace("rnn.per_step_net.", "decoder.")
    return name.replace("decoder.nets.", "decoder.")


def with_group_norms(module):
    for name, child in module.named_children():
        if isinstance(child, torch.nn.BatchNorm2d):
            channels = child.num_features
            setattr(module, name, torch.nn.GroupNorm(channels // 16, channels))
        else:
            with_group_norms(child)


def scale_of(name):
    return 0.05 if re.search(r"conv\d\.weight|downsample\.0", name) else 0.25


def make(cameras, height, width):
    names = [f"camera{i}" for i in range(cameras)]
    ObsUtils.initialize_obs_utils_with_obs_specs(
        {"obs": {"low_dim": ["state", "objects"], "rgb": names}})
    shapes = OrderedDict([(name, [3, height, width]) for name in names])
    shapes.update(state=[STATE], objects=[OBJECTS])
    nothing = dict(core_class=None, core_kwargs={}, obs_randomizer_class=None,
                   obs_randomizer_kwargs={})
    visual = dict(nothing, core_class="VisualCore", core_kwargs=dict(
        feature_dimension=FEATURES, flatten=True, backbone_class="ResNet18Conv",
        backbone_kwargs=dict(pretrained=False, input_coord_conv=False),
        pool_class="SpatialSoftmax", pool_kwargs=dict(
            num_kp=KEYPOINTS, learnable_temperature=False, temperature=1.0, noise_std=0.0)))
    net = RNNGMMActorNetwork(
        shapes, A, mlp_layer_dims=[], rnn_hidden_dim=HIDDEN, rnn_num_layers=LAYERS, rnn_type="LSTM",
        rnn_kwargs=dict(bidirectional=False), num_modes=MODES, min_std=1e-4,
        std_activation="softplus", low_noise_eval=True,
        encoder_kwargs=dict(rgb=visual, low_dim=nothing))
    with_group_norms(net)
    net = net.double()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            ours = our_name(name)
            if parameter.requires_grad:
                values = wave(ours, parameter.numel(), scale_of(ours))
                parameter.copy_(values.view(parameter.shape))
    return net


def observations(b, t, cameras=0, height=0, width=0):
    """Columns of B sequences of T rows."""
    obs = OrderedDict()
    for c in range(cameras):
        count = b * t * height * width * 3
        i = torch.arange(count, dtype=torch.int64) + 11 * c
        pixels = ((i * 37 + i * i % 101) % 256).double() / 255
        obs[f"camera{c}"] = pixels.view(b, t, height, width, 3).permute(0, 1, 4, 2, 3)
    obs["state"] = wave("state", b * t * STATE, 1).view(b, t, STATE)
    obs["objects"] = wave("objects", b * t * OBJECTS, 0.9).view(b, t, OBJECTS)
    return obs


def pass_of(net, obs, real):
    b, t = len(real), len(real[0])
    actions = wave("actions", b * t * A, 0.8).view(b, t, A)
    net.train()
    dists = net.forward_train(obs)
    mask = torch.tensor(real, dtype=torch.float64)
    loss = -(dists.log_prob(actions) * mask).sum() / mask.sum()
    loss.backward()
    normal = dists.component_distribution.base_dist
    gradients = {}
    for name, parameter in net.named_parameters():
        if not parameter.requires_grad:
            continue
        ours, flat = our_name(name), parameter.grad.flatten()
        # all of it in two numbers, and some of it as it is
        gradients[ours] = dict(norm=flat.norm().item(),
                               dot=(flat @ wave("dot." + ours, flat.numel(), 1)).item(),
                               first=flat[:8].tolist())
    logits = dists.mixture_distribution.logits  # log-softmax of ours
    return dict(loss=loss.item(), means=normal.loc.flatten().tolist(),
                deviations=normal.scale.flatten().tolist(), log_shares=logits.flatten().tolist(),
                gradients=gradients)


def act(net, steps, restart):
    """Step by step with a hidden state, begun anew after `restart` steps, as BC_RNN acts."""
    net.eval()
    obs, state, result = observations(1, steps), None, []
    with torch.no_grad():
        for step in range(steps):
            if step % restart == 0:
                state = net.get_rnn_init_state(batch_size=1, device="cpu")
            now = OrderedDict((name, column[:, step]) for name, column in obs.items())
            dist, state = net.forward_train_step(now, rnn_state=state)
            result.append(dict(means=dist.component_distribution.base_dist.loc.flatten().tolist(),
                               shares=dist.mixture_distribution.probs.flatten().tolist()))
    return result


low_dim = make(0, 0, 0)
image = make(2, 36, 70)
json.dump(dict(low_dim=pass_of(low_dim, observations(3, 5),
                               [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]]),
               image=pass_of(image, observations(2, 3, 2, 36, 70), [[1, 1, 1], [1, 1, 0]]),
               acting=act(low_dim, 13, 5)), out, indent=1)
