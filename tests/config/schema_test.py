"""The JSON Schema against an independent validator: it is a valid draft 2020-12 schema, takes the default file and the
shortest one, and refuses every wrong file in which a schema can see what is wrong.

Usage: schema_test.py DUMP_PROGRAM SOURCE_FOLDER. Needs python3-jsonschema and python3-yaml."""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2 scalars, as usherd reads them: `no` is a language, not a flag; 12:30 is not a number."""


Loader.yaml_implicit_resolvers = {}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""])
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]*$"), list("-+0123456789"))


def main():
    program, source = sys.argv[1:]
    dump = json.loads(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    validator = jsonschema.Draft202012Validator
    validator.check_schema(dump["schema"])
    schema = validator(dump["schema"])
    failures = []
    default = (pathlib.Path(source) / "config" / "usher.yaml").read_text(encoding="utf-8")
    for what, text in (("the default file", default), ("the shortest file", dump["shortest"])):
        for error in schema.iter_errors(yaml.load(text, Loader)):
            failures.append(f"{what} is refused: {error.message}")
    for wrong in dump["wrong"]:
        if schema.is_valid(yaml.load(wrong["yaml"], Loader)):
            failures.append(f"{wrong['what']} is taken:\n{wrong['yaml']}")
    for failure in failures:
        print(failure)
    print(f"{len(dump['wrong']) + 2} files, {len(failures)} wrongly judged")
    return 1 if failures or len(dump["wrong"]) < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
