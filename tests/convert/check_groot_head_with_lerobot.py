"""Holds tests/golden/groot_head_reference.py to LeRobot's own action head of GR00T N1.5.

Our program is held to that reference by tests/torch/groot_head_reference_test.cc. Needs
lerobot==0.4.4 and diffusers; where they are missing, the exit status is 77.
"""
import importlib.util
import pathlib
import sys
import types

try:
    import diffusers  # noqa: F401
    import lerobot
    import torch

    # the head alone: the packages around it ask for the backbone's
    for name in ("lerobot.policies", "lerobot.policies.groot"):
        package = types.ModuleType(name)
        package.__path__ = [str(pathlib.Path(lerobot.__file__).parent.joinpath(
            *name.split(".")[1:]))]
        sys.modules[name] = package
    from lerobot.policies.groot.action_head import flow_matching_action_head as lerobot_head
except ImportError as missing:
    print(f"SKIPPED: not checked with LeRobot: {missing}")
    sys.exit(77)

SLOT, SLOTS = 2, 4


def load_reference():
    file = pathlib.Path(__file__).parent.parent / "golden" / "groot_head_reference.py"
    spec = importlib.util.spec_from_file_location("groot_head_reference", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Config(dict):
    __getattr__ = dict.__getitem__


def make_head(c, weights):
    dit = dict(num_attention_heads=c["heads"], attention_head_dim=c["width"] // c["heads"],
               output_dim=c["hidden"], num_layers=c["blocks"], dropout=0.0, final_dropout=True,
               norm_type="ada_norm", interleave_self_attention=True, positional_embeddings=None,
               cross_attention_dim=c["feature_width"])
    features = dict(num_attention_heads=c["feature_heads"],
                    attention_head_dim=c["feature_width"] // c["feature_heads"],
                    num_layers=c["feature_blocks"], dropout=0.0, final_dropout=True,
                    positional_embeddings=None)
    head = lerobot_head.FlowmatchingActionHead(Config(
        hidden_size=c["hidden"], input_embedding_dim=c["width"], diffusion_model_cfg=dit,
        action_dim=c["max_action"], action_horizon=c["max_horizon"], num_inference_timesteps=4,
        max_num_embodiments=SLOTS, max_state_dim=c["max_state"],
        num_target_vision_tokens=c["future_tokens"], use_vlln=True,
        backbone_embedding_dim=c["feature_width"], vl_self_attention_cfg=features,
        add_pos_embed=True, max_seq_len=c["positions"], noise_beta_alpha=1.5, noise_beta_beta=1.0,
        noise_s=0.999, num_timestep_buckets=1000, tune_projector=True, tune_diffusion_model=True,
        expand_batch=None)).double()
    state = head.state_dict()
    assert set(state) == set(weights), set(state) ^ set(weights)
    for name, tensor in state.items():
        if name.endswith((".W", ".b")):
            tensor[SLOT] = weights[name].detach()[0]
        else:
            tensor.copy_(weights[name].detach())
    return head


def compare(what, ours, theirs, bound):
    error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    print(f"{what}: {error:.1e}")
    assert error < bound, what


def main():
    reference = load_reference()
    c = dict(reference.VERSIONS["n1_5"])
    w = reference.weights(c)
    head, data = make_head(c, w), reference.inputs(c)
    data["hidden"], data["state_noise"] = [0, 0], data["state_noise"] * 0  # N1.5 has neither
    # one sample after the other, without tokens that pad
    for b in range(reference.B):
        kinds = torch.tensor(reference.KINDS[b])
        features = data["features"][b][kinds != reference.NOTHING][None]
        state = torch.nn.functional.pad(data["state"][b], (0, c["max_state"] - reference.S))[None]
        action = torch.zeros(1, c["max_horizon"], c["max_action"])
        action[0, :reference.T, :reference.A] = data["actions"][b]
        mask = torch.zeros_like(action)
        mask[0, :data["real"][b], :reference.A] = 1
        noise, time = data["noise"][b][None], data["time"][b]
        lerobot_head.torch.randn = lambda *_, **__: noise
        head.sample_time = lambda *_, **__: time[None]

        def given():
            return (Config(backbone_features=features, backbone_attention_mask=None),
                    Config(state=state, action=action, action_mask=mask,
                           embodiment_id=torch.tensor([SLOT])))

        lerobot_head.BatchFeature = lambda data: data
        head.zero_grad()
        theirs = head.forward(*given())["loss"]
        theirs.backward()
        one = {k: [v[b]] for k, v in data.items()}
        for tensor in w.values():
            tensor.grad = None
        reference_b, reference_kinds = reference.B, reference.KINDS
        reference.B, reference.KINDS = 1, [reference_kinds[b]]
        ours = reference.loss_of(c, w, one)
        reference.B, reference.KINDS = reference_b, reference_kinds
        ours.backward()
        compare(f"sample {b}: loss", ours.detach()[None], theirs.detach()[None], 1e-6)
        gradients = dict(head.named_parameters())
        for name, tensor in w.items():
            found = gradients[name].grad
            if found is None:  # rows of a table that are not used
                assert tensor.grad is None or tensor.grad.abs().max() == 0, name
                continue
            found = found[SLOT:SLOT + 1] if name.endswith((".W", ".b")) else found
            assert (tensor.grad - found).abs().max() <= 1e-5 * max(found.abs().max(), 1e-6), name
        with torch.no_grad():
            chunk = head.get_action(*given())["action_pred"][0]
        compare(f"sample {b}: chunk", reference.chunk(c, w, data, b), chunk, 1e-6)
    print("LeRobot's head and the reference agree")


if __name__ == "__main__":
    main()
