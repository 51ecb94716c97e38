# SPDX-License-Identifier: GPL-2.0-only
"""The commands that pages tell their readers to type, and which program types them."""
import glob
import re

# A page, its lines, and who types them as they are written; the first that fits.
TYPISTS = (
    ("README.md|doc/dev/.*", r"make check\b", "scripts/check"),
    ("README.md", r"make demo\b", "tests/doc_commands/run"),
    ("README.md|doc/install.md", r"apt-get|make$|make install$|make deb$|modprobe sipalg$",
     "scripts/deb-test"),
    ("doc/dev/.*", r"", "tests/doc_commands/run"),
    ("doc/upgrade.md", r"", "tests/netns/test_upgrade.py"),
    ("recipes/firewalld.md", r"", "tests/netns/test_recipes.py"),
    # which says that it is not tested
    ("recipes/vyos.md", r"", None),
    (r"dist/sipalg.4", r"", "tests/netns/test_readme.py"),
    ("doc/failover.md", r"", "tests/failover/test_routers.py"),
    (r".*", r"sipalg-ctl sync\b", "tests/failover/test_daemons.py"),
    (r".*", r"(sipalg-ctl|conntrack|iptables)\b", "tests/netns/test_readme.py"),
)

COMMANDS = ("apt-get", "cat", "chmod", "commit", "conntrack", "cp", "echo", "firewall-cmd", "insmod", "ip",
            "iptables", "make", "modprobe", "nft", "rmmod", "scripts/", "sed", "set", "sipalg-ctl",
            "sysctl", "systemctl")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def plain(manual):
    """A manual page's text without what troff reads."""
    text = re.sub(r"\\f.|\\-|\\\(dq", lambda found: {"\\-": "-", "\\(dq": '"'}.get(found[0], ""),
                  manual)
    text = re.sub(r'(?m)^\.(TP|PP|br|RS|RE)\n', "", text)
    text = re.sub(r'(?m)^\.(B|I|BI|BR|RB|RI|IR) (.*)', lambda found: found[2].replace('"', ""), text)
    return re.sub(r" +", " ", text)


# The last to be typed: it ends the call that the others show.
LAST = "doc/commands.md"


def pages():
    found = {*glob.glob("*.md"), *glob.glob("doc/**/*.md", recursive=True),
             *glob.glob("recipes/*.md")}
    return [*sorted(found - {LAST}), "dist/sipalg.4", "tools/sipalg-ctl/sipalg-ctl.8", LAST]


def examples(page):
    """Lines that stand apart from the text, without what a screen shows behind its `$`."""
    if not page.endswith(".md"):
        for block in re.findall(r"(?ms)^\.EX\n(.*?)^\.EE", read(page)):
            yield from plain(block).splitlines()
        return
    for line in re.findall(r"(?m)^ {4,}(\S.*)$", read(page).replace("\\\n", "")):
        yield re.sub(r" +", " ", line)


def commands(page):
    """What of it is typed into a shell."""
    first = tuple(word if word.endswith("/") else word + " " for word in COMMANDS)
    return [line for line in examples(page) if (line + " ").startswith(first)]


def typist(page, line):
    for of_page, of_line, program in TYPISTS:
        if re.fullmatch(of_page, page) and re.match(of_line, line):
            return program
    raise LookupError(f"nobody types what {page} says: {line}")


def typed_by(program):
    """All that is this program's to type."""
    return [line for page in pages() for line in commands(page) if typist(page, line) == program]
