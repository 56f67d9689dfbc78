"""The whole path in miniature, for whatever installation of the program is tested."""

# {u} is the program; the steps run one after another in an empty folder
STEPS = [
    "{u} --version",
    "{u} list",
    "{u} doctor . > doctor.txt || true; grep '^ok   supported' doctor.txt",
    "{u} gallery --tasks stack --out gallery.html --quiet",
    "{u} teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet",
    "{u} mimic --source s.h5 --task stack --variant D0 --demos 2 --seed 2 --out g.h5 --quiet",
    "{u} augment g.h5 --variants 0 --max-episodes 2 --seed 3 --out l.h5 --quiet",
    "{u} train l.h5 --steps 2 --batch 2 --save-every 2 --set trainer.precision=float32 --out p --quiet",
    "{u} evaluate p --task stack --episodes 1 --horizon 8 --out e.json --quiet",
    "{u} data convert l.h5 lerobot --to lerobot --quiet",
    "{u} data verify lerobot --quiet",
]


def script(program):
    """Shell lines that run every step with `program` and stop at the first that fails."""
    lines = []
    for step in STEPS:
        lines += [f"echo '> {step.replace(chr(39), chr(34))}'", step.format(u=program)]
    return ["set -e -o pipefail"] + lines
