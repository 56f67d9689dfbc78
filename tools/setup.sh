#!/usr/bin/env bash
# Installs what is missing to build and run Understudy on Debian 12, and nothing that is there:
# system packages with apt; MuJoCo, LibTorch, Arrow, three.js and headers of CUDA unpacked from their
# Python wheels into .deps/ (nothing of Python is needed at run time). A CMAKE_PREFIX_PATH that holds one of them keeps it
# from being downloaded. Run again it ends in under a second. `setup.sh tests` installs what tests use
# besides, and goes on without it where that is not to be had: they are skipped then.
set -euo pipefail
cd "$(dirname "$0")/.."

# ---- system packages ---------------------------------------------------------------------------
packages=(
  g++ cmake ninja-build ccache pkg-config git python3 python3-pip python3-venv unzip
  libeigen3-dev libyaml-cpp-dev nlohmann-json3-dev libfmt-dev libcli11-dev libxxhash-dev
  libhdf5-dev libdeflate-dev liblzf-dev libpugixml-dev
  libavcodec-dev libavformat-dev libavutil-dev libswscale-dev
  libegl-dev libgl-dev libegl-mesa0 libgl1-mesa-dri
  libopenxr-dev
  libboost-dev libssl-dev openssl libqrencode-dev
  libompl-dev
  libzmq3-dev cppzmq-dev libmsgpack-cxx-dev
  cyclonedds-dev cyclonedds-tools
  libgloo-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)

if [[ ${1:-} == tests ]]; then
  packages=(chromium slurm-wlm libavdevice59 python3-zmq python3-msgpack-numpy python3-numpy
            python3-websockets libfastrtps-dev)
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [[ $status == ii* ]] && continue
  # a tool from elsewhere serves as well as Debian's
  case $package in
    cmake | git | ccache | unzip | python3) command -v "$package" >/dev/null && continue ;;
    ninja-build) command -v ninja >/dev/null && continue ;;
    chromium) command -v google-chrome >/dev/null || command -v chrome >/dev/null && continue ;;
    g++ | pkg-config) command -v "$package" >/dev/null && continue ;;
    python3-pip) python3 -m pip --version >/dev/null 2>&1 && continue ;;
    python3-venv) python3 -c 'import venv, ensurepip' >/dev/null 2>&1 && continue ;;
  esac
  missing+=("$package")
done

if ((${#missing[@]})); then
  sudo=()
  [[ ${1:-} == tests ]] && trap 'echo "setup: without ${missing[*]}: what needs them is skipped"; exit 0' EXIT
  if [[ $(id -u) != 0 ]]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      sudo=(sudo)
    else
      echo "setup: missing system packages, ask an administrator for: apt-get install ${missing[*]}" >&2
      exit 2
    fi
  fi
  echo "setup: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  install() { "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
  # package lists may be absent or old: refresh them when the first try fails
  install 2>/dev/null || { "${sudo[@]}" apt-get update -qq && install; } || {
    echo "setup: apt-get could not install: ${missing[*]}" >&2
    exit 2
  }
fi

# ---- libraries that come in Python wheels --------------------------------------------------------
# a folder of CMAKE_PREFIX_PATH that holds one of the given files
on_prefix_path() {
  local prefix file
  IFS=':;' read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do
    for file in "$@"; do
      [[ -n $prefix ]] && compgen -G "$prefix/$file" >/dev/null && return 0
    done
  done
  return 1
}

# wheel <folder> <requirement> <file inside that proves it is whole> <files that a prefix path has>
# A requirement may hold hashes (--hash=sha256:…), of which the download must have one.
wheel() {
  local folder=.deps/$1 requirement=$2 proof=$3
  [[ -f $folder/.complete && $(<"$folder/.complete") == "$requirement" && -e $folder/$proof ]] && return
  if on_prefix_path "${@:4}"; then
    echo "setup: $1 found on CMAKE_PREFIX_PATH"
    return
  fi
  echo "setup: unpacking ${requirement%% *} into $folder"
  rm -rf "$folder" "$folder.download"
  mkdir -p "$folder" "$folder.download"
  echo "$requirement" >"$folder.download/requirement"
  if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
       -d "$folder.download" -r "$folder.download/requirement" >"$folder.download/log" 2>&1; then
    tail -n 3 "$folder.download/log" >&2
    echo "setup: ${requirement%% *} could not be downloaded; install it and name its folder in CMAKE_PREFIX_PATH" >&2
    exit 2
  fi
  python3 -m zipfile -e "$folder.download"/*.whl "$folder"
  rm -rf "$folder.download"
  [[ -e $folder/$proof ]] || { echo "setup: ${requirement%% *} holds no $proof" >&2; exit 2; }
  echo "$requirement" >"$folder/.complete"
}

mkdir -p .deps
if [[ ${1:-} == tests ]]; then
  trap - EXIT
  (wheel openpi_client "openpi-client==0.1.2\
 --hash=sha256:b8aa6d2ea7172d3b7c1fcf867d43930052b5ff19ea7b777966781105aa989897" \
    openpi_client/msgpack_numpy.py) || echo "setup: without openpi_client: its test is skipped"
  exit 0
fi
wheel mujoco_core mujoco-core==4.0.1 mujoco/include/mujoco/mujoco.h 'include/mujoco/mujoco.h'
wheel torch torch==2.13.0 torch/share/cmake/Torch/TorchConfig.cmake 'share/cmake/Torch/TorchConfig.cmake' 'Torch/TorchConfig.cmake'
wheel nicegui nicegui==2.24.2 nicegui/elements/lib/three/three.module.js 'three.module.js'
wheel pyarrow pyarrow==26.0.1 pyarrow/include/arrow/api.h 'include/arrow/api.h'

# headers of CUDA (2.4 MB) for the module that has graphs and NCCL; without them it is left out
optional() { (wheel "$@") || echo "setup: without $1: no module for graphs and NCCL on CUDA"; }
optional cuda_runtime "nvidia-cuda-runtime==13.0.96\
 --hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548\
 --hash=sha256:ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55" \
  nvidia/cu13/include/cuda_runtime_api.h 'include/cuda_runtime_api.h'
optional cuda_crt "nvidia-cuda-crt==13.0.88\
 --hash=sha256:2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4\
 --hash=sha256:ee2ea2a97073e02ee62bb27841f437332be2c248e3eac013df07997ada39c003" \
  nvidia/cu13/include/crt/host_defines.h 'include/crt/host_defines.h'
