#!/usr/bin/env python3
"""A description stands once: the comment on a field may not say what its text in Visit says. Exits 1
and names the fields whose comment has no word that the text lacks."""
import pathlib
import re
import sys

SMALL = set("a an and are as at be by for from in is it its of on one or so that the them they this "
            "those to where which with".split())
TEXT = r'"(?:[^"\\]|\\.)*"'
FIELD = re.compile(r"\s+(?!return|if|const auto|v\()[\w:<>,\s*&]+?\b(\w+)(\s*=\s*[^;]*|\{[^;]*\})?;\s*//\s*(.*)$")


def words(text):
    found = re.findall(r"[a-z0-9_/^<>\[\].+-]*[a-z0-9]", text.lower())
    return {w.rstrip("s") for w in found} - {w.rstrip("s") for w in SMALL}


def structs(text):
    """Begin and end of every struct and class."""
    found, stack = [], []
    for match in re.finditer(TEXT + r"|//[^\n]*|\{|\}", text):
        if match[0] == "{":
            head = re.sub(r"//[^\n]*", "", re.split(r"[;{}]", text[:match.start()])[-1])
            stack.append((match.start(), bool(re.search(r"\b(struct|class)\s+\w+[^()]*$", head))))
        elif match[0] == "}" and stack:
            begin, is_struct = stack.pop()
            if is_struct:
                found.append((begin, match.start()))
    return found


def check(path):
    text = path.read_text()
    if "Visit(" not in text:
        return
    blocks = structs(text)

    def around(place):
        return max((b for b in blocks if b[0] < place < b[1]), default=None)

    texts = {}
    for match in re.finditer(r'\bv\(\s*"\w+",\s*(\w+),\s*((?:' + TEXT + r'\s*)+)', text):
        texts[around(match.start()), match[1]] = words(match[2])
    place = 0
    for number, line in enumerate(text.split("\n"), 1):
        match = FIELD.match(line)
        said = texts.get((around(place), match[1])) if match else None
        if said is not None and not words(match[3]) - said:
            yield f"{path}:{number}: the comment on '{match[1]}' says what its text in Visit says"
        place += len(line) + 1


def main(root):
    root, faults = pathlib.Path(root), []
    for folder in ("app", "augment", "core", "data", "mimic", "serve", "sim", "teleop", "train", "view"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                faults += check(path)
    print("\n".join(faults) or "descriptions: each stands once")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
