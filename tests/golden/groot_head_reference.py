"""Reference numbers of GR00T's action head from an independent PyTorch implementation.

Written from the formulas (docs/policy.md), sample by sample: tokens that pad are left out instead of
masked. Weights and inputs are closed forms, so that only results are stored. Made with PyTorch 2.13
by:

    python3 tests/golden/groot_head_reference.py > tests/golden/groot_head_reference.json

tests/convert/check_groot_head_with_lerobot.py holds the head of N1.5 to LeRobot's own.
"""
import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

# what the robot has, and rows of a batch
S, A, T, B = 5, 3, 4, 2
NOTHING, TEXT, IMAGE = 0, 1, 2
# the second sample has one token less of each kind, and padding in front
KINDS = [[1, 2, 2, 1, 2], [0, 0, 2, 1, 2]]

SMALL = dict(max_state=7, max_action=4, max_horizon=6, state_history=1, hidden=12, width=16,
             feature_width=20, blocks=5, heads=2, feature_blocks=2, feature_heads=2, alternate=True,
             text_every=2, feature_norm=True, future_tokens=0, positions=8, mask_token=False)
VERSIONS = {
    "n1_5": dict(SMALL, alternate=False, future_tokens=3),
    "n1_6": dict(SMALL, feature_blocks=0, mask_token=True),
    "n1_7": dict(SMALL, state_history=2, text_every=1),
}
# widths of the released N1.7, few blocks
FULL = dict(SMALL, max_state=132, max_action=132, max_horizon=40, hidden=1024, width=1536,
            feature_width=2048, blocks=3, heads=32, feature_blocks=1, feature_heads=32,
            positions=40)


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def wave(name, count, scale):
    i = np.arange(count, dtype=np.float64)
    values = scale * np.sin(i * (0.37 + 0.0113 * i) + fnv1a(name) % 1000)
    return torch.from_numpy(values.astype(np.float32).astype(np.float64))


def shapes_of_weights(c):
    """By the names of released checkpoints; tables with the one row that is trained."""
    shapes = {}
    d, w = c["width"], c["feature_width"]

    def table(name, i, o):
        shapes[name + ".W"], shapes[name + ".b"] = (1, i, o), (1, o)

    def linear(name, i, o):
        shapes[name + ".weight"], shapes[name + ".bias"] = (o, i), (o,)

    def norm(name):
        shapes[name + ".weight"], shapes[name + ".bias"] = (w,), (w,)

    def block(name, width, attended):
        for part, i in (("to_q", width), ("to_k", attended), ("to_v", attended),
                        ("to_out.0", width)):
            linear(f"{name}.attn1.{part}", i, width)
        linear(name + ".ff.net.0.proj", width, 4 * width)
        linear(name + ".ff.net.2", 4 * width, width)

    table("state_encoder.layer1", c["max_state"] * c["state_history"], c["hidden"])
    table("state_encoder.layer2", c["hidden"], d)
    table("action_encoder.W1", c["max_action"], d)
    table("action_encoder.W2", 2 * d, d)
    table("action_encoder.W3", d, d)
    table("action_decoder.layer1", c["hidden"], c["hidden"])
    table("action_decoder.layer2", c["hidden"], c["max_action"])
    if c["positions"]:
        shapes["position_embedding.weight"] = (c["positions"], d)
    if c["future_tokens"]:
        shapes["future_tokens.weight"] = (c["future_tokens"], d)
    if c["mask_token"]:
        shapes["mask_token"] = (1, 1, d)
    if c["feature_norm"]:
        norm("vlln")
    for n in range(c["feature_blocks"]):
        name = f"vl_self_attention.transformer_blocks.{n}"
        norm(name + ".norm1")
        norm(name + ".norm3")
        block(name, w, w)
    for n in range(c["blocks"]):
        name = f"model.transformer_blocks.{n}"
        linear(name + ".norm1.linear", d, 2 * d)
        block(name, d, w if n % 2 == 0 else d)
    linear("model.timestep_encoder.timestep_embedder.linear_1", 256, d)
    linear("model.timestep_encoder.timestep_embedder.linear_2", d, d)
    linear("model.proj_out_1", d, 2 * d)
    linear("model.proj_out_2", d, c["hidden"])
    return shapes


def weights(c, scale=0.25):
    result = {}
    for name, shape in shapes_of_weights(c).items():
        result[name] = wave(name, math.prod(shape), scale).reshape(shape).requires_grad_()
    return result


def inputs(c):
    history = c["state_history"]
    return {
        "features": wave("features", B * 5 * c["feature_width"], 1).reshape(B, 5, -1),
        "state": wave("state", B * history * S, 1).reshape(B, history, S),
        "actions": wave("actions", B * T * A, 0.8).reshape(B, T, A),
        "noise": wave("noise", B * c["max_horizon"] * c["max_action"], 1.5).reshape(
            B, c["max_horizon"], c["max_action"]),
        "time": torch.tensor([0.31, 0.998]),
        "real": [4, 3],     # actions of each sample
        "hidden": [0, 1],   # the second sample's state
        "state_noise": wave("state_noise", B * c["width"], 0.05).reshape(B, c["width"]),
    }


def attend(w, name, x, memory, heads, seen=None):
    def project(part, of):
        y = F.linear(of, w[f"{name}.{part}.weight"], w[f"{name}.{part}.bias"])
        return y.reshape(len(of), heads, -1).transpose(0, 1)

    q, k, v = project("to_q", x), project("to_k", memory), project("to_v", memory)
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[2])
    if seen is not None:
        scores = scores.masked_fill(~seen, -math.inf)
    mixed = (torch.softmax(scores, 2) @ v).transpose(0, 1).reshape(len(x), -1)
    return F.linear(mixed, w[name + ".to_out.0.weight"], w[name + ".to_out.0.bias"])


def feed_forward(w, name, x):
    x = F.linear(x, w[name + ".ff.net.0.proj.weight"], w[name + ".ff.net.0.proj.bias"])
    x = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return F.linear(x, w[name + ".ff.net.2.weight"], w[name + ".ff.net.2.bias"])


def table(w, name, x):
    return x @ w[name + ".W"][0] + w[name + ".b"][0]


def mlp(w, name, x):
    return table(w, name + ".layer2", F.relu(table(w, name + ".layer1", x)))


def code(bucket, width, divisor, cosine_first):
    """In single precision, as the released weights were trained."""
    i = torch.arange(width // 2, dtype=torch.float32)
    angle = torch.tensor(bucket, dtype=torch.float32) * torch.exp(i * -math.log(1e4) / divisor)
    parts = [angle.cos(), angle.sin()] if cosine_first else [angle.sin(), angle.cos()]
    return torch.cat(parts).double()


def encode(c, w, data, b, training):
    state = F.pad(data["state"][b], (0, c["max_state"] - S)).flatten()
    token = mlp(w, "state_encoder", state)
    if training:
        if data["hidden"][b]:
            token = w["mask_token"][0, 0] if c["mask_token"] else token * 0
        token = token + data["state_noise"][b]
    kinds = torch.tensor(KINDS[b])
    x, kinds = data["features"][b][kinds != NOTHING], kinds[kinds != NOTHING]
    if c["feature_norm"]:
        x = F.layer_norm(x, (x.shape[1],), w["vlln.weight"], w["vlln.bias"])
    for n in range(c["feature_blocks"]):
        name = f"vl_self_attention.transformer_blocks.{n}"

        def norm(x, part):
            return F.layer_norm(x, (x.shape[1],), w[f"{name}.{part}.weight"],
                                w[f"{name}.{part}.bias"])

        y = norm(x, "norm1")
        x = x + attend(w, name + ".attn1", y, y, c["feature_heads"])
        x = x + feed_forward(w, name, norm(x, "norm3"))
    return token, x, kinds


def velocity(c, w, context, noisy, bucket):
    token, memory, kinds = context
    d, H = c["width"], len(noisy)
    at = code(bucket, d, d // 2, False).expand(H, d)
    a = table(w, "action_encoder.W2", torch.cat([table(w, "action_encoder.W1", noisy), at], 1))
    a = table(w, "action_encoder.W3", a * torch.sigmoid(a))
    if c["positions"]:
        a = a + w["position_embedding.weight"][:H]
    h = [token[None]] + ([w["future_tokens.weight"]] if c["future_tokens"] else []) + [a]
    h = torch.cat(h)
    name = "model.timestep_encoder.timestep_embedder.linear_"
    time = F.linear(code(bucket, 256, 127, True), w[name + "1.weight"], w[name + "1.bias"])
    time = F.silu(F.linear(F.silu(time), w[name + "2.weight"], w[name + "2.bias"]))
    for n in range(c["blocks"]):
        name = f"model.transformer_blocks.{n}"
        both = F.linear(time, w[name + ".norm1.linear.weight"], w[name + ".norm1.linear.bias"])
        x = F.layer_norm(h, (d,), eps=1e-5) * (1 + both[:d]) + both[d:]
        if n % 2 == 1:
            h = h + attend(w, name + ".attn1", x, x, c["heads"])
        else:
            seen = None
            if c["alternate"]:
                seen = kinds == (TEXT if n % (2 * c["text_every"]) == 0 else IMAGE)
            h = h + attend(w, name + ".attn1", x, memory, c["heads"], seen)
        h = h + feed_forward(w, name, F.layer_norm(h, (d,), eps=1e-5))
    both = F.linear(time, w["model.proj_out_1.weight"], w["model.proj_out_1.bias"])
    h = F.layer_norm(h, (d,), eps=1e-6) * (1 + both[d:]) + both[:d]
    h = F.linear(h, w["model.proj_out_2.weight"], w["model.proj_out_2.bias"])
    return mlp(w, "action_decoder", h)[-H:]


def loss_of(c, w, data, keep=None):
    total, count = 0, 0
    for b in range(B):
        action = torch.zeros(c["max_horizon"], c["max_action"])
        action[:T, :A] = data["actions"][b]
        t, noise, real = data["time"][b], data["noise"][b], data["real"][b]
        bucket = int(np.float32(1000) * np.float32(t))
        v = velocity(c, w, encode(c, w, data, b, True), (1 - t) * noise + t * action, bucket)
        if keep is not None:
            keep.append(v.detach().flatten().tolist())
        total = total + ((v - (action - noise)) ** 2)[:real, :A].sum()
        count += real * A
    return total / (count + 1e-6)


def chunk(c, w, data, b, steps=4):
    with torch.no_grad():
        context, x = encode(c, w, data, b, False), data["noise"][b]
        for step in range(steps):
            x = x + velocity(c, w, context, x, 1000 * step // steps) / steps
    return x


PICKED = ["state_encoder.layer1.W", "action_encoder.W2.W", "action_encoder.W3.b",
          "action_decoder.layer2.W", "position_embedding.weight", "vlln.weight",
          "model.timestep_encoder.timestep_embedder.linear_1.bias",
          "model.transformer_blocks.0.attn1.to_k.weight",
          "model.transformer_blocks.1.norm1.linear.bias",
          "model.transformer_blocks.2.attn1.to_v.bias",
          "model.transformer_blocks.4.ff.net.0.proj.bias", "model.proj_out_1.bias",
          "vl_self_attention.transformer_blocks.1.attn1.to_q.weight",
          "vl_self_attention.transformer_blocks.0.norm3.weight", "future_tokens.weight",
          "mask_token"]


def main():
    result = {}
    for version, c in VERSIONS.items():
        data, w, velocities = inputs(c), weights(c), []
        loss = loss_of(c, w, data, velocities)
        loss.backward()
        gradients = {n: w[n].grad.flatten()[:60].tolist() for n in PICKED if n in w}
        norm = math.sqrt(sum((p.grad**2).sum().item() for p in w.values()))
        chunks = [chunk(c, w, data, b)[:T, :A].flatten().tolist() for b in range(B)]
        result[version] = {"loss": loss.item(), "velocity": velocities, "gradients": gradients,
                           "gradient_norm": norm, "chunks": chunks}
    data, w = inputs(FULL), weights(FULL, 0.02)
    with torch.no_grad():
        result["full"] = chunk(FULL, w, data, 0)[:T, :A].flatten().tolist()

    def short(x):
        if isinstance(x, float):
            return float(f"{x:.9g}")
        if isinstance(x, list):
            return [short(y) for y in x]
        return {k: short(v) for k, v in x.items()} if isinstance(x, dict) else x

    json.dump(short(result), sys.stdout)
    print()


if __name__ == "__main__":
    main()
