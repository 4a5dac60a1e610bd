"""Whether a configuration uses the generated include, read as nginx reads it. Pure."""

import pytest

from actions.clients.nginx_configuration import from_dump
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx.wiring import Use, Wiring, wiring

SETTINGS = NginxTraffic.model_validate(
    {"url": "http://127.0.0.1:8080", "directory": "/etc/nginx/vq", "include": "/etc/nginx/vq/active.conf",
     "configuration": "/etc/nginx/nginx.conf"}
)  # fmt: skip
GENERATION = "location = /__gen { default_type application/json; return 200 $vq_active; }"
PASS = "location / { proxy_pass http://vq_active; }"
INCLUDE = 'upstream vq_active { server a:1; } map $host $vq_active { default \'{"generation":"g"}\'; }'


def dump(server: str, http: str = "", main: str = "") -> str:
    """What nginx prints for a server with these lines."""
    return (
        "# configuration file /etc/nginx/nginx.conf:\n"
        f"{main}\nevents {{}}\nhttp {{ include vq/active.conf;\n{http}\nserver {{ listen 8080;\n{server}\n}} }}\n"
        f"\n# configuration file /etc/nginx/vq/active.conf:\n{INCLUDE}\n\n"
    )


def found(text: str, users: str = "http://queue.example.com/", paths: tuple[str, ...] = ("/",)) -> Wiring:
    return wiring(from_dump(text), SETTINGS, users, paths)


@pytest.mark.parametrize("server", [
    "set $backend vq_active; location / { proxy_pass http://$backend; }",
    "location / { set $backend vq_active; proxy_pass http://${backend}/api; }",
    "location / { proxy_pass http://$backend$request_uri; set $backend vq_active; }",
    'location / { proxy_pass "http://vq_active"; }',
    "location / { proxy_pass 'http://vq_active/'; }",
    'set $target "http://vq_active"; location / { proxy_pass $target; }',
    "location / { proxy_pass http://VQ_ACTIVE; }",
    "location / { proxy_pass https://vq_active; }",
    "location / { grpc_pass grpc://vq_active; }",
    "location / { fastcgi_pass vq_active; }",
    "location / { if ($request_method = OPTIONS) { return 204; } proxy_pass http://vq_active; }",
    "location / { rewrite ^/api/(.*)$ /$1 break; proxy_pass http://vq_active; }",
    "location / { try_files $uri @app; } location @app { proxy_pass http://vq_active; }",
    "location ~ ^/ { proxy_pass http://vq_active; } location / { return 404; }",
    "location / { location ~ / { proxy_pass http://vq_active; } }",
    'location / { add_header X "a } { ; #"; proxy_pass http://vq_active; } # }',
    "location / { proxy_pass # the pool\n http://vq_active; }",
])  # fmt: skip
def test_what_surely_gives_requests_to_the_upstream(server: str) -> None:
    assert found(dump(f"{GENERATION} {server}")).upstream is Use.SURE


@pytest.mark.parametrize("server", [
    "location / { proxy_pass http://127.0.0.1:9; # later: proxy_pass http://vq_active;\n }",
    "location / { proxy_pass http://vq_active-old; }",
    "location / { proxy_pass http://vq_active.example.com; }",
    "location / { proxy_pass http://127.0.0.1/vq_active; }",
    "set $backend other; location / { proxy_pass http://$backend; }",
    'location / { return 200 "proxy_pass http://vq_active;"; }',
    "location / { root /srv; }",
])  # fmt: skip
def test_what_surely_does_not(server: str) -> None:
    assert found(dump(f"{GENERATION} {server}")).upstream is Use.MISSING


@pytest.mark.parametrize("server", [
    "location / { proxy_pass http://$arg_pool; }",
    "location / { return 404; proxy_pass http://vq_active; }",
    "location / { rewrite ^ /elsewhere last; proxy_pass http://vq_active; }",
    "location / { root /srv; } location /api { proxy_pass http://vq_active; }",
    "location / { if ($arg_new) { proxy_pass http://vq_active; } proxy_pass http://127.0.0.1:9; }",
    "location / { error_page 418 = @app; return 418; } location @app { proxy_pass http://vq_active; }",
    "set $backend other; if ($arg_new) { set $backend vq_active; } location / { proxy_pass http://$backend; }",
    "location / { content_by_lua_block { ngx.exec('@app') } }",
])  # fmt: skip
def test_what_cannot_be_followed_is_neither(server: str) -> None:
    assert found(dump(f"{GENERATION} {server}")).upstream is Use.UNCLEAR


@pytest.mark.parametrize(("http", "use"), [
    ("map $host $pool { default vq_active; }", Use.SURE),
    ("map $host $pool { default $inner; } map $host $inner { default vq_active; }", Use.SURE),
    ("map $host $pool { default vq_active; old.example.com other; }", Use.UNCLEAR),
    ("map $host $pool { old.example.com vq_active; }", Use.UNCLEAR),
    ("map $host $pool { default other; }", Use.MISSING),
    ("split_clients $remote_addr $pool { 5% other; * vq_active; }", Use.UNCLEAR),
    ("geo $pool { default vq_active; }", Use.SURE),
    ("map $host $pool { default $pool; }", Use.UNCLEAR),
])  # fmt: skip
def test_variables_of_maps_are_followed(http: str, use: Use) -> None:
    assert found(dump(f"{GENERATION} location / {{ proxy_pass http://$pool; }}", http)).upstream is use


@pytest.mark.parametrize(("server", "use"), [
    (GENERATION, Use.SURE),
    ("location ^~ /__gen { default_type application/json; return 200 $vq_active; }", Use.SURE),
    ('location = /__gen { default_type application/json; # {"generation": "..."}\n return 200 $vq_active; }', Use.SURE),
    ("location ~ ^/__(gen|state)$ { return 200 ${vq_active}; }", Use.SURE),
    ("set $told $vq_active; location = /__gen { return 200 $told; }", Use.SURE),
    ("location /__gen { content_by_lua_file /srv/gen.lua; }", Use.UNCLEAR),
    ("location = /__gen { return 204; } # return 200 $vq_active;", Use.MISSING),
    ("location = /__gen { return 200 $vq_active_colour; }", Use.MISSING),
    ("location = /__gen { return 200 vq_active; }", Use.MISSING),
])  # fmt: skip
def test_what_may_answer_the_generation(server: str, use: Use) -> None:
    assert found(dump(f"{server} {PASS}")).generation is use


def test_a_chain_of_maps_that_all_use_the_next_one_is_followed_at_once() -> None:
    chain = "".join(
        f"map $host $m{number} {{ default $m{number + 1}; {f'key $m{number + 1}; ' * 40} }}\n" for number in range(30)
    )
    http = chain + "map $host $m30 { default vq_active; }"
    assert found(dump(f"{GENERATION} location / {{ proxy_pass http://$m0; }}", http)).upstream is Use.SURE


def test_a_server_of_the_name_that_users_have_counts_more_than_the_one_that_tells() -> None:
    other = "server { listen 8080; server_name queue.example.com; location / { proxy_pass http://127.0.0.1:9; } }"
    assert found(dump(GENERATION + PASS, other)).upstream is Use.UNCLEAR
    redirect = "server { listen 80; server_name queue.example.com; return 301 https://$host$request_uri; }"
    assert found(dump(GENERATION + PASS, redirect)).upstream is Use.SURE


def test_any_path_that_users_are_known_to_ask_for_is_enough() -> None:
    text = dump(GENERATION + "location / { root /srv; } location /api/ { proxy_pass http://vq_active; }")
    assert found(text, paths=("/", "/api/orders")).upstream is Use.SURE


def test_old_workers_are_bounded_in_the_main_part_alone() -> None:
    assert found(dump(GENERATION, main="worker_shutdown_timeout 30s;")).bounded
    assert not found(dump(GENERATION, main="# worker_shutdown_timeout 30s;")).bounded
