#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The part of ynl-check that reads: SOURCE of a kernel, TOP of this checkout."""
import subprocess
import sys

import jsonschema
import yaml

SOURCE, TOP = sys.argv[1:]
SPEC = TOP + "/spec/sipalg.yaml"


def c_name(name):
    return name.replace("-", "_").upper()


def header_claims(spec):
    """C that compiles if the header gives every name the specification's value."""
    claims = []
    for attributes in spec["attribute-sets"]:
        prefix = attributes["name-prefix"]
        names = [attribute["name"] for attribute in attributes["attributes"]]
        claims += [(prefix + name, value) for value, name in enumerate(names, 1)]
        # the header calls the end of each list so, and one attribute almost so
        claims.append(("--" + prefix + "max", len(names) + 1))
    prefix = spec["operations"]["name-prefix"]
    names = [operation["name"] for operation in spec["operations"]["list"]]
    claims += [(prefix + name, value) for value, name in enumerate(names, 1)]
    claims.append(("--" + prefix + "max", len(names) + 1))
    for definition in spec["definitions"]:
        claims += [("sipalg-setting-" + entry, value)
                   for value, entry in enumerate(definition["entries"])]
    lines = [f'_Static_assert({c_name(name)} == {value}, "{c_name(name)}");'
             for name, value in claims]
    return "#include <linux/sipalg.h>\n" + "\n".join(lines) + "\n"


def schema(spec):
    with open(SOURCE + "/Documentation/netlink/genetlink.yaml", encoding="utf-8") as file:
        jsonschema.validate(spec, yaml.safe_load(file))


def header(spec):
    subprocess.run(["gcc", "-fsyntax-only", "-I", TOP + "/include/uapi", "-x", "c", "-"],
                   input=header_claims(spec), text=True, check=True)


def client(_):
    subprocess.run([TOP + "/scripts/um-run", "/usr/bin/python3", "-B",
                    TOP + "/scripts/ynl-guest.py", SOURCE, TOP],
                   check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main():
    with open(SPEC, encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    checks = ((schema, "the specification fits the kernel's schema"),
              (header, "the header has the same names and values, and no more"),
              (client, "a client that has only the specification sees a call and ends it"))
    failed = 0
    print(f"1..{len(checks)}")
    for number, (check, title) in enumerate(checks, 1):
        try:
            check(spec)
            print(f"ok {number} - {title}", flush=True)
        except (jsonschema.ValidationError, subprocess.CalledProcessError) as error:
            failed = 1
            text = str(getattr(error, "output", None) or error)
            print(f"not ok {number} - {title}\n# " + text.replace("\n", "\n# "), flush=True)
    return failed


sys.exit(main())
