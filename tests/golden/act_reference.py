"""Reference numbers of the policy `act`: LeRobot's own class with closed forms as weights and
inputs, so that only results are stored. Made with LeRobot 0.4.4 and PyTorch 2.13 by:

    python3 tests/golden/act_reference.py > tests/golden/act_reference.json
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "convert"))
import cpu_torchvision  # noqa: E402,F401
from lerobot.configs.types import FeatureType, PolicyFeature  # noqa: E402
from lerobot.policies.act.configuration_act import ACTConfig  # noqa: E402
from lerobot.policies.act.modeling_act import ACTPolicy  # noqa: E402

torch.set_num_threads(1)

B, N, H, W, S, A, T, LATENT, HEADS = 3, 2, 40, 48, 5, 3, 6, 4, 2
SHARE = 0.25


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def wave(name, shape, scale):
    phase = fnv1a(name) % 1000
    count = math.prod(shape)
    values = [scale * math.sin(i * (0.37 + 0.0113 * i) + phase) for i in range(count)]
    return torch.tensor(values).float().view(shape)


class Masks:
    """Dropout whose masks are closed forms of the place, the sample and the number's index."""

    def __init__(self):
        self.place = 0

    def rows(self, x_BN):
        i = torch.arange(x_BN.shape[1])
        b = torch.arange(x_BN.shape[0]).unsqueeze(1)
        keep = (7 * i + i // 11 + 3 * self.place + 5 * (b + 1)) % 4 != 0
        self.place += 1
        return x_BN * keep / (1 - SHARE)

    def attention(self, x, p=0.5, training=True, inplace=False):
        return self.rows(x.view(B, -1)).view(x.shape)  # B*heads Q K

    def tokens(self, x_LBd):
        x = x_LBd.transpose(0, 1)
        return self.rows(x.reshape(B, -1)).view(x.shape).transpose(0, 1)


def main():
    cameras = {f"observation.images.{name}": PolicyFeature(FeatureType.VISUAL, (3, H, W))
               for name in ("front", "hand")}
    config = ACTConfig(
        input_features={**cameras, "observation.state": PolicyFeature(FeatureType.STATE, (S,))},
        output_features={"action": PolicyFeature(FeatureType.ACTION, (A,))}, chunk_size=T,
        n_action_steps=T, dim_model=16, n_heads=HEADS, dim_feedforward=24, n_encoder_layers=2,
        n_vae_encoder_layers=2, latent_dim=LATENT, dropout=SHARE,
        pretrained_backbone_weights=None, device="cpu")
    policy = ACTPolicy(config)
    state = policy.state_dict()
    for name, tensor in state.items():
        if name == "model.vae_encoder_pos_enc":
            continue
        if tensor.dim() > 1:
            tensor.copy_(wave(name, tensor.shape, math.sqrt(2 / tensor[0].numel())))
        elif name.endswith(("weight", "running_var")):  # of norms
            tensor.copy_(1 + wave(name, tensor.shape, 0.25))
        else:
            tensor.copy_(wave(name, tensor.shape, 0.25))
    policy.load_state_dict(state)

    index = torch.arange(B * N * H * W * 3)
    # no activation comes closer to a kink than 2e-5, so that rounding does not choose gradients
    pixels = ((index * 71 + index * index % 101) % 256).view(B, N, H, W, 3)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    images = ((pixels.float() / 255 - mean) / std).permute(1, 0, 4, 2, 3)
    batch = {name: images[n] for n, name in enumerate(cameras)}
    batch["observation.state"] = wave("state", (B, S), 1)
    batch["action"] = wave("actions", (B, T, A), 0.8)
    batch["action_is_pad"] = torch.tensor([[0] * 6, [0, 0, 0, 1, 1, 1], [0] * 5 + [1]]).bool()

    result = {"actions": policy.predict_action_chunk(batch).flatten().tolist()}

    def loss():
        masks = Masks()
        F.dropout, torch.nn.Dropout.forward = masks.attention, lambda self, x: masks.tokens(x)
        torch.randn_like = lambda x: wave("noise", x.shape, 1.5)
        policy.train()
        value, parts = policy.forward(batch)
        result["dropout_places"] = masks.place
        return value, parts

    named = dict(policy.named_parameters())
    value, parts = loss()
    value.backward()
    result["loss"], result["l1"], result["kl"] = value.item(), parts["l1_loss"], parts["kld_loss"]
    picked = ["backbone.conv1.weight", "backbone.layer3.0.downsample.0.weight",
              "backbone.layer4.1.conv2.weight", "vae_encoder_cls_embed.weight",
              "vae_encoder_action_input_proj.weight", "vae_encoder.layers.0.self_attn.out_proj.bias",
              "vae_encoder.layers.1.linear2.weight", "vae_encoder_latent_output_proj.bias",
              "encoder_robot_state_input_proj.weight", "encoder_latent_input_proj.weight",
              "encoder_img_feat_input_proj.weight", "encoder_1d_feature_pos_embed.weight",
              "encoder.layers.0.self_attn.in_proj_weight", "encoder.layers.1.norm2.weight",
              "decoder.layers.0.multihead_attn.in_proj_weight", "decoder.layers.0.norm3.bias",
              "decoder.norm.weight", "decoder_pos_embed.weight", "action_head.weight"]
    result["gradients"] = {name: named["model." + name].grad.flatten()[:40].tolist()
                           for name in picked}
    result["gradient_norm"] = math.sqrt(
        sum((p.grad.double() ** 2).sum().item() for p in named.values()))

    # AdamW as LeRobot makes it, decay of every weight included, with larger steps
    preset = config.get_optimizer_preset()
    preset.lr, preset.weight_decay = 1e-3, 0.05
    optimizer = preset.build(policy.parameters())
    result["losses"] = []
    for _ in range(3):
        optimizer.zero_grad()
        value, _ = loss()
        result["losses"].append(value.item())
        value.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), preset.grad_clip_norm)
        optimizer.step()
    result["weights_after"] = {name: named["model." + name].detach().flatten()[:40].tolist()
                               for name in picked}

    def short(x):
        if isinstance(x, float):
            return float(f"{x:.8g}")
        if isinstance(x, list):
            return [short(y) for y in x]
        return {k: short(v) for k, v in x.items()} if isinstance(x, dict) else x

    json.dump(short(result), sys.stdout)
    print()


main()
