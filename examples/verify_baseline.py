#!/usr/bin/env python3
"""Check an exported baseline of Reqtrail without Reqtrail: this file and Python 3.8 or newer are all that is needed.

    python verify_baseline.py baseline.json [--only BRK-42] [--root HASH] [--commit HASH]

It recomputes every hash in the file, from each entity's content up to the sealed root, and prints "OK: n of m" or the
first thing that disagrees. That proves that the file is what was sealed under this root. That the root is the right one
only those can say who wrote it down, or signed it: give it with --root, or the commit's hash with --commit.

Exit codes: 0 everything agrees; 1 something disagrees; 2 the file cannot be read or lacks what --only names.
The format and this procedure are described in docs/user/baselines.md.
"""

import argparse
import hashlib
import json
import sys
import uuid

BUCKETS = 4096
DEPTH = 12  # steps from a bucket's root to the root of the tree: 2 ** 12 buckets


class Disagrees(Exception):
    """The first thing in the file that does not agree."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


EMPTY = sha256()


def require(condition, message):
    if not condition:
        raise Disagrees(message)


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def load(text, where):
    """Read JSON that must be written exactly as Reqtrail writes it: there is one way to write a value."""
    try:
        value = json.loads(text.decode())
        same = dump(value) == text
    except (ValueError, RecursionError):
        same = False
    require(same, f"{where} is not written as Reqtrail writes it")
    return value


def fields(value, where, **types):
    """Return the members of an object that must have these, in this order, of these types."""
    right = type(value) is dict and list(value) == list(types)
    right = right and all(type(value[name]) in kinds for name, kinds in types.items())
    require(right, f"{where} does not have the members that it must have")
    return tuple(value.values())


TEXT, NUMBER, LIST, OBJECT, TEXT_OR_NULL = (str,), (int,), (list,), (dict,), (str, type(None))


def unhex(text, size, where):
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    require(len(value) == size and value.hex() == text, f"{where} is not {size} bytes in hex")
    return value


def climb(start, path, where):
    """Return the root to which a path leads: each step gives the hash on the other side."""
    for step in path:
        sides = list(step) if type(step) is dict else []
        require(sides in (["left"], ["right"]), f"{where} has a path with a step that is none")
        other = unhex(step[sides[0]], 32, f"{where}: a step of its path")
        start = sha256(b"\1", other, start) if sides == ["left"] else sha256(b"\1", start, other)
    return start


def root_of(hashes):
    """Return the Merkle root: neighbours are joined level by level, what has no neighbour moves up."""
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2])
        level = [sha256(b"\1", *pair) for pair in pairs] + (level[-1:] if len(level) % 2 else [])
    return level[0] if level else EMPTY


def commit_of(value, where):
    """Return hash and form of a commit, whose hash must be that of its form."""
    digest, form = fields(value, where, hash=TEXT, form=TEXT)
    digest = unhex(digest, 32, f"The hash of {where}")
    require(sha256(form.encode()) == digest, f"{where} does not have its hash")
    return digest, load(form.encode(), where)


class Baseline:
    """The head of the file, checked when it is made."""

    def __init__(self, line):
        start = b'"buckets":[\n'
        require(line.endswith(start), "The head of the file does not end where the buckets begin")
        head = load(line[:-1] + b"]}", "The head of the file")
        form, version, self.holds, root, tree, self.leaves, commit, names, _ = fields(
            head,
            "The head of the file",
            format=TEXT,
            version=NUMBER,
            holds=TEXT,
            root=TEXT,
            tree=TEXT,
            leaves=NUMBER,
            commit=OBJECT,
            baselines=LIST,
            buckets=LIST,
        )
        require((form, version) == ("reqtrail-baseline", 1), "This is no baseline of version 1")
        require(self.holds in ("all", "part"), "The file holds neither all nor a part")
        self.root, self.tree = unhex(root, 32, "The root"), unhex(tree, 32, "The tree")
        self.commit, self.made = commit_of(commit, "The commit")
        require(0 <= self.leaves < 2**64, "The number of entities is none")
        count = self.leaves.to_bytes(8, "big")
        sealed = sha256(b"\2", self.commit, count, self.tree)
        require(sealed == self.root, "The root is not that of commit, number of entities and tree")
        self.names = [self.name(item) for item in names]

    def name(self, value):
        _, made = commit_of(value, "The commit of a baseline")
        details = made.get("details", {})
        same = all(made[name] == self.made[name] for name in ("project", "branch"))
        same = same and details.get("seq") == self.made["seq"]
        same = same and details.get("commit") == self.commit.hex() and made["kind"] == "baseline"
        require(same, "The commit of a baseline names something else")
        return details["name"]


class Checker:
    """Checks the buckets, one after the other, and remembers what is needed at the end."""

    def __init__(self, baseline, only):
        self.baseline, self.only = baseline, only
        self.roots = [EMPTY] * BUCKETS
        self.last = -1
        self.checked, self.redacted, self.found = 0, [], None

    def bucket(self, line):
        where = f"What follows bucket {self.last}"
        number, root, path, entities = fields(
            load(line, where), where, bucket=NUMBER, root=TEXT, path=LIST, entities=LIST
        )
        where = f"Bucket {number}"
        require(self.last < number < BUCKETS, f"{where} is not in its place")
        self.last = number
        root = unhex(root, 32, f"The root of bucket {number}")
        require(climb(root, path, where) == self.baseline.tree, f"{where} is not in the tree")
        sides = ["left" if number >> level & 1 else "right" for level in range(DEPTH)]
        require([list(step)[0] for step in path] == sides, f"{where} is another one")
        leaves, before = [], ""
        for entity in entities:
            name = entity.get("id") if type(entity) is dict else None
            require(type(name) is str and name > before, f"{where}: {name} is not in its place")
            leaves.append(self.entity(entity, name, number, root))
            before = name
        require(leaves, f"{where} is empty")
        if self.baseline.holds == "all":
            require(root_of(leaves) == root, f"{where} does not hold all that was sealed")
        self.roots[number] = root

    def entity(self, value, name, number, root):
        kind, _, content_hash, salt, form, path = fields(
            value,
            name,
            kind=TEXT,
            id=TEXT,
            content_hash=TEXT,
            salt=TEXT_OR_NULL,
            form=TEXT_OR_NULL,
            path=LIST,
        )
        called = f"{kind} {name}"
        identity = self.identity(name, called)
        content_hash = unhex(content_hash, 32, f"{called}: its content hash")
        content = None
        if salt is None and form is None:
            self.redacted.append(called)
        else:
            require(salt is not None and form is not None, f"{called}: only half of it is there")
            salt = unhex(salt, 16, f"{called}: its salt")
            same = sha256(salt, form.encode()) == content_hash
            require(same, f"{called}: its content does not have its hash")
            content = load(form.encode(), called)
            same = (content["kind"], content["deleted"]) == (kind, False)
            require(same, f"{called}: its content is that of something else")
        leaf = sha256(b"\0", kind.encode(), identity, content_hash)
        require(climb(leaf, path, called) == root, f"{called}: it is not in bucket {number}")
        digest = sha256(identity)
        right = digest[0] << 4 | digest[1] >> 4
        require(right == number, f"{called}: it belongs to bucket {right}, not {number}")
        self.checked += 1
        if self.only in (name, content and content["key"]) and self.only:
            self.found = (called, content)
        return leaf

    @staticmethod
    def identity(name, called):
        try:
            identity = uuid.UUID(name)
        except ValueError:
            raise Disagrees(f"{called}: its id is none") from None
        require(str(identity) == name, f"{called}: its id is not written as it must be")
        return identity.bytes

    def end(self):
        if self.baseline.holds == "all":
            require(self.checked == self.baseline.leaves, "Entities are missing, or too many")
            require(root_of(self.roots) == self.baseline.tree, "The buckets are not all there are")


def lines_of(stream):
    """Yield the head, then each bucket, with the commas between them and the end checked and taken away."""
    head = stream.readline()
    yield head
    previous = None
    for line in stream:
        if previous is not None:
            end = b"\n" if line == b"]}\n" else b",\n"
            require(previous.endswith(end), "The file does not go on as it must")
            yield previous[: -len(end)]
        previous = line
    require(previous == b"]}\n", "The file does not end as it must")


def verify(stream, only=None):
    """Check everything in *stream*; return the checker. Raises Disagrees at the first thing that is wrong."""
    try:
        lines = lines_of(stream)
        checker = Checker(Baseline(next(lines)), only)
        for line in lines:
            checker.bucket(line)
            if checker.found:
                return checker
        checker.end()
        return checker
    except (KeyError, TypeError, AttributeError):
        raise Disagrees("What a hash covers is not what it must be") from None


def main():
    parser = argparse.ArgumentParser(description="Check an exported baseline of Reqtrail.")
    parser.add_argument("file", help="the exported baseline")
    parser.add_argument("--only", metavar="KEY", help="stop at this key or id, and print it")
    parser.add_argument("--root", metavar="HASH", help="the root that the baseline must have")
    parser.add_argument("--commit", metavar="HASH", help="the commit that the baseline must be of")
    asked = parser.parse_args()
    try:
        with open(asked.file, "rb") as stream:
            checker = verify(stream, asked.only)
        for name, value in (("root", asked.root), ("commit", asked.commit)):
            same = value in (None, getattr(checker.baseline, name).hex())
            require(same, f"The {name} is not {value}")
    except OSError as error:
        print(f"Cannot read {asked.file}: {error.strerror}", file=sys.stderr)
        return 2
    except Disagrees as error:
        print(f"DISAGREES: {error}.")
        return 1
    baseline = checker.baseline
    print("Baseline:", ", ".join(baseline.names) or "(no name)")
    print(
        f"Version {baseline.made['seq']} of {baseline.made['recorded_at']}, project {baseline.made['project']}"
    )
    print("Commit:", baseline.commit.hex())
    print("Root:", baseline.root.hex())
    if asked.only and not checker.found:
        print(f"There is no {asked.only} in this file.", file=sys.stderr)
        return 2
    for called in checker.redacted:
        print("Redacted:", called)
    if checker.found:
        called, content = checker.found
        print(json.dumps(content, ensure_ascii=False, indent=2) if content else "")
        print(f"OK: {called} is 1 of {baseline.leaves}.")
    else:
        print(f"OK: {checker.checked} of {baseline.leaves}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
