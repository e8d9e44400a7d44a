"""Each check of tools/ finds a bad sample and lets a good one pass."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(tool, directory, *arguments):
    """Run a tool in a folder: its exit status and what it printed."""
    command = [str(ROOT / "tools" / tool), *map(str, arguments)]
    if tool == "check-ceilings":
        command.insert(0, sys.executable)
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def write(directory, path, text):
    file = directory / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return path


LAYERS_BAD = [
    ("base looks up", "common/base/a.c", '#include "common/io/b.h"\n', "may not include"),
    ("domain uses io", "common/domain/a.c", '#include "common/io/b.h"\n', "may not include"),
    ("connect uses a service", "common/connect/a.c", '#include "services/linker/b.h"\n', "may not include"),
    ("io uses connect", "common/io/a.c", '#include "common/connect/b.h"\n', "may not include"),
    ("io uses domain", "common/io/a.c", '#include "common/domain/b.h"\n', "may not include"),
    ("service uses service", "services/linker/a.c", '#include "services/ingress/b.h"\n', "may not include"),
    ("foreign away from home", "services/linker/a.c", "#include <curl/curl.h>\n", "home"),
    ("openssl away from home", "common/base/encode.c", "#include <openssl/evp.h>\n", "home"),
    ("test library in a service", "services/linker/a.c", "#include <CUnit/CUnit.h>\n", "home"),
    ("sockets in base", "common/base/a.c", "#include <sys/socket.h>\n", "pure"),
    ("not from the root", "common/base/a.c", '#include "../io/b.h"\n', "not a path"),
    ("folder without a layer", "elsewhere/a.c", '#include "common/base/b.h"\n', "no layer"),
]


@pytest.mark.parametrize(("name", "path", "text", "message"), LAYERS_BAD, ids=[row[0] for row in LAYERS_BAD])
def test_layers_finds(tmp_path, name, path, text, message):
    for header in ("common/io/b.h", "common/base/b.h", "common/domain/b.h", "services/ingress/b.h"):
        write(tmp_path, header, "")
    status, output = check("check-layers", tmp_path, write(tmp_path, path, text))
    assert status == 1
    assert message in output


def test_layers_passes_what_looks_down(tmp_path):
    write(tmp_path, "common/base/b.h", "")
    write(tmp_path, "services/linker/b.h", "")
    text = '#include "common/base/b.h"\n#include "services/linker/b.h"\n#include <jansson.h>\n#include <sys/socket.h>\n'
    assert check("check-layers", tmp_path, write(tmp_path, "services/linker/a.c", text)) == (0, "")


BANNED_BAD = [
    ("banned function", "int f(char *a) { return atoi(a); }\n", "atoi()"),
    ("strtol outside the parsers", "long f(char *a) { return strtol(a, 0, 10); }\n", "strtol()"),
    ("goto", "void f(void) { goto end; end:; }\n", "goto"),
    ("struct typedef", "typedef struct { int a; } thing;\n", "typedef"),
    ("suppression", "int a; /* NO" + "LINT */\n", "suppression"),
    ("default over an enum", "int f(int a) { switch (a) { case RED: return 1; default: return 0; } }\n", "default"),
]


@pytest.mark.parametrize(("name", "text", "message"), BANNED_BAD, ids=[row[0] for row in BANNED_BAD])
def test_banned_finds(tmp_path, name, text, message):
    status, output = check("check-banned", tmp_path, write(tmp_path, "a.c", text))
    assert status == 1
    assert message in output


def test_banned_finds_a_name_that_says_nothing(tmp_path):
    assert check("check-banned", tmp_path, write(tmp_path, "util.c", "int a;\n"))[0] == 1


def test_banned_passes_words_in_comments_strings_and_characters(tmp_path):
    text = (
        '/* goto atoi( */ const char *a = "atoi(1) goto"; // strcpy(\n'
        "int f(int c) { switch (c) { case 'a': return 1; default: return 0; } }\n"
        "typedef struct bytes reader_fn(const void *context);\n"
    )
    assert check("check-banned", tmp_path, write(tmp_path, "a.c", text)) == (0, "")


def function(lines, name="f"):
    return f"int {name}(int a)\n{{\n" + "\ta++;\n" * (lines - 4) + "\treturn a;\n}\n"


CEILINGS_BAD = [
    ("long function", "a.c", function(61), "61 lines"),
    ("long file", "a.c", "\n" * 501, "501 lines"),
    ("long header", "a.h", "\n" * 161, "161 lines"),
    ("long main", "services/x/main.c", "\n" * 121, "121 lines"),
    ("tangled function", "a.c", "int f(int a)\n{\n" + "\tif (a) a++;\n" * 12 + "\treturn a;\n}\n", "cyclomatic"),
    ("tangled test", "tests/a.c", "int f(int a)\n{\n" + "\tif (a) a++;\n" * 12 + "\treturn a;\n}\n", "cyclomatic"),
    ("high median", "a.c", "".join(function(17, f"f{i}") for i in range(3)), "median"),
    ("long tail", "a.c", "".join(function(42 if i < 2 else 5, f"f{i}") for i in range(10)), "nine in ten"),
]


@pytest.mark.parametrize(("name", "path", "text", "message"), CEILINGS_BAD, ids=[row[0] for row in CEILINGS_BAD])
def test_ceilings_finds(tmp_path, name, path, text, message):
    status, output = check("check-ceilings", tmp_path, write(tmp_path, path, text))
    assert status == 1
    assert message in output


def test_ceilings_counts_the_whole(tmp_path):
    text = "".join(function(15, f"f{i}") for i in range(33))
    files = [write(tmp_path, f"a{i}.c", text) for i in range(41)]
    status, output = check("check-ceilings", tmp_path, *files)
    assert status == 1
    assert "all functions, lines" in output


def test_ceilings_passes_at_the_ceiling(tmp_path):
    functions = function(60, "long") + "".join(function(16, f"f{i}") for i in range(20))
    files = [write(tmp_path, "a.c", functions), write(tmp_path, "tests/table.c", "\n" * 900)]
    assert check("check-ceilings", tmp_path, *files) == (0, "")


def test_ceilings_counts_functions_for_the_whole(tmp_path):
    text = function(10) + "/* why\n * and why\n */\nextern int x;\n" * 120
    files = [write(tmp_path, f"a{i}.c", text) for i in range(60)]
    assert check("check-ceilings", tmp_path, *files) == (0, "")


def archive(directory, text):
    write(directory, "a.c", text)
    subprocess.run(["gcc", "-O2", "-fPIE", "-fno-common", "-c", "a.c"], cwd=directory, check=True)
    subprocess.run(["ar", "rcs", "liba.a", "a.o"], cwd=directory, check=True)
    return "liba.a"


PURE_BAD = [
    ("clock", "#include <time.h>\nlong f(void) { return time(0); }\n", "time"),
    ("environment", '#include <stdlib.h>\nchar *f(void) { return getenv("A"); }\n', "getenv"),
    ("file", '#include <stdio.h>\nvoid *f(void) { return fopen("a", "r"); }\n', "fopen"),
    ("socket", "#include <sys/socket.h>\nint f(void) { return socket(1, 1, 0); }\n", "socket"),
    ("printing", '#include <stdio.h>\nvoid f(int a) { printf("%d", a); }\n', "printf"),
    ("thread", "#include <pthread.h>\nint f(pthread_mutex_t *a) { return pthread_mutex_lock(a); }\n", "pthread"),
    ("randomness", "int RAND_bytes(void *, int);\nint f(void *a) { return RAND_bytes(a, 1); }\n", "RAND_bytes"),
]


@pytest.mark.parametrize(("name", "text", "message"), PURE_BAD, ids=[row[0] for row in PURE_BAD])
def test_pure_finds(tmp_path, name, text, message):
    status, output = check("check-pure", tmp_path, archive(tmp_path, text))
    assert status == 1
    assert message in output


def test_pure_passes_memory_text_and_own_calls(tmp_path):
    text = (
        "#include <string.h>\n#include <stdlib.h>\nvoid *g(void *a);\nvoid *g(void *a) { free(a); return 0; }\n"
        "char *f(const char *a) { char *b = malloc(strlen(a)); return g(memcpy(b, a, strlen(a))); }\n"
    )
    assert check("check-pure", tmp_path, archive(tmp_path, text)) == (0, "")


GLOBALS_BAD = [
    ("variable", "int counter; int f(void) { return counter++; }\n", "counter"),
    ("initialised", "static int counter = 3; int f(void) { return counter++; }\n", "counter"),
    ("inside a function", "int f(void) { static int calls; return calls++; }\n", "calls"),
    ("per thread", "static _Thread_local int depth; int f(void) { return depth++; }\n", "depth"),
    ("writable table", 'static const char *names[] = {"a", "b"}; void f(int i) { names[i] = names[0]; }\n', "names"),
]


@pytest.mark.parametrize(("name", "text", "message"), GLOBALS_BAD, ids=[row[0] for row in GLOBALS_BAD])
def test_globals_finds(tmp_path, name, text, message):
    archive(tmp_path, text)
    status, output = check("check-globals", tmp_path, "a.o")
    assert status == 1
    assert message in output


def test_globals_passes_constant_tables(tmp_path):
    text = 'static const char *const names[] = {"a", "b"}; const char *f(int i) { return names[i]; }\n'
    archive(tmp_path, text)
    assert check("check-globals", tmp_path, "a.o") == (0, "")


PROGRAM = """#include <stdio.h>
int main(int n, char **a) { char b[99]; snprintf(b, (size_t)n, "%s", *a); return puts(b); }
"""
HARDENED = [
    "-O2", "-fstack-protector-all", "-fcf-protection=full", "-fPIE", "-D_FORTIFY_SOURCE=2",
    "-pie", "-Wl,-z,relro,-z,now,-z,noexecstack",
]  # fmt: skip
HARDENING_BAD = [
    ("fixed address", ["-no-pie", "-fno-pie"], "position independent"),
    ("lazy binding", ["-Wl,-z,lazy"], "lazily"),
    ("no relro", ["-Wl,-z,norelro"], "RELRO"),
    ("executable stack", ["-Wl,-z,execstack"], "executable stack"),
    ("no stack protector", ["-fno-stack-protector"], "stack protector"),
    ("not fortified", ["-U_FORTIFY_SOURCE"], "fortified"),
    ("old run path", ["-Wl,--disable-new-dtags,-rpath,/opt/x"], "RPATH"),
    ("no control-flow protection", ["-fcf-protection=none"], "control-flow"),
]


def program(directory, options):
    write(directory, "a.c", PROGRAM)
    subprocess.run(["gcc", *HARDENED, *options, "a.c", "-o", "a"], cwd=directory, check=True)
    return "a"


@pytest.mark.parametrize(("name", "options", "message"), HARDENING_BAD, ids=[row[0] for row in HARDENING_BAD])
def test_hardening_finds(tmp_path, name, options, message):
    status, output = check("check-hardening", tmp_path, program(tmp_path, options))
    assert status == 1
    assert message in output


def test_hardening_passes_a_hardened_program(tmp_path):
    assert check("check-hardening", tmp_path, program(tmp_path, [])) == (0, "")


# Put together here, so that the check does not find this file.
WORDS_BAD = [
    ("machine path", "see /ro" + "ot/notes\n"),
    ("home path", "see /ho" + "me/someone\n"),
    ("private key", "-----BEG" + "IN RSA PRIVATE KEY-----\n"),
    ("mirror", "http://mir" + "ror.example.com/debian\n"),
]


@pytest.mark.parametrize(("name", "text"), WORDS_BAD, ids=[row[0] for row in WORDS_BAD])
def test_words_finds(tmp_path, name, text):
    assert check("check-words", tmp_path, write(tmp_path, "a.md", text))[0] == 1


def test_words_passes_ordinary_text(tmp_path):
    assert check("check-words", tmp_path, write(tmp_path, "a.md", "the worker answers at /integration/dc\n")) == (0, "")


def test_format_finds_and_passes(tmp_path):
    shutil.copy(ROOT / ".clang-format", tmp_path)
    formatter = ROOT / "build" / "venv" / "bin" / "clang-format"
    good = write(tmp_path, "good.c", "int a(void)\n{\n\treturn 1;\n}\n")
    bad = write(tmp_path, "bad.c", "int a(void) {\n  return 1;\n}\n")
    assert check("check-format", tmp_path, formatter, good) == (0, "")
    assert check("check-format", tmp_path, formatter, bad)[0] == 1
