"""Reference numbers for options of the GR00T-style policy: encoders of pictures by torchvision and
timm, resolutions, several actions in a token, dropout, given actions (training-time real-time
chunking, arXiv:2512.05964).

The rest of the network is that of policy_reference.py. Weights and inputs are closed forms. Made
with PyTorch 2.13, torchvision 0.28 and timm 1.0.31 by:

    python3 tests/golden/groot_options_reference.py > tests/golden/groot_options_reference.json
"""
import contextlib
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "convert"))
import cpu_torchvision  # noqa: E402, F401
import torchvision  # noqa: E402

with contextlib.redirect_stdout(sys.stderr):
    from timm.layers import resample_abs_pos_embed
    from timm.models.vision_transformer import VisionTransformer

import policy_reference as base  # noqa: E402

D = base.D_MODEL
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def first_value(name, shape):
    """Convolutions of a deep network as large as keeps its activations so; norms near one."""
    count = math.prod(shape)
    if ".resnet." in name and len(shape) == 4:
        return base.wave(name, count, 2 / math.sqrt(math.prod(shape[1:])))
    values = base.wave(name, count, 0.25)
    near_one = (".resnet." in name and len(shape) == 1 and name.endswith("weight")) or \
        name.endswith("running_var")
    return values + 1 if near_one else values


class Case:
    def __init__(self, height=20, width=24, actions_per_token=1, dropout=0.0, trunk=None,
                 resolution=None, channels=None, given=None):
        self.size = (height, width)
        self.n, self.dropout = actions_per_token, dropout
        self.given = given or [[0] * base.DRAWS] * base.B
        self.trunk, self.resolution = trunk, resolution or {}
        shapes = {k: v for k, v in base.shapes_of_weights().items() if not k.startswith("objects")}
        if trunk:  # one for both cameras
            shapes = {k: v for k, v in shapes.items()
                      if not k.startswith("image.") or k == "image.camera"}
            name = "vit" if isinstance(trunk, VisionTransformer) else "resnet"
            for key, value in trunk.state_dict().items():
                if "num_batches" not in key and not key.startswith("fc."):
                    shapes[f"image.0.{name}.{key}"] = tuple(value.shape)
            cells = math.prod(self.features(torch.zeros(1, 3, height, width)).shape[2:])
            shapes["image.0.keypoint_maps.weight"] = (base.KEYPOINTS, channels, 1, 1)
            shapes["image.0.keypoint_maps.bias"] = (base.KEYPOINTS,)
            shapes["image.0.keypoint_token.weight"] = (D, 2 * base.KEYPOINTS)
            shapes["image.0.keypoint_token.bias"] = (D,)
            shapes["image.0.grid.weight"], shapes["image.0.grid.bias"] = (D, channels, 1, 1), (D,)
            shapes["image.0.grid_position"] = (cells, D)
        for camera, (h, w) in self.resolution.items():
            up = lambda x: -(-x // 16)  # noqa: E731
            shapes[f"image.{camera}.grid_position"] = (up(h) * up(w), D)
        n, A = self.n, base.A
        shapes["action_encoder.W1.W"] = (base.SLOTS, n * A, D)
        shapes["action_decoder.layer2.W"] = (base.SLOTS, D, n * A)
        shapes["action_decoder.layer2.b"] = (base.SLOTS, n * A)
        shapes["position_embedding"] = (base.T // n, D)
        self.w = {k: first_value(k, s).view(s).requires_grad_() for k, s in shapes.items()}

    def features(self, x, values=None):
        trunk = self.trunk
        if isinstance(trunk, VisionTransformer):
            call = lambda m, y: m.forward_features(y)  # noqa: E731
        else:
            def call(m, y):
                y = m.maxpool(m.relu(m.bn1(m.conv1(y))))
                return m.layer4(m.layer3(m.layer2(m.layer1(y))))

        class Features(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.m = trunk

            def forward(self, y):
                return call(self.m, y)

        y = torch.func.functional_call(Features(), {"m." + k: v for k, v in (values or {}).items()},
                                       (x,))
        if isinstance(trunk, VisionTransformer):
            rows = x.shape[2] // trunk.patch_embed.patch_size[0]
            y = y[:, 1:].transpose(1, 2).reshape(1, y.shape[2], rows, -1)
        return y

    def image_tokens(self, w, n, image):
        if not self.trunk:
            if n in self.resolution:
                x = image.permute(2, 0, 1).unsqueeze(0)
                image = F.adaptive_avg_pool2d(x, self.resolution[n])[0].permute(1, 2, 0)
            return base.image_tokens(w, n, image)
        x = (image + 0.5 - torch.tensor(MEAN)) / torch.tensor(STD)
        name = "vit" if isinstance(self.trunk, VisionTransformer) else "resnet"
        prefix = f"image.0.{name}."
        values = {k[len(prefix):]: v for k, v in w.items() if k.startswith(prefix)}
        f = self.features(x.permute(2, 0, 1).unsqueeze(0), values)
        heat = F.conv2d(f, w["image.0.keypoint_maps.weight"], w["image.0.keypoint_maps.bias"])[0]
        points = []
        for k in range(base.KEYPOINTS):
            p = torch.softmax(heat[k].flatten(), 0).view(heat.shape[1:])
            points.append((p.sum(0) * torch.linspace(-1, 1, heat.shape[2])).sum())
            points.append((p.sum(1) * torch.linspace(-1, 1, heat.shape[1])).sum())
        points = torch.stack(points)
        token = F.linear(points, w["image.0.keypoint_token.weight"],
                         w["image.0.keypoint_token.bias"])
        cells = F.conv2d(f, w["image.0.grid.weight"], w["image.0.grid.bias"])[0].flatten(1).T
        cells = cells + w["image.0.grid_position"]
        return torch.cat([token[None], cells]) + w["image.camera"][n], points

    def encode(self, w, data, b):
        tokens, points = [], []
        for n in range(base.N):
            t, k = self.image_tokens(w, n, data["images"][b, n])
            tokens.append(t)
            points.append(k)
        tokens.append(base.text_tokens(w, data["tokens"][b]))
        memory = F.layer_norm(torch.cat(tokens), (D,), w["vlln.weight"], w["vlln.bias"])
        slot = data["slot"][b]
        state = base.slot_linear(w, "state_encoder.layer2", slot, F.relu(
            base.slot_linear(w, "state_encoder.layer1", slot, data["state"][b])))
        extra = F.linear(torch.cat(points + [state]), w["dit.condition.weight"],
                         w["dit.condition.bias"])
        return memory, state, extra

    def velocity(self, w, context, slot, noisy, bucket, hide, given):
        memory, state, extra = context
        real, n = len(noisy), self.n
        noisy = torch.cat([noisy, torch.zeros(-real % n, base.A)])
        # a token holds number by number what its actions have
        tokens = noisy.view(-1, n, base.A).transpose(1, 2).reshape(-1, n * base.A)
        half = D // 2
        # each action has a time of its own, the state that of the chunk
        times = torch.tensor([999] * given + [bucket] * (len(tokens) - given))
        angle = times[:, None] * torch.exp(-torch.arange(half) * math.log(1e4) / half)
        code = torch.cat([angle.sin(), angle.cos()], 1)
        a = base.slot_linear(w, "action_encoder.W1", slot, tokens)
        a = base.slot_linear(w, "action_encoder.W2", slot, torch.cat([a, code], 1))
        a = base.slot_linear(w, "action_encoder.W3", slot, F.silu(a))
        h = torch.cat([state[None], a + w["position_embedding"][: len(tokens)]])
        times = torch.cat([torch.tensor([bucket]), times])
        angle = times[:, None] * 10 ** (-4 * torch.arange(128) / 127)
        temb = F.linear(torch.cat([angle.cos(), angle.sin()], 1), w["dit.time1.weight"],
                        w["dit.time1.bias"])
        temb = F.linear(F.silu(temb), w["dit.time2.weight"], w["dit.time2.bias"]) + extra
        for i in range(base.BLOCKS):
            p = f"dit.blocks.{i}"
            scale, shift = F.linear(F.silu(temb), w[p + ".norm1.weight"],
                                    w[p + ".norm1.bias"]).chunk(2, 1)
            x = F.layer_norm(h, (D,), eps=1e-5) * (1 + scale) + shift
            h = h + hide(3 * i, base.attend(w, p + ".attention", x, memory if i % 2 == 0 else x))
            x = F.linear(F.layer_norm(h, (D,), eps=1e-5), w[p + ".ff.in.weight"],
                         w[p + ".ff.in.bias"])
            x = F.linear(hide(3 * i + 1, F.gelu(x)), w[p + ".ff.out.weight"], w[p + ".ff.out.bias"])
            h = h + hide(3 * i + 2, x)
        shift, scale = F.linear(F.silu(temb), w["dit.proj_out_1.weight"],
                                w["dit.proj_out_1.bias"]).chunk(2, 1)
        h = (F.layer_norm(h, (D,), eps=1e-6) * (1 + scale) + shift)[1:]
        h = F.linear(h, w["dit.proj_out_2.weight"], w["dit.proj_out_2.bias"])
        h = F.relu(base.slot_linear(w, "action_decoder.layer1", slot, h))
        v = base.slot_linear(w, "action_decoder.layer2", slot, h)
        return v.view(-1, base.A, n).transpose(1, 2).reshape(-1, base.A)[:real]

    def hide(self, b, d):
        """Of sample b + 1, draw d: every place has a mask over draws, tokens and channels."""
        def apply(place, x):
            if not self.dropout:
                return x
            length = 1 + base.T // self.n
            i = torch.arange(base.DRAWS * length * x.shape[1])
            keep = (7 * i + i // 11 + 3 * place + 5 * (b + 1)) % 4 != 0
            keep = keep.view(base.DRAWS, length, -1)[d, : len(x)]
            return x * keep / (1 - self.dropout)
        return apply

    def run(self, picked):
        data = base.inputs()
        H, W = self.size
        count = base.B * base.N * H * W * 3
        images = torch.tensor([(i * 37 + i * i % 101) % 256 for i in range(count)])
        data["images"] = images.double().view(base.B, base.N, H, W, 3) / 255 - 0.5
        w, total, count, velocities = self.w, 0, 0, []
        for b in range(base.B):
            context = self.encode(w, data, b)
            real = int(data["mask"][b].sum())
            for d in range(base.DRAWS):
                t = data["time"][b, d]
                noise, action = data["noise"][b, d, :real], data["actions"][b, :real]
                given = self.given[b][d]
                noisy = torch.cat([action[:given], ((1 - t) * noise + t * action)[given:]])
                v = self.velocity(w, context, data["slot"][b], noisy,
                                  math.trunc(1000 * float(t)), self.hide(b, d), given)
                velocities.append(v.flatten().tolist())
                # the actions that are not given count for those that are
                error = ((v - (action - noise)) ** 2)[given:]
                total = total + error.sum() * real / (real - given)
                count += real * base.A
        loss = total / (count + 1e-6)
        loss.backward()
        return {"loss": loss.item(), "velocity": velocities,
                "gradients": {n: w[n].grad.flatten()[:60].tolist() for n in picked}}


def resnet(norm):
    return torchvision.models.resnet18(norm_layer=norm).double().eval()


def vit(height, width):
    return VisionTransformer(img_size=(height, width), patch_size=4, embed_dim=24, depth=2,
                             num_heads=3, num_classes=0).double().eval()


def main():
    always = ["dit.condition.weight", "vlln.weight"]
    of_trunk = always + ["image.0.keypoint_maps.weight", "image.0.grid.weight"]
    of_resnet = of_trunk + ["image.0.resnet.conv1.weight", "image.0.resnet.layer4.1.conv2.weight",
                            "image.0.resnet.layer2.0.downsample.0.weight"]
    result = {
        "resnet18": Case(70, 66, trunk=resnet(lambda c: torch.nn.GroupNorm(c // 16, c)),
                         channels=512).run(of_resnet + ["image.0.resnet.layer3.0.bn1.weight"]),
        "frozen": Case(70, 66, trunk=resnet(torchvision.ops.FrozenBatchNorm2d),
                       channels=512).run(of_resnet),
        "vit": Case(trunk=vit(20, 24), channels=24).run(
            of_trunk + ["image.0.vit.pos_embed", "image.0.vit.cls_token",
                        "image.0.vit.blocks.0.attn.qkv.weight",
                        "image.0.vit.blocks.1.mlp.fc2.bias", "image.0.vit.patch_embed.proj.weight",
                        "image.0.vit.norm.weight"]),
        "resolution": Case(resolution={1: (15, 18)}).run(
            always + ["image.1.stem.weight", "image.1.grid_position", "image.0.stem.weight"]),
        "two_actions": Case(actions_per_token=2).run(
            always + ["position_embedding", "action_encoder.W1.W", "action_decoder.layer2.W",
                      "action_decoder.layer2.b"]),
        "dropout": Case(dropout=0.25).run(
            always + ["dit.blocks.0.ff.in.weight", "dit.blocks.2.attention.to_out.weight"]),
        "given": Case(given=[[1, 3], [0, 1], [2, 0]]).run(
            always + ["dit.time1.weight", "dit.blocks.1.norm1.weight", "dit.proj_out_1.weight",
                      "action_encoder.W2.W", "action_encoder.W1.W"]),
    }
    positions = base.wave("pos_embed", 17 * 6, 1).view(1, 17, 6)
    result["positions"] = {
        "5x6": resample_abs_pos_embed(positions.float(), [5, 6]).flatten().tolist(),
        "2x3": resample_abs_pos_embed(positions.float(), [2, 3]).flatten().tolist()}

    def short(x):
        if isinstance(x, float):
            return float(f"{x:.7g}")
        if isinstance(x, list):
            return [short(y) for y in x]
        return {k: short(v) for k, v in x.items()} if isinstance(x, dict) else x

    json.dump(short(result), sys.stdout)
    print()


main()
