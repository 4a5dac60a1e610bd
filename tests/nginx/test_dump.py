"""The text of `nginx -T`, with its files in their places. Pure."""

from pathlib import Path

import pytest

from actions.clients import nginx_configuration
from actions.clients.nginx_configuration import NotUnderstood, from_disk, from_dump
from actions.clients.nginx_pid import named_pid_file, pid_file

VERSION = "nginx version: nginx/1.22.1\nconfigure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx"


def dump(**files: str) -> str:
    return "".join(f"# configuration file /etc/nginx/{name}:\n{text}\n" for name, text in files.items())


def names(text: str) -> list[str]:
    return [one.name for one in from_dump(text).main]


def test_an_included_file_stands_where_it_is_included() -> None:
    assert names(dump(main="a 1; include one; b 2;", one="c 3; include two;", two="set d 4;")) == ["a", "c", "set", "b"]


def test_a_file_included_twice_stands_in_both_places() -> None:
    text = dump(main="server { include common; } server { include common; }", common="return 204;")
    assert [[one.name for one in server.block or ()] for server in from_dump(text).main] == [["return"], ["return"]]


@pytest.mark.parametrize("pattern", ["conf.d/*.conf", "/etc/nginx/conf.d/[ab]*", "conf.?/*.conf"])
def test_a_pattern_takes_what_nginx_takes(pattern: str) -> None:
    text = (
        f"# configuration file /etc/nginx/main:\ninclude {pattern};\ninclude other/b.conf;\n"
        "# configuration file /etc/nginx/conf.d/a.conf:\nserver { return 204; }\n"
        "# configuration file /etc/nginx/other/b.conf:\nlocation / {}\n"
    )
    assert names(text) == ["server", "location"]


@pytest.mark.parametrize("comment", [
    "# configuration file /etc/nginx/mime.types:", "# configuration file /etc/nginx/main:",
    "# configuration file /etc/nginx/one:",
])  # fmt: skip
def test_a_line_that_people_kept_from_an_earlier_dump_begins_no_file(comment: str) -> None:
    main = f"http {{\n{comment}\nserver {{ listen 1; include one; }} }}\npid /run/p;"
    assert names(dump(main=main, one="return 204;")) == ["http", "pid"]


def test_what_stands_above_the_first_file_is_a_warning() -> None:
    assert names("nginx: [warn] conflicting server name\n" + dump(main="pid a;")) == ["pid"]


@pytest.mark.parametrize("text", [
    "", dump(main="http { server {"), dump(main="http { return 200 a}; }"), dump(main="include nowhere;"),
    dump(main="include main;"), dump(main="http { include many; include many; }", many="set $a b;" * 15),
    dump(main="set $a bbbbbbbbbbbbbbbbb;" * 20), dump(main="server { " * 5_000 + "}" * 5_000),
    dump(main="a { " * 50 + "set b c;" + "}" * 50),
], ids=["empty", "cut", "brace", "missing", "circle", "directives", "length", "depth", "nested"])  # fmt: skip
def test_what_cannot_be_followed_says_so(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nginx_configuration, "_PARSED_LIMIT", 300)
    monkeypatch.setattr(nginx_configuration, "_DIRECTIVES_LIMIT", 25)
    with pytest.raises(NotUnderstood):
        from_dump(text)


def test_long_lists_of_addresses_are_not_in_the_way() -> None:
    listed = "\n".join(f"10.{number >> 8 & 255}.{number & 255}.0/24 1;" for number in range(150_000))
    assert names(dump(main="geo $office { include listed; } pid a;", listed=listed)) == ["geo", "pid"]


@pytest.mark.parametrize("line", [
    'pid "/run/demo/nginx.pid";', "pid '/run/demo/nginx.pid';", "pid\n  /run/demo/nginx.pid ;",
    "worker_shutdown_timeout 30s; pid /run/demo/nginx.pid;", "include main.d/*.conf;",
    "# pid /no;\npid /run/demo/nginx.pid;",
    "events { } pid /run/demo/nginx.pid;",
])  # fmt: skip
def test_the_pid_line_is_found_wherever_it_may_stand(line: str) -> None:
    text = f"# configuration file /etc/nginx/main:\n{line}\n"
    if "include" in line:
        text += "# configuration file /etc/nginx/main.d/pid.conf:\npid /run/demo/nginx.pid;\n"
    assert pid_file(from_dump(text), None, VERSION) == Path("/run/demo/nginx.pid")
    assert named_pid_file(from_dump(text), None) == Path("/run/demo/nginx.pid")


@pytest.mark.parametrize(("line", "prefix", "version", "path"), [
    ("", None, VERSION, "/usr/share/nginx/logs/nginx.pid"),
    ("", None, VERSION + " --pid-path=/run/nginx.pid", "/run/nginx.pid"),
    ("", None, "configure arguments: '--pid-path=/run/my nginx.pid'", "/run/my nginx.pid"),
    ("", "/srv", VERSION, "/srv/logs/nginx.pid"),
    ("", None, "nginx version: nginx/1.22.1", "/usr/local/nginx/logs/nginx.pid"),
    ("pid run/n.pid;", None, VERSION, "/usr/share/nginx/run/n.pid"),
    ("pid run/n.pid;", "/srv", VERSION, "/srv/run/n.pid"),
    ("http { server { location /pid { set $pid x; } } }", None, VERSION, "/usr/share/nginx/logs/nginx.pid"),
])  # fmt: skip
def test_without_a_line_it_is_where_nginx_was_compiled_to_put_it(
    line: str, prefix: str | None, version: str, path: str
) -> None:
    configuration = from_dump(dump(main=line))
    where = Path(prefix) if prefix else None
    assert pid_file(configuration, where, version) == Path(path)
    assert named_pid_file(configuration, where) in (None, Path(path))


def test_files_on_disk_are_put_in_their_places_as_well(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "nginx.conf").write_text("include d/*.conf; include missing; http { server { nonsense; } }")
    (tmp_path / "d" / "a.conf").write_text("pid a;")
    (tmp_path / "d" / ".hidden.conf").write_text("pid b;")
    assert [one.name for one in from_disk(tmp_path / "nginx.conf").main] == ["pid", "http"]
    (tmp_path / "nginx.conf").write_text("worker_processes 2; include d/*.conf; http { server { return 200 a}; } } # {")
    assert [one.name for one in from_disk(tmp_path / "nginx.conf").main] == ["worker_processes", "pid"]
    (tmp_path / "nginx.conf").write_text("env A='}';\nenv B=};\ninclude d/*.conf; http { }")
    assert [one.name for one in from_disk(tmp_path / "nginx.conf").main] == ["pid"]
    with pytest.raises(NotUnderstood, match="No such file"):
        from_disk(tmp_path / "elsewhere")
