"""Reference numbers of the GR00T-style policy from an independent PyTorch implementation.

Written from the formulas, sample by sample and without the shortcuts of the C++ program. Weights
and inputs are closed forms, so that only results are stored. Made with PyTorch 2.13 by:

    python3 tests/golden/policy_reference.py > tests/golden/policy_reference.json
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

N, H, W, S, A, T, L, VOCABULARY = 2, 20, 24, 5, 7, 4, 5, 9
D_MODEL, BLOCKS, HEADS, FF, SLOTS, DRAWS, KEYPOINTS = 16, 3, 2, 24, 2, 2, 3
STEM, FEATURES, GRID = 4, 6, 8
B, OBJECTS = 3, 10


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def wave(name, count, scale):
    phase = fnv1a(name) % 1000
    values = [scale * math.sin(i * (0.37 + 0.0113 * i) + phase) for i in range(count)]
    return torch.tensor(values).float().double()


def shapes_of_weights():
    shapes = {}

    def linear(name, i, o):
        shapes[name + ".weight"], shapes[name + ".bias"] = (o, i), (o,)

    def conv(name, i, o, k):
        shapes[name + ".weight"], shapes[name + ".bias"] = (o, i, k, k), (o,)

    def slots(name, i, o):
        shapes[name + ".W"], shapes[name + ".b"] = (SLOTS, i, o), (SLOTS, o)

    def norm(name):
        shapes[name + ".weight"], shapes[name + ".bias"] = (D_MODEL,), (D_MODEL,)

    def attention(name):
        for part in ("to_q", "to_k", "to_v", "to_out"):
            linear(f"{name}.{part}", D_MODEL, D_MODEL)

    def feed_forward(name):
        linear(name + ".in", D_MODEL, FF)
        linear(name + ".out", FF, D_MODEL)

    for n in range(N):
        p = f"image.{n}"
        conv(p + ".stem", 3, STEM, 5)
        conv(p + ".features", STEM, FEATURES, 3)
        conv(p + ".residual.0", FEATURES, FEATURES, 3)
        conv(p + ".keypoint_maps", FEATURES, KEYPOINTS, 1)
        linear(p + ".keypoint_token", 2 * KEYPOINTS, D_MODEL)
        conv(p + ".grid_half", FEATURES, GRID, 3)
        conv(p + ".grid", GRID, D_MODEL, 3)
        shapes[p + ".grid_position"] = (2 * 2, D_MODEL)
    shapes["image.camera"] = (N, D_MODEL)
    shapes["text.words"] = (VOCABULARY, D_MODEL)
    shapes["text.position"] = (L, D_MODEL)
    for part in ("norm1", "norm2"):
        norm("text.layers.0." + part)
    attention("text.layers.0.attention")
    feed_forward("text.layers.0.ff")
    norm("vlln")
    slots("state_encoder.layer1", S, D_MODEL)
    slots("state_encoder.layer2", D_MODEL, D_MODEL)
    slots("action_encoder.W1", A, D_MODEL)
    slots("action_encoder.W2", 2 * D_MODEL, D_MODEL)
    slots("action_encoder.W3", D_MODEL, D_MODEL)
    shapes["position_embedding"] = (T, D_MODEL)
    slots("action_decoder.layer1", D_MODEL, D_MODEL)
    slots("action_decoder.layer2", D_MODEL, A)
    linear("dit.time1", 256, D_MODEL)
    linear("dit.time2", D_MODEL, D_MODEL)
    linear("dit.condition", 2 * KEYPOINTS * N + D_MODEL, D_MODEL)
    for i in range(BLOCKS):
        linear(f"dit.blocks.{i}.norm1", D_MODEL, 2 * D_MODEL)
        attention(f"dit.blocks.{i}.attention")
        feed_forward(f"dit.blocks.{i}.ff")
    linear("dit.proj_out_1", D_MODEL, 2 * D_MODEL)
    linear("dit.proj_out_2", D_MODEL, D_MODEL)
    linear("objects.layer1", 2 * KEYPOINTS * N + D_MODEL, D_MODEL)
    linear("objects.layer2", D_MODEL, OBJECTS)
    return shapes


def weights():
    return {name: wave(name, math.prod(shape), 0.25).view(shape).requires_grad_()
            for name, shape in shapes_of_weights().items()}


def inputs():
    images = torch.tensor([(i * 37 + i * i % 101) % 256 for i in range(B * N * H * W * 3)])
    mask = torch.ones(B, T)
    mask[1, 2:] = 0
    mask[2, 3:] = 0
    return {
        "images": images.double().view(B, N, H, W, 3) / 255 - 0.5,
        "state": wave("state", B * S, 1).view(B, S),
        "actions": wave("actions", B * T * A, 0.8).view(B, T, A),
        "mask": mask,
        "objects": wave("objects", B * OBJECTS, 0.9).view(B, OBJECTS),
        "tokens": [[2, 5, 7], [2, 8, 1, 3, 4], [2, 5, 7]],
        "slot": [0, 1, 0],
        "hidden": [0, 0, 1],
        "noise": wave("noise", B * DRAWS * T * A, 1.5).view(B, DRAWS, T, A),
        "time": torch.tensor([0.0, 0.25, 0.5, 0.7, 0.9, 0.998]).float().double().view(B, DRAWS),
    }


def attend(w, p, x, source):
    """Multi-head attention of rows x to rows source, head by head."""
    q, k, v = (F.linear(y, w[f"{p}.{n}.weight"], w[f"{p}.{n}.bias"])
               for y, n in ((x, "to_q"), (source, "to_k"), (source, "to_v")))
    size = D_MODEL // HEADS
    parts = []
    for h in range(HEADS):
        s = slice(h * size, (h + 1) * size)
        parts.append(torch.softmax(q[:, s] @ k[:, s].T / math.sqrt(size), -1) @ v[:, s])
    return F.linear(torch.cat(parts, 1), w[p + ".to_out.weight"], w[p + ".to_out.bias"])


def feed_forward(w, p, x):
    x = F.gelu(F.linear(x, w[p + ".in.weight"], w[p + ".in.bias"]))
    return F.linear(x, w[p + ".out.weight"], w[p + ".out.bias"])


def image_tokens(w, n, image):
    p = f"image.{n}"

    def conv(x, name, stride, padding):
        return F.conv2d(x, w[f"{p}.{name}.weight"], w[f"{p}.{name}.bias"], stride, padding)

    x = image.permute(2, 0, 1).unsqueeze(0)
    x = F.relu(conv(F.relu(conv(x, "stem", 2, 2)), "features", 2, 1))
    x = F.relu(x + conv(x, "residual.0", 1, 1))
    heat = conv(x, "keypoint_maps", 1, 0)[0]
    points = []
    for k in range(KEYPOINTS):
        p_yx = torch.softmax(heat[k].flatten(), 0).view(heat.shape[1:])
        points.append((p_yx.sum(0) * torch.linspace(-1, 1, heat.shape[2])).sum())
        points.append((p_yx.sum(1) * torch.linspace(-1, 1, heat.shape[1])).sum())
    points = torch.stack(points)
    token = F.linear(points, w[p + ".keypoint_token.weight"], w[p + ".keypoint_token.bias"])
    cells = conv(F.relu(conv(x, "grid_half", 2, 1)), "grid", 2, 1)[0].flatten(1).T
    cells = cells + w[p + ".grid_position"]
    return torch.cat([token[None], cells]) + w["image.camera"][n], points


def text_tokens(w, ids):
    """Only the words that exist: what padding must be equal to."""
    h = w["text.words"][ids] + w["text.position"][: len(ids)]
    p = "text.layers.0"

    def norm(x, name):
        return F.layer_norm(x, (D_MODEL,), w[f"{p}.{name}.weight"], w[f"{p}.{name}.bias"])

    x = norm(h, "norm1")
    h = h + attend(w, p + ".attention", x, x)
    return h + feed_forward(w, p + ".ff", norm(h, "norm2"))


def slot_linear(w, name, slot, x):
    return x @ w[name + ".W"][slot] + w[name + ".b"][slot]


def encode(w, data, b):
    tokens, points = [], []
    for n in range(N):
        t, k = image_tokens(w, n, data["images"][b, n])
        tokens.append(t)
        points.append(k)
    tokens.append(text_tokens(w, data["tokens"][b]))
    memory = F.layer_norm(torch.cat(tokens), (D_MODEL,), w["vlln.weight"], w["vlln.bias"])
    slot = data["slot"][b]
    state = slot_linear(w, "state_encoder.layer2", slot,
                        F.relu(slot_linear(w, "state_encoder.layer1", slot, data["state"][b])))
    state = state * (1 - data["hidden"][b])
    seen = torch.cat(points + [state])
    condition = F.linear(seen, w["dit.condition.weight"], w["dit.condition.bias"])
    hidden = F.relu(F.linear(seen, w["objects.layer1.weight"], w["objects.layer1.bias"]))
    objects = F.linear(hidden, w["objects.layer2.weight"], w["objects.layer2.bias"])
    return memory, state, condition, objects


def velocity(w, context, slot, noisy, bucket):
    """noisy: real steps only."""
    memory, state, extra, _ = context
    half = D_MODEL // 2
    angle = bucket * torch.exp(-torch.arange(half) * math.log(1e4) / half)
    code = torch.cat([angle.sin(), angle.cos()]).expand(len(noisy), -1)
    a = slot_linear(w, "action_encoder.W1", slot, noisy)
    a = slot_linear(w, "action_encoder.W2", slot, torch.cat([a, code], 1))
    a = slot_linear(w, "action_encoder.W3", slot, a * torch.sigmoid(a))
    a = a + w["position_embedding"][: len(noisy)]
    h = torch.cat([state[None], a])
    angle = bucket * 10 ** (-4 * torch.arange(128) / 127)
    temb = F.linear(torch.cat([angle.cos(), angle.sin()]), w["dit.time1.weight"],
                    w["dit.time1.bias"])
    temb = F.linear(F.silu(temb), w["dit.time2.weight"], w["dit.time2.bias"]) + extra
    for i in range(BLOCKS):
        p = f"dit.blocks.{i}"
        both = F.linear(F.silu(temb), w[p + ".norm1.weight"], w[p + ".norm1.bias"])
        scale, shift = both[:D_MODEL], both[D_MODEL:]
        x = F.layer_norm(h, (D_MODEL,), eps=1e-5) * (1 + scale) + shift
        h = h + attend(w, p + ".attention", x, memory if i % 2 == 0 else x)
        h = h + feed_forward(w, p + ".ff", F.layer_norm(h, (D_MODEL,), eps=1e-5))
    both = F.linear(F.silu(temb), w["dit.proj_out_1.weight"], w["dit.proj_out_1.bias"])
    shift, scale = both[:D_MODEL], both[D_MODEL:]
    h = F.layer_norm(h, (D_MODEL,), eps=1e-6) * (1 + scale) + shift
    h = F.linear(h, w["dit.proj_out_2.weight"], w["dit.proj_out_2.bias"])
    h = F.relu(slot_linear(w, "action_decoder.layer1", slot, h))
    return slot_linear(w, "action_decoder.layer2", slot, h)[1:]


def loss_of(w, data, keep=None):
    total, count = 0, 0
    objects, known = 0, 0
    for b in range(B):
        context = encode(w, data, b)
        # the second sample does not know its first object
        for o in range(5 if b == 1 else 0, OBJECTS):
            off = (context[3][o] - data["objects"][b, o]).abs()
            objects = objects + (off - 0.05 if off > 0.1 else 5 * off**2)
            known += 1
        real = int(data["mask"][b].sum())
        for d in range(DRAWS):
            t = data["time"][b, d]
            noise, action = data["noise"][b, d, :real], data["actions"][b, :real]
            bucket = math.trunc(1000 * float(t))
            v = velocity(w, context, data["slot"][b], (1 - t) * noise + t * action, bucket)
            if keep is not None:
                keep.append(v.detach().flatten().tolist())
            error = (v - (action - noise)) ** 2
            gripper = torch.ones(A)
            gripper[6] = 2.0
            total = total + (error * gripper).sum()
            count += real * 8
    return total / (count + 1e-6) + 0.3 * objects / known


def main():
    data, w = inputs(), weights()
    velocities = []
    loss = loss_of(w, data, velocities)
    loss.backward()
    picked = ["image.0.stem.weight", "image.1.keypoint_maps.weight",
              "image.1.keypoint_token.weight", "image.0.grid_position", "text.words",
              "text.layers.0.attention.to_q.weight",
              "vlln.weight", "state_encoder.layer1.W", "action_encoder.W2.W", "position_embedding",
              "dit.time1.bias", "dit.condition.weight", "dit.blocks.0.attention.to_k.weight",
              "dit.blocks.1.norm1.weight", "dit.blocks.2.ff.in.weight", "dit.proj_out_1.bias",
              "action_decoder.layer2.b", "objects.layer1.weight", "objects.layer2.bias"]
    result = {"loss": loss.item(), "velocity": velocities,
              "gradients": {name: w[name].grad.flatten().tolist() for name in picked},
              "gradient_norm": math.sqrt(sum((p.grad**2).sum().item() for p in w.values()))}

    # four Euler steps for each sample, from the first draw's noise, nothing hidden or padded
    chunks = []
    with torch.no_grad():
        data["hidden"] = [0] * B
        for b in range(B):
            context, x = encode(w, data, b), data["noise"][b, 0]
            for step in range(4):
                x = x + 0.25 * velocity(w, context, data["slot"][b], x, 250 * step)
            chunks.append(x.flatten().tolist())
    result["chunks"] = chunks

    # AdamW with warm-up, cosine, clipping; no decay of biases, norms and embeddings
    data, w = inputs(), weights()
    tables = {"image.camera", "text.words", "text.position", "position_embedding"}
    free = [n for n in w if n.endswith((".bias", ".b", "grid_position")) or n in tables or
            "norm1.weight" in n and n.startswith("text") or "norm2" in n or n.startswith("vlln")]
    optimizer = torch.optim.AdamW(
        [{"params": [w[n] for n in w if n not in free], "weight_decay": 0.05},
         {"params": [w[n] for n in free], "weight_decay": 0}], lr=1, betas=(0.9, 0.99), eps=1e-8)
    losses = []
    for step in range(4):
        rate = 3e-3 * (step + 1) / 2 if step < 2 else \
            3e-3 * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (step - 2) / 8)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = loss_of(w, data)
        losses.append(loss.item())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(w.values()), 0.5)
        optimizer.step()
    result["losses"] = losses
    result["weights_after"] = {n: w[n].flatten()[:40].tolist() for n in picked}

    def short(x):
        if isinstance(x, float):
            return float(f"{x:.8g}")
        if isinstance(x, list):
            return [short(y) for y in x]
        return {k: short(v) for k, v in x.items()} if isinstance(x, dict) else x

    json.dump(short(result), sys.stdout)
    print()


if __name__ == "__main__":
    main()
