# syntax=docker/dockerfile:1
# An image with what `make env` installs.
#
#   docker build -t mmdet_ohem .
#   docker build -t mmdet_ohem:cuda --build-arg DEVICE=cuda .
#
# TORCH_INDEX: the index of PyTorch's wheels for the device. Without it pip takes
# those of its own index, which bring CUDA.
# No Docker was at hand: a test reads this file, nobody has built it. Compiling
# for CUDA has not been tried at all. docs/installation.md says more.
ARG DEVICE=cpu
ARG CUDA=13.0.1

FROM python:3.11-slim-bookworm AS cpu
ARG TORCH_INDEX=
ENV PIP_EXTRA_INDEX_URL=${TORCH_INDEX}
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make \
    && rm -rf /var/lib/apt/lists/*

FROM nvidia/cuda:${CUDA}-devel-ubuntu24.04 AS cuda
ARG TORCH_INDEX=
# For torch and for nvcc: the image has a compiler, but no GPU while it is
# built, so that mmcv would leave its CUDA ops out.
ENV PIP_EXTRA_INDEX_URL=${TORCH_INDEX} \
    FORCE_CUDA=1 \
    TORCH_CUDA_ARCH_LIST="7.5 8.0 8.6 8.9 9.0+PTX"
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*

FROM ${DEVICE}
WORKDIR /mmdet_ohem
COPY . .
# Wheels of pip, and the compiled one of mmcv, stay in Docker's cache: the next
# build compiles nothing.
RUN --mount=type=cache,target=/root/.cache make env
ENV PATH=/mmdet_ohem/.venv/bin:$PATH
CMD ["mmdet-ohem", "--help"]
