"""What the tidy checks look at: the files of the repository, and C++ text with its comments and literals taken out."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = (".cpp", ".hpp")
TEXT = CODE + (".py", ".md", ".txt", ".yaml", ".cmake", ".json", ".service", ".sh", "")
FOLDERS = ("routing", "config", "connectors", "daemon", "tests", "deploy", "docs", ".ci")


def files(*suffixes):
    """(path relative to the root, text) of every file that has one of the suffixes, in order."""
    found = [path for path in ROOT.glob("*") if path.is_file() and not path.name.startswith(".")]
    for folder in FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in sorted(found):
        if path.suffix in suffixes:
            try:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # A corpus of bad bytes is data, not text.


_LEXEMES = re.compile(r'R"(?P<tag>[^(\s]{0,16})\(.*?\)(?P=tag)"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
                      r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)


def bare(code):
    """C++ with comments and literals blanked; every line keeps its number."""
    def blank(match):
        text = match.group(0)
        kept = '""' if text[0] in 'R"' else "''" if text[0] == "'" else ""
        return kept + "\n" * text.count("\n")
    return _LEXEMES.sub(blank, code)


_NOT_A_FUNCTION = re.compile(r"^\s*(?:template\s*<[^{}]*>\s*)?(?:inline\s+|export\s+|typedef\s+)*"
                             r"(?:namespace|class|struct|enum|union|extern\s+\"\"|concept)\b")


def functions(code):
    """(first line, last line, head) of every function body: a heuristic over braces, good for the house style."""
    text = bare(code)
    text = re.sub(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M)
    found, stack, head_begin, depth_inside = [], [], 0, 0
    position = 0
    while position < len(text):
        char = text[position]
        if char == "{":
            head = text[head_begin:position]
            if depth_inside:
                depth_inside += 1
            elif ")" in head and not _NOT_A_FUNCTION.match(head):
                depth_inside = 1
            else:
                stack.append(char)
                head_begin = position + 1
        elif char == "}":
            if depth_inside:
                depth_inside -= 1
                if depth_inside == 0 and not re.match(r"\s*[,{]", text[position + 1:position + 200]):
                    head = text[head_begin:position]
                    begin = head_begin + len(head) - len(head.lstrip())
                    found.append((text.count("\n", 0, begin) + 1, text.count("\n", 0, position) + 1,
                                  " ".join(head.split("{")[0].split())))
                    head_begin = position + 1
            else:
                if stack:
                    stack.pop()
                head_begin = position + 1
        elif char == ";" and not depth_inside:
            head_begin = position + 1
        position += 1
    return found
