# SPDX-License-Identifier: Apache-2.0
"""``python -m ulpscope``: the command itself, with the same verbs, options and exit codes."""

import sys

from . import _core


def main() -> int:
    sys.stdout.flush()
    return _core.command([argument.encode("utf-8", "surrogateescape") for argument in sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
