"""Exchanges a policy `act` with LeRobot's own class, both ways.

    UNDERSTUDY_PYTHON_FILES=folder build/release/tests/torch_test --gtest_filter=ActPythonFiles.AreWritten
    python3 tests/convert/check_act_with_lerobot.py folder
    UNDERSTUDY_PYTHON_FILES=folder build/release/tests/torch_test --gtest_filter=ActPythonFiles.Of*

Opens what this program wrote, every tensor in its place, and compares answers within 1e-5; then
writes a policy of LeRobot's own, for this program to do the same. Last run with lerobot 0.4.4 and
torch 2.13.0, and draccus 0.10.0 as LeRobot asks for: a newer one leaves the type out of config.json.
Exits 77 where these packages are missing.
"""
import pathlib
import sys

try:
    import cpu_torchvision  # noqa: F401
    import torch
    from lerobot.configs.types import FeatureType, PolicyFeature
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.policies.act.modeling_act import ACTPolicy
    from lerobot.policies.factory import make_pre_post_processors
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    print(f"SKIPPED: not checked with LeRobot: {missing}")
    sys.exit(77)

torch.set_num_threads(1)
folder = pathlib.Path(sys.argv[1])
ours = load_file(folder / "ours.safetensors")


def answers(policy, processors):
    before, behind = processors
    result = []
    for b in range(len(ours["state"])):
        pictures = {f"observation.images.{camera}": ours[camera][b].permute(2, 0, 1) / 255
                    for camera in ("front", "hand")}
        batch = before({**pictures, "observation.state": ours["state"][b]})
        result.append(behind(policy.predict_action_chunk(batch))[0])
    return torch.stack(result)


policy = ACTPolicy.from_pretrained(folder / "ours", strict=True)
processors = make_pre_post_processors(policy.config, pretrained_path=str(folder / "ours"))
got = answers(policy, processors)
worst = ((got - ours["answer"]).abs() / (1 + got.abs())).max().item()
assert worst < 1e-5, worst
assert got.std(0).max() > 1e-4, "answers depend on inputs"
positions = policy.model.vae_encoder_pos_enc
fresh = ACTPolicy(policy.config).model.vae_encoder_pos_enc
assert (positions - fresh).abs().max() < 1e-6

# another one, with statistics as a dataset has them
torch.manual_seed(3)
features = {f"observation.images.{camera}": PolicyFeature(FeatureType.VISUAL, (3, 40, 48))
            for camera in ("front", "hand")}
features["observation.state"] = PolicyFeature(FeatureType.STATE, (5,))
config = ACTConfig(input_features=features,
                   output_features={"action": PolicyFeature(FeatureType.ACTION, (3,))},
                   chunk_size=7, n_action_steps=4, dim_model=32, n_heads=4, dim_feedforward=48,
                   n_encoder_layers=1, n_decoder_layers=2, latent_dim=6, n_vae_encoder_layers=1,
                   pretrained_backbone_weights=None, device="cpu")
other = ACTPolicy(config)
for name, tensor in other.state_dict().items():
    if "running_mean" in name or name.endswith("bias"):
        tensor.normal_(0, 0.3)
    elif "running_var" in name:
        tensor.uniform_(0.5, 2)
statistics = {"observation.state": {"mean": torch.randn(5), "std": torch.rand(5) + 0.1},
              "action": {"mean": torch.randn(3), "std": torch.rand(3)},
              "timestamp": {"mean": torch.zeros(1), "std": torch.ones(1)}}
statistics["action"]["std"][2] = 0  # an action that never changes
for name in features:
    if "images" in name:
        statistics[name] = {"mean": torch.tensor([0.3, 0.4, 0.5]).view(3, 1, 1),
                            "std": torch.tensor([0.2, 0.3, 0.25]).view(3, 1, 1),
                            "min": torch.zeros(3, 1, 1), "count": torch.tensor([9])}
processors = make_pre_post_processors(config, dataset_stats=statistics)
for part in (other, *processors):
    part.save_pretrained(folder / "lerobots")
save_file({"state": ours["state"], "answer": answers(other, processors).contiguous()},
          folder / "lerobots.safetensors")
print(f"worst difference {worst:.1e}")
