#!/usr/bin/env bash
# Installs what the benchmark compares and measures with, from Debian:
#   shadowsocks-libev  the yardstick
#   iperf3             throughput
#   wrk, nginx-light   new connections
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  shadowsocks-libev iperf3 wrk nginx-light
