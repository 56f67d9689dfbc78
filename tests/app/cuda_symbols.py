#!/usr/bin/env python3
"""cuda_symbols.py MODULE LIBRARY...: what the module for CUDA leaves open is found in the given
libraries and the system's, or is of CUDA's runtime, of NCCL, or of LibTorch's half for CUDA. So a
LibTorch for CUDA can open it, as far as that shows without one."""
import re
import subprocess
import sys

OF_CUDA = (r"c10::cuda::|at::cuda::|cuda[A-Z]\w+$|vtable for at::cuda|typeinfo for (at|c10)::cuda|"
           r"nccl[A-Z]\w+$")


def names(path, flag):
    out = subprocess.run(["nm", "-D", flag, path], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0]: line.split()[-2] for line in out.splitlines() if line.strip()}


def main(module, *libraries):
    open_names = names(module, "--undefined-only")
    loaded = subprocess.run(["ldd", module], capture_output=True, text=True).stdout
    system = re.findall(r"=> (/\S+)", loaded)
    found = set()
    for library in [*libraries, *system]:
        found |= set(names(library, "--defined-only"))
    rest = sorted(n for n in open_names if n not in found and open_names[n] not in "wv")
    plain = subprocess.run(["c++filt"], input="\n".join(rest), check=True, capture_output=True, text=True).stdout
    strangers = [n for n in plain.splitlines() if n and not re.match(OF_CUDA, n)]
    for name in strangers:
        print(f"{module}: needs {name}, which no library here has and CUDA's do not either")
    print(f"{len(rest)} names are left to CUDA")
    needed = subprocess.run(["readelf", "-d", module], check=True, capture_output=True, text=True).stdout
    if "[libtorch_cuda.so]" not in needed:
        print(f"{module}: does not name libtorch_cuda.so")
        return 1
    return 1 if strangers or not rest else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
