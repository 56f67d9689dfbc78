"""Features of GR00T's backbone for every row of a dataset, where Isaac-GR00T and its weights are.

    python groot_features.py CHECKPOINT DATASET OUT --modality so101.py

CHECKPOINT is a folder of GR00T N1.6 or N1.7, DATASET a LeRobot v2.1 folder with meta/modality.json
(`understudy data convert --to lerobot21`), --modality the file that registers the robot's keys for
NEW_EMBODIMENT. Writes OUT/demo_<episode>.safetensors for `understudy train --type groot_head
--features OUT`; files that are there are kept, so that it resumes. See docs/with_groot.md.
"""
import argparse
import importlib.util
import pathlib
import re
import shutil

import gr00t.model  # noqa: F401  (registers the models)
import torch
from gr00t.configs.data.embodiment_configs import MODALITY_CONFIGS
from gr00t.data.dataset.lerobot_episode_loader import LeRobotEpisodeLoader
from gr00t.data.dataset.sharded_single_step_dataset import extract_step_data
from gr00t.data.embodiment_tags import EmbodimentTag
from safetensors.torch import save_file
from transformers import AutoModel, AutoProcessor

parser = argparse.ArgumentParser(description=__doc__)
for name in ("checkpoint", "dataset", "out"):
    parser.add_argument(name)
parser.add_argument("--modality", required=True)
parser.add_argument("--device", default="cuda")
args = parser.parse_args()
spec = importlib.util.spec_from_file_location("modality", args.modality)
spec.loader.exec_module(importlib.util.module_from_spec(spec))

tag = EmbodimentTag.NEW_EMBODIMENT
configs = {tag.value: MODALITY_CONFIGS[tag.value]}
seen = {name: configs[tag.value][name] for name in ("video", "state", "language")}
model = AutoModel.from_pretrained(args.checkpoint).eval().to(args.device, torch.bfloat16)
processor = AutoProcessor.from_pretrained(args.checkpoint, modality_configs=configs)
processor.eval()
episodes = LeRobotEpisodeLoader(args.dataset, seen)
out = pathlib.Path(args.out)
out.mkdir(parents=True, exist_ok=True)
made_by = {"backbone": str(model.config.model_name), "layer": str(model.config.select_layer)}


def features_of(step):
    """What the backbone makes of a row, without padding, and which tokens are an image's."""
    text = re.sub(r"[^\w\s]", "", step.text.lower()) if processor.formalize_language else step.text
    inputs = processor.collator([processor._get_vlm_inputs(
        image_keys=seen["video"].modality_keys, images=step.images, masks=None,
        image_transform=processor.eval_image_transform, language=text)])["inputs"]
    with torch.inference_mode():
        answer = model.backbone(model.backbone.prepare_input(
            {name: tensor.to(args.device, torch.bfloat16) if tensor.is_floating_point()
             else tensor.to(args.device) for name, tensor in inputs.items()}))
    there = answer["backbone_attention_mask"][0].bool()
    return answer["backbone_features"][0][there].bfloat16().cpu(), answer["image_mask"][0][there].cpu()


for e in range(len(episodes)):
    file = out / f"demo_{e}.safetensors"
    if file.exists():
        continue
    episode = episodes[e]
    rows = [features_of(extract_step_data(episode, row, seen, tag, allow_padding=True))
            for row in range(len(episode))]
    length, width = max(len(tokens) for tokens, _ in rows), rows[0][0].shape[1]
    if not any(out.glob("demo_*.safetensors")):  # before gigabytes are written
        total = sum(episodes.episode_lengths)
        needed, free = total * length * width * 2 / 2**30, shutil.disk_usage(out).free / 2**30
        print(f"{total} rows of {length} tokens take {needed:.1f} GiB; {free:.1f} GiB are free")
        if needed > free:
            raise SystemExit("there is not enough room")
    features = torch.zeros(len(rows), length, width, dtype=torch.bfloat16)
    kinds = torch.zeros(len(rows), length, dtype=torch.uint8)
    for row, (tokens, image) in enumerate(rows):  # shorter rows are padded in front
        features[row, length - len(tokens):] = tokens
        kinds[row, length - len(tokens):] = 1 + image.to(torch.uint8)
    part = out / f"demo_{e}.part"
    save_file({"features": features, "kinds": kinds}, part, made_by)
    part.rename(file)
    print(f"{file}: {len(rows)} rows")
