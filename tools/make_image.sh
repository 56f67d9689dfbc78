#!/usr/bin/env bash
# make_image.sh FOLDER: packs the .deb in FOLDER (of `make package`) with Debian 12 into
# FOLDER/understudy-<version>.oci.tar, an OCI archive that Podman, Apptainer and, through Podman or a
# registry, Enroot and Pyxis read. No daemon is needed; root neither, where the system allows user
# namespaces. MIRROR names another source of Debian's packages (a URL or a sources.list).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)

debs=("$folder"/understudy_*.deb)
if [[ ${#debs[@]} != 1 || ! -f ${debs[0]} ]]; then
  echo "image: one understudy_*.deb is needed in $folder, ${#debs[@]} names match: run \`make package\`" >&2
  exit 2
fi
deb=${debs[0]}
version=$(dpkg-deb --field "$deb" Version)
out=$folder/understudy-$version.oci.tar

# mmdebstrap makes the system, umoci the archive; only those who make images need them
missing=()
for tool in mmdebstrap umoci; do command -v $tool >/dev/null || missing+=("$tool"); done
if ((${#missing[@]})); then
  if [[ $(id -u) != 0 ]]; then
    echo "image: missing packages, ask an administrator for: apt-get install ${missing[*]}" >&2
    exit 2
  fi
  echo "image: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  install() { apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
  install 2>/dev/null || { apt-get update -qq && install; } || {
    echo "image: apt-get could not install: ${missing[*]}" >&2
    exit 2
  }
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/understudy_image_XXXXXX")
# what was made in a user namespace belongs to its users
trap 'rm -rf "$scratch" 2>/dev/null || unshare --map-root-user --map-auto rm -rf "$scratch"' EXIT

# the same commit gives the same times
SOURCE_DATE_EPOCH=$(git -C "$here" log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

# Mesa draws where no GPU's driver is put into the container
echo "image: Debian 12 with $(basename "$deb")"
mmdebstrap --quiet --variant=apt --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/understudy/*' \
  --include=libegl1,libegl-mesa0,libgl1-mesa-dri,ca-certificates \
  --customize-hook="upload $deb /tmp/understudy.deb" \
  --customize-hook='chroot "$1" apt-get install -y -qq --no-install-recommends /tmp/understudy.deb' \
  --customize-hook='rm "$1/tmp/understudy.deb"' \
  --customize-hook='mkdir -p "$1/work"' \
  bookworm "$scratch/root.tar" ${MIRROR:+"$MIRROR"}

layout=$scratch/layout
image=$layout:$version
umoci init --layout "$layout"
umoci new --image "$image"
umoci raw add-layer --image "$image" "$scratch/root.tar"
rm "$scratch/root.tar"
umoci config --image "$image" --config.entrypoint understudy --config.cmd=--help \
  --config.workingdir /work --config.env PATH=/usr/local/bin:/usr/bin:/bin \
  --config.label org.opencontainers.image.title=understudy \
  --config.label org.opencontainers.image.version="$version" \
  --created "$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)"
umoci gc --layout "$layout"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
  -cf "$out.part" -C "$layout" .
mv "$out.part" "$out"
echo "$out"
