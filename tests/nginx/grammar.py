"""Configurations as people write them, from a grammar: valid ones, with what nginx does with a request for `/`."""

from dataclasses import dataclass

from hypothesis import strategies as st

OTHER = "127.0.0.1:{other}"
"""The address of a server that is no colour; its port is put in later."""


@dataclass(frozen=True)
class Written:
    """A configuration's parts, with OTHER in them; `http` stands before the server, `main` outside of all."""

    main: str
    http: str
    server: str
    kept: str
    """A file that is included in the server by a pattern."""


generations = st.sampled_from([
    "location = /__gen { default_type application/json; return 200 $vq_active; }",
    "location =/__gen { return 200 ${vq_active}; }",
    "location ^~ /__gen { default_type application/json; return 200 $vq_active; }",
    'location = "/__gen" { default_type application/json; # {"generation": "..."}\n  return 200 "$vq_active"; }',
    "location ~ ^/__(?:gen|state)$ { return 200 $vq_active; }",
    "set $state $vq_active; location /__gen { return 200 '$state'; }",
    "location / { location = /__gen { return 200 $vq_active; } %(root)s }",
    "location = /__gen { return 204; } # return 200 $vq_active;",
    "location = /__gen { return 200 '{\"generation\": \"vq_active\"}'; }",
    "",
])  # fmt: skip

passes = st.sampled_from([
    "proxy_pass http://vq_active;", 'proxy_pass "http://vq_active";', "proxy_pass 'http://VQ_Active';",
    "proxy_pass http://vq_active/;", "proxy_pass http://$pool;", "proxy_pass http://${pool}$request_uri;",
    "proxy_pass http://$mapped;", "proxy_pass $whole;", "proxy_pass # the pool\n  http://vq_active\n;",
    "proxy_pass http://vq_active-old;", f"proxy_pass http://{OTHER}/vq_active;", "proxy_pass http://$away;",
    f"proxy_pass http://{OTHER}; # proxy_pass http://vq_active;\n", "# proxy_pass http://vq_active;\n return 200 ok;",
])  # fmt: skip

roots = st.sampled_from([
    "%(root)s", "# }\n %(root)s", "%(root)s if ($request_method = OPTIONS) { return 204; }",
    "%(root)s if ($arg_never = 'x}y') { return 403; }", "rewrite ^/old/(.*)$ /$1 break; %(root)s",
    'add_header X-Braces "{ } ; #"; %(root)s', "%(root)s location /inner/ { return 404; }",
    "return 204; %(root)s", "if ($request_method = GET) { return 204; } %(root)s",
    "rewrite ^ /elsewhere/ last; %(root)s", "error_page 418 = @named; return 418;", "try_files /no-such-file @named;",
])  # fmt: skip

placements = st.sampled_from([
    "location / { %(body)s }", "location ~ ^/ { %(body)s }", "location ^~ / { %(body)s }",
    "location / { return 404; } location ~* ^/[a-z]*$ { %(body)s }",
    "location = / { %(body)s } location / { return 404; }", "location = / { return 204; } location /api { %(body)s }",
])  # fmt: skip

HTTP = """
upstream vq_active-old { server 127.0.0.1:{other}; } # upstream vq_active { }
map $host $mapped { default vq_active; }
map $request_method $away { default 127.0.0.1:{other}; }
"""


@st.composite
def configurations(draw: st.DrawFn) -> Written:
    """One configuration that nginx takes."""
    generation = draw(generations)
    passing = draw(passes)
    body = draw(roots) % {"root": passing}
    server = "set $pool vq_active; set $whole http://vq_active;\n"
    if "%(root)s" in generation:
        server += generation % {"root": passing}
    else:
        placed = draw(placements) % {"body": body}
        server += "\n".join(draw(st.permutations([generation, placed])))
        if "@named" in body:
            server += f" location @named {{ {passing} }}"
    kept = draw(st.sampled_from(["", "location /kept/ { return 204; }", "# proxy_pass http://vq_active;"]))
    main = draw(st.sampled_from(["", "pcre_jit on;", "# pid /run/other.pid;", "env A='}';"]))
    return Written(main, HTTP, server, kept)
