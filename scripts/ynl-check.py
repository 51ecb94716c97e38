#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The part of ynl-check that reads: SOURCE of a kernel, TOP of this checkout."""
import subprocess
import sys

import jsonschema
import yaml

SOURCE, TOP = sys.argv[1:]
SPEC = TOP + "/spec/sipalg.yaml"


def schema(spec):
    with open(SOURCE + "/Documentation/netlink/genetlink.yaml", encoding="utf-8") as file:
        jsonschema.validate(spec, yaml.safe_load(file))


def generated(_):
    subprocess.run([TOP + "/scripts/generate", "--check"],
                   check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def client(_):
    subprocess.run([TOP + "/scripts/um-run", "/usr/bin/python3", "-B",
                    TOP + "/scripts/ynl-guest.py", SOURCE, TOP],
                   check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main():
    with open(SPEC, encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    checks = ((schema, "the specification fits the kernel's schema"),
              (generated, "header, policies and table of commands are what is made of it now"),
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
