"""The style guide as code: each check takes (path, text) and yields what is wrong with it, one sentence a place."""
import ast
import re

from source import CODE, bare, functions

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

# What each folder may include besides itself: lower layers only, siblings never meet (docs/architecture.md).
MAY_INCLUDE = {
    "routing/message": (),
    "routing/engine": ("routing/message",),
    "config": ("routing/message",),
    "routing/journal": ("routing/message",),
    "routing/state": ("routing/message", "routing/engine", "routing/journal"),
    "routing/delivery": ("routing/message", "routing/engine"),
    "routing/router": ("routing/message", "routing/engine", "routing/journal", "routing/state", "routing/delivery"),
    "connectors": ("routing/message", "routing/journal", "routing/state", "config"),
    "daemon": ("routing/message", "routing/engine", "routing/journal", "routing/state", "routing/delivery",
               "routing/router", "connectors", "config"),
}
ADAPTER = re.compile(r"(?:^|/)(?:sqlite|kafka|redis|zmq)_[a-z_]*\.hpp$")
# Only these link adapters; the simulation swaps every one of them (docs/architecture.md).
KNOWS_ADAPTERS = ("daemon", "tests")


def layer_of(path):
    return next((folder for folder in sorted(MAY_INCLUDE, key=len, reverse=True) if path.startswith(folder + "/")), None)


def includes(path, text):
    """An include goes to the own folder or a lower layer, spelled from the root."""
    folder = layer_of(path)
    if not folder or not path.endswith(CODE):
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        target = match.group(1)
        other = layer_of(target)
        if other is None:
            yield f"{path}:{number}: \"{target}\" is not spelled from the root, or no layer of ours"
        elif other != folder and other not in MAY_INCLUDE[folder]:
            yield f"{path}:{number}: {folder} may not include {other}"
        elif ADAPTER.search(target) and other != folder and folder not in KNOWS_ADAPTERS:
            yield f"{path}:{number}: only the daemon knows adapters, not {folder}"


_ENGINE_HEADERS = re.compile(r"#\s*include\s*<(boost/(?!system/result)[^>]*|regex|locale|clocale|codecvt|cmath|math\.h|random|thread|"
                             r"mutex|shared_mutex|atomic|future|condition_variable|fstream|iostream|filesystem|ctime|time\.h|"
                             r"cstdlib|unistd\.h|sys/[^>]*)>")
_ENGINE_WORDS = re.compile(r"\b(system_clock::now|steady_clock::now|std::rand|srand|random_device|std::hash|double|float|"
                           r"setlocale|getenv|std::stod|std::stof)\b")


def engine_is_pure(path, text):
    """Rule X3: no clock, I/O, randomness, locale, regex, JSON or floating point, and no order that comes from hashing."""
    if not path.startswith("routing/engine/"):
        return
    if path.endswith("CMakeLists.txt"):
        linked = set(re.findall(r"\busher::\w+|\b[A-Z]\w+::\w+", text)) - {"usher::message", "usher::engine"}
        if linked:
            yield f"{path}: the engine links {', '.join(sorted(linked))}"
        return
    code = bare(text)
    for number, line in enumerate(code.splitlines(), 1):
        for pattern in (_ENGINE_HEADERS, _ENGINE_WORDS):
            if match := pattern.search(line):
                yield f"{path}:{number}: the engine may not use {match.group(1)}"
    for name in re.findall(r"std::unordered_\w+\s*<[^;{}]*>\s+(\w+)\s*[;{=]", code):
        for match in re.finditer(rf"for\s*\([^;()]*:[^;()]*\b{name}\s*\)|\b{name}\s*\.\s*c?begin\s*\(", code):
            yield f"{path}:{code.count(chr(10), 0, match.start()) + 1}: iterates over {name}, whose order comes from hashing"


def sizes(path, text):
    """A file and a function fit what a reader can hold."""
    if not path.endswith(CODE + (".py",)) and "." in path.rsplit("/", 1)[-1] or "/" not in path:
        return
    lines = text.count("\n") + 1
    if lines > FILE_LINES_MAX + 1:
        yield f"{path}: {lines} lines, more than {FILE_LINES_MAX}"
    spans = functions(text) if path.endswith(CODE) else _python_functions(text) if path.endswith(".py") else []
    for first, last, head in spans:
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield f"{path}:{first}: {last - first + 1} lines, more than {FUNCTION_LINES_MAX}: {head[-80:]}"


def _python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno, node.name


_CO_AWAIT = re.compile(r"co_await[^;]*(\w\{|\[[^\]]+\]\s*[({])|\w\{[^;]*co_await")


def co_await_has_no_temporaries(path, text):
    """g++ 12.2 destroys temporaries of such a statement twice: name it, then await it."""
    if path.endswith(CODE):
        for number, line in enumerate(bare(text).splitlines(), 1):
            if _CO_AWAIT.search(line):
                yield f"{path}:{number}: name it, then await it"


_UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b|\b(?:for " + r"now|place" + r"holder)\b")


def nothing_unfinished(path, text):
    """What is not done is not in the source."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _UNFINISHED.search(line):
            yield f"{path}:{number}: {match.group(0)}"


def head_comment(path, text):
    """A file begins with what it is."""
    if path.endswith(CODE) and not re.match(r"// \S", text):
        yield f"{path}: no head comment"
    if path.endswith(".hpp") and "#pragma once" not in text:
        yield f"{path}: no #pragma once"


def no_sleeping_in_tests(path, text):
    """A test that sleeps is slow on a fast machine and wrong on a slow one; a hidden test is no test."""
    if path.startswith("tests/") and path.endswith(CODE):
        for number, line in enumerate(text.splitlines(), 1):
            if match := re.search(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(", bare(line)):
                yield f"{path}:{number}: {match.group(1)} in a test"
            if re.search(r'TEST_CASE\s*\([^)]*\[(\.|!hide|!mayfail|!shouldfail)', line):
                yield f"{path}:{number}: a hidden or excused test"


_MACHINE = re.compile(r"(?<![\w.~-])/(?:root|work|home)/\w+")


def no_paths_of_one_machine(path, text):
    """The source builds anywhere."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _MACHINE.search(line):
            yield f"{path}:{number}: {match.group(0)}"


def catalog_rows(folders, catalog):
    """row(NAME) of the catalog and `const Connector NAME_connector` in NAME_connector.cpp: always both, or neither."""
    rows = set(re.findall(r"\brow\(\s*(\w+)\s*\)", bare(catalog)))
    defined = set()
    for path, text in folders:
        name = path.rsplit("/", 1)[1].removesuffix("_connector.cpp")
        if not re.search(rf"^(?:extern\s+|constinit\s+)*const\s+Connector\s+{name}_connector\s*[{{=(]", text, re.M):
            yield f"{path}: does not define `const Connector {name}_connector`"
        elif name not in rows:
            yield f"{path}: {name} has no row in the catalog"
        defined.add(name)
    for name in sorted(rows - defined):
        yield f"connectors/catalog.hpp: row({name}) names no {name}_connector.cpp"


# The rules that make the guarantees true (docs/guarantees.md), as far as they are built.
RULES = "O1 O2 O3 J1 J2 J3 J4 J5 J6 S1 S2 S3 S4 S5 S7 E1 E2 E3 E4 E5 A1 A2 A3 A4 I1 I2 P1 X1 X2 X3".split()


def rules_have_tests(tests):
    """Each rule is named by at least one test: in its tag, at the head of its name, or as rule_NAME."""
    named = set()
    for _, text in tests:
        for line in text.splitlines():
            if "TEST_CASE(" in line or "def test_" in line or "[rule-" in line:
                named.update(re.findall(r"(?:\[|rule-|rule |_rule_|\"|, | and )([A-Z][0-9])(?![0-9A-Za-z])", line))
    for rule in RULES:
        if rule not in named:
            yield f"no test names rule {rule}"


def links(pages, exists):
    """Every relative link of every page leads somewhere; `exists(path)` knows."""
    for path, text in pages:
        base = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.S)):
            if re.match(r"[a-z]+:|#", target):
                continue
            if not exists(_normal(base + target.split("#")[0])):
                yield f"{path}: the link {target} leads nowhere"


def _normal(path):
    parts = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def reading_order(pages):
    """Every page of docs/ is linked from docs/README.md, where the reading order is."""
    index = dict(pages).get("docs/README.md", "")
    linked = {_normal("docs/" + target.split("#")[0]) for target in re.findall(r"\]\(([^)\s]+)\)", index)}
    for path, _ in pages:
        if path.startswith("docs/") and path != "docs/README.md" and path not in linked:
            yield f"{path}: not linked from docs/README.md"


def changelog(text):
    """The newest section says what it is: Unreleased, or a version."""
    head = re.search(r"^## (.*)$", text, re.M)
    if not head or not re.match(r"\[?(?:Unreleased|\d+\.\d+\.\d+)\b", head.group(1)):
        yield "CHANGELOG.md: the first section is neither Unreleased nor a version"


EVERY_FILE = (includes, engine_is_pure, sizes, co_await_has_no_temporaries, nothing_unfinished, head_comment,
              no_sleeping_in_tests, no_paths_of_one_machine)
