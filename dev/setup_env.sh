#!/usr/bin/env bash
# Make .venv with the versions this project is tested with; once.
#
# torch comes first, since mmcv compiles its ops against it. dev/mmcv_wheel
# compiles them, and keeps the wheel, so that the next clone takes seconds.
#
# Other versions come from the environment, as .github/workflows/test.yml and
# the Dockerfile set them: TORCH and NUMPY are requirements. With PINNED=no
# only OpenMMLab's packages have the versions of requirements.txt, and pip
# chooses those of all others, since the pins fit Python 3.11 and later alone.
# STACK=onedl takes the forks of VBTI in place of OpenMMLab's packages.
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH=${TORCH:-torch==2.13.0}
NUMPY=${NUMPY:-numpy==2.4.6}
PINNED=${PINNED:-yes}
STACK=${STACK:-openmmlab}
case "$STACK" in
openmmlab)
  MMCV='mmcv==2.1.0'
  HOST=$(grep -E '^(mmdet|mmengine)==' requirements.txt)
  OTHER='onedl_mm*'
  ;;
onedl)
  MMCV='onedl-mmcv==2.3.6'
  HOST=$'onedl-mmdetection==3.5.1\nonedl-mmengine==0.10.12\nimaug==0.4.3'
  OTHER='mm@(det|cv|engine)-*'
  ;;
*)
  echo "setup: STACK is openmmlab or onedl, not $STACK" >&2
  exit 1
  ;;
esac
BUILD_TOOLS=('setuptools==80.10.2' 'wheel==0.48.0' 'ninja==1.13.2' "$NUMPY")

stamp=".venv/ready-$({
  cat requirements.txt pyproject.toml "$0"
  echo "$TORCH $NUMPY $PINNED $STACK"
} | sha256sum | cut -c1-16)"
if [ -f "$stamp" ]; then
  exit 0
fi

lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
echo "$HOST" >"$lists/host.txt"
grep -vE '^(#|mmdet==|mmengine==)' requirements.txt >"$lists/others.txt"

# Both have the same import names: the second would be mixed into the first.
shopt -s extglob
if compgen -G ".venv/lib/python*/site-packages/$OTHER.dist-info" >/dev/null; then
  echo "setup: .venv is not for STACK=$STACK; delete it first" >&2
  exit 1
fi
if [ ! -x .venv/bin/python ]; then
  echo 'setup: making .venv'
  "${PYTHON:-python3}" -m venv .venv
fi
echo "setup: installing $TORCH"
.venv/bin/python -m pip install -q --upgrade 'pip==26.3'
.venv/bin/python -m pip install -q "${BUILD_TOOLS[@]}"
.venv/bin/python -m pip install -q "$TORCH"
echo 'setup: installing requirements.txt'
# Without what they ask for: see the head of requirements.txt.
.venv/bin/python -m pip install -q --no-deps -r "$lists/host.txt"
if [ "$PINNED" = yes ]; then
  .venv/bin/python -m pip install -q --no-deps -r "$lists/others.txt"
else
  grep -E '^(openmim|model-index)==' "$lists/others.txt" >"$lists/mim.txt"
  grep -vE '^(openmim|model-index)==' "$lists/others.txt" |
    sed 's/==.*//' >"$lists/names.txt"
  .venv/bin/python -m pip install -q --no-deps -r "$lists/mim.txt"
  .venv/bin/python -m pip install -q -r "$lists/names.txt" "$TORCH" "$NUMPY"
fi
if ! .venv/bin/python -c 'import mmcv.ops' 2>/dev/null; then
  echo "setup: installing $MMCV with its ops"
  .venv/bin/python -m dev.mmcv_wheel "$MMCV"
fi
.venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .
touch "$stamp"
echo 'setup: done'
