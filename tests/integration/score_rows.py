# SPDX-License-Identifier: BSD-3-Clause
"""score_rows: the scorer of flow tables with wiremill-compare's hash of rows, which says what fold of a classifier each is dealt to.

usage: score_rows.py SCORER FLOWS... (its own arguments)
"""

import importlib.util
import sys

spec = importlib.util.spec_from_file_location("score", sys.argv.pop(1))
score = importlib.util.module_from_spec(spec)
sys.modules["score"] = score
spec.loader.exec_module(score)
np = score.np

COLUMNS = ["td", "sa", "da", "sp", "dp", "pr", "pkt", "byt", *score.CATEGORIES]
TEXTS = {""}  # what a table has no column for
load_flows = score.load_flows


def load_and_note_texts(path, schema):
    table = load_flows(path, schema)
    for name in table:
        if table[name].dtype == object:
            TEXTS.update(table[name])
    return table


def row_hashes(table, names):
    """Of the columns but the time: texts as their place in the alphabet, numbers to 3 decimals."""
    place = {text: i for i, text in enumerate(sorted(TEXTS))}
    columns = [table[k].map(place) if table[k].dtype == object else table[k] for k in COLUMNS if k in names]
    return score.mix(*(np.rint(np.asarray(column, float) * 1000) for column in columns))


score.load_flows, score.row_hashes = load_and_note_texts, row_hashes
sys.exit(score.main())
