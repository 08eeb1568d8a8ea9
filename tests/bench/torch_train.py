#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""torch_train: the sequence model in PyTorch, trained from what bench_train wrote, as a peer for scripts/bench.

usage: torch_train.py EXAMPLES SECONDS [THREADS]

The same inputs, sizes, losses, lanes, truncation, dropout and optimiser. The cells are stepped by a loop (which
TorchScript does not make faster), for a state that is reset within a chunk is nothing that torch.nn.LSTM knows. The
last line is a JSON object: packets a second of training, evaluations included, and the held-out nats of the best
weights that the seconds were enough for.
"""

import json
import math
import struct
import sys
import time

import numpy
import torch

LANES, STEPS = 32, 32
DROP, FORGET = 90 / 256, 1 / 16
RATE, RATE_LAST, DECAY, MAX_NORM = 8e-3, 1e-4, 1e-3, 1.0
DTYPES = {"U8": "u1", "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4"}


def load(path):
    with open(path, "rb") as file:
        head = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    meta = head.pop("__metadata__")
    arrays = {name: numpy.frombuffer(body[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"])
              for name, t in head.items()}
    return arrays, {name: int(meta[name]) for name in ("sizes", "gaps", "units")}


def step_cells(x, u, reset, h, c):
    """x (T, B, 4H): what the inputs add up to; gates in order input, forget, cell, output. Gives h of each step."""
    out = []
    for t in range(x.size(0)):
        h, c = h * reset[t], c * reset[t]
        i, f, g, o = (x[t] + h @ u).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        out.append(h)
    return torch.stack(out), h, c


class Model(torch.nn.Module):
    def __init__(self, data, dims):
        super().__init__()
        units, tokens = dims["units"], data["masks"].shape[1]
        columns = tokens + dims["sizes"] + dims["gaps"]
        self.cuts = [tokens, dims["sizes"], dims["gaps"]]
        self.rows = torch.nn.EmbeddingBag(int(data["offsets"][-1]) + 1, 4 * units, mode="sum",
                                          padding_idx=int(data["offsets"][-1]))
        torch.nn.init.normal_(self.rows.weight, std=0.1)
        self.u = torch.nn.Parameter(torch.randn(units, 4 * units) / math.sqrt(units))
        self.bias = torch.nn.Parameter(torch.zeros(4 * units))
        self.head = torch.nn.Linear(units, columns)
        torch.nn.init.normal_(self.head.weight, std=0.1)
        torch.nn.init.zeros_(self.head.bias)
        seen = torch.full((tokens, dims["sizes"]), -1e4)
        known = data["size"] >= 0
        seen[data["token"][known].astype(int), data["size"][known].astype(int)] = 0
        self.size_tok = torch.nn.Parameter(seen)
        self.gap_tok = torch.nn.Parameter(torch.zeros(tokens, dims["gaps"]))
        self.gap_size = torch.nn.Parameter(torch.zeros(dims["sizes"] + 1, dims["gaps"]))
        with torch.no_grad():
            self.bias[units:2 * units] = 1
            self.rows.weight[-1] = 0

    def forward(self, batch, state):
        """@return sums of nats: tokens, sizes, gaps; packets; the state."""
        rows, reset, there, token, size, gap, may = batch
        x = self.rows(rows.view(-1, rows.size(2))).view(STEPS, LANES, -1) + self.bias
        hidden, *state = step_cells(x, self.u, reset, *state)
        hidden = hidden.view(STEPS * LANES, -1)[there]
        if self.training:
            hidden = torch.nn.functional.dropout(hidden, DROP)
        tokens, sizes, gaps = self.head(hidden).split(self.cuts, 1)
        tokens = tokens.masked_fill(~may, -1e30)
        cross = torch.nn.functional.cross_entropy
        known = may.gather(1, token[:, None])[:, 0]
        nats = cross(tokens[known], token[known], reduction="sum")
        some = size >= 0
        nats_size = cross(sizes[some] + self.size_tok[token[some]], size[some], reduction="sum")
        some = gap >= 0
        last = torch.where(size < 0, self.gap_size.size(0) - 1, size)
        nats_gap = cross(gaps[some] + self.gap_tok[token[some]] + self.gap_size[last[some]], gap[some], reduction="sum")
        return nats, nats_size, nats_gap, known.sum(), state


class Lanes:
    """Stretches laid end to end on lanes, in a random order or as they come."""

    def __init__(self, data, stretches, rng):
        order = rng.permutation(len(stretches)) if rng is not None else range(len(stretches))
        lanes, length = [[] for _ in range(LANES)], [0] * LANES
        for i in order:
            first, n = (int(x) for x in stretches[i])
            least = length.index(min(length))
            lanes[least].append((first, n))
            length[least] += n
        steps = -(-max(length) // STEPS) * STEPS
        self.record = numpy.full((steps, LANES), -1, numpy.int64)
        self.begins = numpy.zeros((steps, LANES), bool)
        self.stretch = numpy.zeros((steps, LANES), numpy.int64)
        for k, lane in enumerate(lanes):
            at = 0
            for first, n in lane:
                self.record[at:at + n, k] = range(first, first + n)
                self.begins[at, k] = True
                self.stretch[at:at + n, k] = first
                at += n
        self.data, self.rng, self.steps = data, rng, steps
        if rng is not None:
            n = len(data["token"])
            self.off = rng.integers(-1, 2, (n, 10)) + rng.integers(-1, 2, (n, 10)) * ~numpy.isin(range(10), [6, 9])
            self.off[:, :6] = 0

    def batches(self):
        data, empty = self.data, int(self.data["offsets"][-1])
        lo, hi = data["offsets"][:-1].astype(numpy.int64), data["offsets"][1:].astype(numpy.int64) - 1
        for at in range(0, self.steps, STEPS):
            record = self.record[at:at + STEPS]
            there = record.ravel() >= 0
            rows = data["rows"][record].astype(numpy.int64)
            if self.rng is not None:
                moved = numpy.clip(rows + self.off[self.stretch[at:at + STEPS]], lo, hi)
                rows = numpy.where(rows == lo, rows, moved)
                rows[self.rng.random(rows.shape) < FORGET] = empty
            rows[record < 0] = empty
            r = record.ravel()[there]
            whole = torch.from_numpy
            yield (whole(rows), whole(1 - self.begins[at:at + STEPS, :, None].astype(numpy.float32)), whole(there),
                   whole(data["token"][r].astype(numpy.int64)), whole(data["size"][r].astype(numpy.int64)),
                   whole(data["gap"][r].astype(numpy.int64)), whole(data["masks"][data["mask"][r]] != 0))


def no_state(units):
    return torch.zeros(LANES, units), torch.zeros(LANES, units)


def evaluate(model, data, units):
    sums, n, state = 0.0, 0, no_state(units)
    model.eval()
    with torch.no_grad():
        for batch in Lanes(data, data["held"], None).batches():
            *nats, packets, state = model(batch, state)
            sums, n = sums + float(sum(nats)), n + int(packets)
    return sums / n


def main():
    data, dims = load(sys.argv[1])
    seconds = float(sys.argv[2])
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    torch.manual_seed(1)
    rng = numpy.random.default_rng(1)
    model = Model(data, dims)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=DECAY)
    train_packets = int(data["train"][:, 1].sum())
    chunks = train_packets // (LANES * STEPS) + 1
    epochs = min(max(1200 // chunks, 20), 400)
    every = -(-epochs // 30)
    best, done, epoch, began = math.inf, 0, 0, time.monotonic()
    while epoch < epochs and time.monotonic() - began < seconds:
        state = no_state(dims["units"])
        model.train()
        for batch in Lanes(data, data["train"], rng).batches():
            part = min(1.0, max(done / (epochs * chunks), (time.monotonic() - began) / seconds))
            for group in optimiser.param_groups:
                group["lr"] = RATE_LAST + (RATE - RATE_LAST) * 0.5 * (1 + math.cos(math.pi * part))
            *nats, packets, state = model(batch, state)
            optimiser.zero_grad()
            (sum(nats) / max(1, len(batch[3]))).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
            optimiser.step()
            state = [part.detach() for part in state]
            done += 1
        epoch += 1
        if epoch % every == 0:
            best = min(best, evaluate(model, data, dims["units"]))
    took = time.monotonic() - began
    best = min(best, evaluate(model, data, dims["units"]))
    print(json.dumps({"seconds": took, "epochs": epoch, "packets_per_s": epoch * train_packets / took, "nats": best,
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
