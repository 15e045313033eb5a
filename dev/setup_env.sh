#!/usr/bin/env bash
# Make .venv with the versions this project is tested with; once.
#
# torch comes first, since mmcv compiles its ops against it. pip keeps the
# compiled wheel in its cache, so that the next clone takes seconds.
#
# Other versions come from the environment, as .github/workflows/test.yml sets
# them: TORCH and NUMPY are requirements. With PINNED=no only OpenMMLab's
# packages have the versions of requirements.txt, and pip chooses those of all
# others, since the pins fit Python 3.11 and later alone.
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH=${TORCH:-torch==2.13.0}
NUMPY=${NUMPY:-numpy==2.4.6}
PINNED=${PINNED:-yes}
OPENMMLAB='^(mmdet|mmengine|openmim|model-index)=='
MMCV='mmcv==2.1.0'
BUILD_TOOLS=('setuptools==80.10.2' 'wheel==0.48.0' 'ninja==1.13.2' "$NUMPY")

stamp=".venv/ready-$({
  cat requirements.txt pyproject.toml "$0"
  echo "$TORCH $NUMPY $PINNED"
} | sha256sum | cut -c1-16)"
if [ -f "$stamp" ]; then
  exit 0
fi

# Compilers get paths with spaces wrong: go in by a link without any.
link_folder=$(mktemp -d)
trap 'rm -rf "$link_folder"' EXIT
ln -s "$PWD" "$link_folder/clone"
python="$link_folder/clone/.venv/bin/python"

ops_load() {
  .venv/bin/python -c 'import mmcv.ops' 2>/dev/null
}

install_mmcv() {
  MMCV_WITH_OPS=1 MAX_JOBS="$(nproc)" PATH="$link_folder/clone/.venv/bin:$PATH" \
    "$python" -m pip install -q --no-build-isolation --no-deps "$@" "$MMCV"
}

if [ ! -x .venv/bin/python ]; then
  echo 'setup: making .venv'
  "${PYTHON:-python3}" -m venv .venv
fi
echo "setup: installing $TORCH"
.venv/bin/python -m pip install -q --upgrade 'pip==26.3'
.venv/bin/python -m pip install -q "${BUILD_TOOLS[@]}"
.venv/bin/python -m pip install -q "$TORCH"
echo 'setup: installing requirements.txt'
if [ "$PINNED" = yes ]; then
  .venv/bin/python -m pip install -q --no-deps -r requirements.txt
else
  grep -E "$OPENMMLAB" requirements.txt >"$link_folder/openmmlab.txt"
  grep -vE "^#|$OPENMMLAB" requirements.txt | sed 's/==.*//' >"$link_folder/others.txt"
  # Without what they ask for: see the head of requirements.txt.
  .venv/bin/python -m pip install -q --no-deps -r "$link_folder/openmmlab.txt"
  .venv/bin/python -m pip install -q -r "$link_folder/others.txt" "$TORCH" "$NUMPY"
fi
if ! ops_load; then
  echo "setup: installing $MMCV with its ops; compiling takes about 10 minutes on 2 cores"
  start=$SECONDS
  install_mmcv
  if ! ops_load; then
    echo 'setup: the cached wheel of mmcv does not fit this torch, compiling again'
    install_mmcv --no-cache-dir --force-reinstall
  fi
  ops_load || {
    echo 'setup: mmcv was built without its ops; see the compiler errors of' >&2
    echo "  MMCV_WITH_OPS=1 .venv/bin/python -m pip install -v --no-build-isolation --no-cache-dir $MMCV" >&2
    exit 1
  }
  echo "setup: mmcv took $((SECONDS - start)) s"
fi
.venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .
touch "$stamp"
echo 'setup: done'
