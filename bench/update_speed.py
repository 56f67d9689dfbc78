#!/usr/bin/env python3
"""An update of `groot` at the size of `make demo`, beside the same network in eager PyTorch.

    python3 bench/update_speed.py --program build/release/understudy --dataset looks.h5

--dataset has two cameras of 84x84 (`understudy augment`). The twin is written from docs and formulas
as one writes PyTorch: modules, autocast, torch.optim.AdamW, its default number of threads. Both take
turns, round by round, on a machine that should be idle; every figure is a ratio of times of one run.
PyTorch: torch==2.13.0, of --torch if that is not installed.
"""
import argparse
import json
import math
import multiprocessing
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BATCH, DRAWS, HORIZON, ACTION, STATE, TOKENS, CAMERAS = 64, 2, 16, 7, 11, 16, 2
WIDTH, BLOCKS, HEADS, INNER, KEYPOINTS = 128, 4, 4, 256, 32


def make_twin(torch):
    nn, F = torch.nn, torch.nn.functional

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

        def forward(self, x, source, mask=None):
            def split(y):
                return y.view(y.shape[0], y.shape[1], HEADS, -1).transpose(1, 2)
            y = F.scaled_dot_product_attention(split(self.q(x)), split(self.k(source)),
                                               split(self.v(source)), mask)
            return self.out(y.transpose(1, 2).flatten(2))

    class FeedForward(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(WIDTH, INNER), nn.GELU(), nn.Linear(INNER, WIDTH))

    class Camera(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 24, 5, 2, 2)
            self.features = nn.Conv2d(24, 32, 3, 2, 1)
            self.residual = nn.Conv2d(32, 32, 3, 1, 1)
            self.maps = nn.Conv2d(32, KEYPOINTS, 1)
            self.token = nn.Linear(2 * KEYPOINTS, WIDTH)
            self.grid_half = nn.Conv2d(32, 64, 3, 2, 1)
            self.grid = nn.Conv2d(64, WIDTH, 3, 2, 1)
            self.place = nn.Parameter(0.02 * torch.randn(36, WIDTH))
            self.embedding = nn.Parameter(0.02 * torch.randn(WIDTH))

        def forward(self, image):
            x = F.relu(self.features(F.relu(self.stem(image))))
            x = F.relu(x + self.residual(x))
            heat = self.maps(x).float().flatten(2).softmax(-1).view(len(x), KEYPOINTS, 21, 21)
            line = torch.linspace(-1, 1, 21)
            points = torch.stack([(heat.sum(2) * line).sum(-1), (heat.sum(3) * line).sum(-1)], -1)
            points = points.flatten(1)
            cells = self.grid(F.relu(self.grid_half(x))).flatten(2).transpose(1, 2) + self.place
            return torch.cat([self.token(points)[:, None], cells], 1) + self.embedding, points

    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.cameras = nn.ModuleList(Camera() for _ in range(CAMERAS))
            self.words = nn.Embedding(16, WIDTH)
            self.word_place = nn.Parameter(0.02 * torch.randn(TOKENS, WIDTH))
            self.text_norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
            self.text_attention, self.text_inner = Attention(), FeedForward()
            self.memory_norm = nn.LayerNorm(WIDTH)
            self.state = nn.Sequential(nn.Linear(STATE, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))
            self.action1 = nn.Linear(ACTION, WIDTH)
            self.action2 = nn.Linear(2 * WIDTH, WIDTH)
            self.action3 = nn.Linear(WIDTH, WIDTH)
            self.action_place = nn.Parameter(0.02 * torch.randn(HORIZON, WIDTH))
            self.time = nn.Sequential(nn.Linear(256, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH))
            self.condition = nn.Linear(2 * KEYPOINTS * CAMERAS + WIDTH, WIDTH)
            self.modulations = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH) for _ in range(BLOCKS))
            self.attentions = nn.ModuleList(Attention() for _ in range(BLOCKS))
            self.inners = nn.ModuleList(FeedForward() for _ in range(BLOCKS))
            self.out_modulation = nn.Linear(WIDTH, 2 * WIDTH)
            self.out = nn.Linear(WIDTH, WIDTH)
            self.decode = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, ACTION))

        def forward(self, images, words, state, noisy, bucket):
            tokens, seen = [], []
            for camera, image in zip(self.cameras, images):
                token, points = camera(image)
                tokens.append(token)
                seen.append(points)
            text = self.words(words) + self.word_place
            x = self.text_norms[0](text)
            mask = (words != 0)[:, None, None, :]
            text = text + self.text_attention(x, x, mask)
            text = text + self.text_inner(self.text_norms[1](text))
            memory = self.memory_norm(torch.cat([*tokens, text], 1)).repeat_interleave(DRAWS, 0)
            state = self.state(state)
            condition = self.condition(torch.cat([*seen, state], 1)).repeat_interleave(DRAWS, 0)

            def code(width, cosine_first):
                half = width // 2
                angle = bucket[:, None] * torch.exp(-torch.arange(half) * math.log(1e4) / half)
                parts = [angle.sin(), angle.cos()]
                return torch.cat(parts[::-1] if cosine_first else parts, 1)

            a = torch.cat([self.action1(noisy), code(WIDTH, False)[:, None].expand(-1, HORIZON, -1)],
                          2)
            a = self.action3(F.silu(self.action2(a))) + self.action_place
            h = torch.cat([state.repeat_interleave(DRAWS, 0)[:, None], a], 1)
            active = F.silu(self.time(code(256, True)) + condition)
            for i in range(BLOCKS):
                scale, shift = self.modulations[i](active)[:, None].chunk(2, -1)
                x = F.layer_norm(h, (WIDTH,)) * (1 + scale) + shift
                h = h + self.attentions[i](x, memory if i % 2 == 0 else x)
                h = h + self.inners[i](F.layer_norm(h, (WIDTH,)))
            shift, scale = self.out_modulation(active)[:, None].chunk(2, -1)
            h = self.out(F.layer_norm(h, (WIDTH,)) * (1 + scale) + shift)
            return self.decode(h)[:, 1:]

    return Policy()


def twin_seconds(torch, twin, bfloat16, updates):
    """One update of the twin, mean of some."""
    if not hasattr(twin, 'optimizer'):
        twin.optimizer = torch.optim.AdamW(twin.parameters(), 2e-3, (0.9, 0.99), weight_decay=1e-4)
        twin.average = [p.detach().clone() for p in twin.parameters()]
        twin.pixels = [torch.randint(0, 256, (BATCH, 84, 84, 3), dtype=torch.uint8)
                       for _ in range(CAMERAS)]
    start = time.perf_counter()
    for _ in range(updates):
        images = [((p.float() - 127.5) / 255).permute(0, 3, 1, 2) for p in twin.pixels]
        words = torch.zeros(BATCH, TOKENS, dtype=torch.long)
        words[:, :9] = torch.arange(2, 11)
        action = torch.randn(BATCH, HORIZON, ACTION).repeat_interleave(DRAWS, 0)
        noise, t = torch.randn_like(action), torch.rand(BATCH * DRAWS, 1, 1)
        noisy, bucket = (1 - t) * noise + t * action, (1000 * t[:, 0, 0]).long()
        with torch.autocast('cpu', torch.bfloat16, enabled=bfloat16):
            velocity = twin(images, words, torch.randn(BATCH, STATE), noisy, bucket)
        loss = (velocity.float() - (action - noise)).square().mean()
        twin.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        twin.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(twin.average, list(twin.parameters()), 0.001)
    return (time.perf_counter() - start) / updates


def our_seconds(program, dataset, folder, precision, threads, updates):
    """One update of ours with its data, without that of the first ones."""
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(
        [program, 'train', dataset, '--out', str(folder), '--steps', str(2 * updates), '--batch',
         str(BATCH), '--trainer.precision', precision, '--trainer.threads', str(threads),
         '--loader.threads', '0', '--log-every', str(updates), '--save-every', '100000', '--json',
         '--quiet'], check=True, capture_output=True, text=True)
    row = json.loads(done.stdout)['log'][1]
    return (1 - row['data_wait_share']) * BATCH / row['samples_per_s']


def burn():
    while True:
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--dataset', required=True)
    parser.add_argument('--torch', default='.deps/torch')
    parser.add_argument('--rounds', type=int, default=6)
    parser.add_argument('--updates', type=int, default=12)
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.path.insert(0, arguments.torch)
        import torch

    with tempfile.TemporaryDirectory() as place:
        def ours(precision, threads):
            return our_seconds(arguments.program, arguments.dataset, pathlib.Path(place) / 'run',
                               precision, threads, arguments.updates)
        twins = {}
        times = {}
        for precision in ('float32', 'bfloat16'):
            twins[precision] = make_twin(torch)
            twin_seconds(torch, twins[precision], precision == 'bfloat16', 3)
        print('twin:', sum(p.numel() for p in twins['float32'].parameters()), 'weights,',
              torch.get_num_threads(), 'threads', flush=True)
        for round_ in range(arguments.rounds):
            for precision in ('float32', 'bfloat16'):
                turns = [('twin', lambda: twin_seconds(torch, twins[precision],
                                                       precision == 'bfloat16', arguments.updates)),
                         ('ours', lambda: ours(precision, 0)),
                         ('ours, one thread', lambda: ours(precision, 1))]
                for name, turn in turns if round_ % 2 else reversed(turns):
                    times.setdefault((precision, name), []).append(turn())
        neighbour = multiprocessing.Process(target=burn, daemon=True)
        neighbour.start()
        for round_ in range(max(2, arguments.rounds // 2)):
            for precision in ('float32', 'bfloat16'):
                times.setdefault((precision, 'ours, busy neighbour'), []).append(ours(precision, 0))
                times.setdefault((precision, 'twin, busy neighbour'), []).append(twin_seconds(
                    torch, twins[precision], precision == 'bfloat16', 3))
        neighbour.kill()

    def ratio(precision, a, b):
        pairs = [x / y for x, y in zip(times[precision, a], times[precision, b])]
        spread = statistics.stdev(pairs) / len(pairs) ** 0.5 if len(pairs) > 1 else 0
        return f'{statistics.mean(pairs):.3f} ± {spread:.3f}'

    for precision in ('float32', 'bfloat16'):
        for (of, name), values in times.items():
            if of == precision:
                print(f'{precision}: {name}: {1e3 * statistics.median(values):.0f} ms an update')
        print(f'{precision}: ours over twin {ratio(precision, "ours", "twin")}; '
              f'one thread over all {ratio(precision, "ours, one thread", "ours")}; '
              f'busy over quiet {ratio(precision, "ours, busy neighbour", "ours")}, twin '
              f'{ratio(precision, "twin, busy neighbour", "twin")}')


if __name__ == '__main__':
    main()
