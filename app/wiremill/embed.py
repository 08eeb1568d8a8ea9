# SPDX-License-Identifier: BSD-3-Clause
"""embed: a file as C: `NAME[]` and `NAME_size`.

usage: embed.py FILE NAME OUTPUT
"""

import pathlib
import sys

data, name = pathlib.Path(sys.argv[1]).read_bytes(), sys.argv[2]
lines = (", ".join(f"{byte if byte < 128 else byte - 256}" for byte in data[i:i + 24]) for i in range(0, len(data), 24))
pathlib.Path(sys.argv[3]).write_text(f'#include "page.h"\n\nconst char {name}[] = {{\n\t' + ",\n\t".join(lines)
                                     + f"}};\nconst size_t {name}_size = sizeof({name});\n", encoding="ascii")
