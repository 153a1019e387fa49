"""Make `pipeline/lexicon/<language>/linear.bin`: the linear layer over a language's pack. The same input gives the same bytes.

    uv run --group train python deploy/lexicons/train.py --data DIR [--output DIR] [nl en ...]     (make train DATA=DIR)

Trained on our own texts without the held-back fifth (tests/texts) and on the sets of `SETS` in ``DIR/sentiment``, whose licences allow it
(pipeline/lexicon/LINEAR.md); nothing else is read, and a set whose sha256 is another is refused. Equal bytes are promised on one platform
with the packages of uv.lock; one BLAS thread is used.

How sure the whole may be is told by texts alone by which no words of a pack were written: on the others (`Source.read`) a pack is right
more often than it will be again. Polarity (positive against negative) is fitted on all texts that are one of the two; neutrality only on
sources that have neutral texts. What the pack says is given, not fitted (`SUMS`): noisy sets would teach to doubt it. The words learn what
it leaves open; for neutrality whole words only, as what pieces of words say of it holds for texts of one kind.
"""

import argparse
import hashlib
import json
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_matrix, diags, vstack
from threadpoolctl import threadpool_limits

from agents.lexicons import load_pack, load_pack_scorers, pack_digest
from pipeline.lexicon.linear import BUCKETS, FIGURES, Header, LinearLayer, figures, parse_model, room, spread, text_features
from pipeline.lexicon.pack import refuse_two_valences
from pipeline.sentiment import Reader

ROOT = Path(__file__).parents[2]
TEXTS = ROOT / "tests" / "texts"
LEXICON = ROOT / "pipeline" / "lexicon"

SETS: Mapping[str, str] = {
    "de-mabsa": "c64f64e1c8de60fe4d2c8cacffe43f83566903d813a4537afe0eb7fee61537a8",
    "de-xed": "8aae353acb152680df5374862938fac5e4039fd3e8a45b2be5579738b59fbf51",
    "en-vaderamazon": "a79a2935549d91e4a62872e8d59da593e243940bb8afb20e1feb58933805ac97",
    "en-vadertweets": "39bea2301cb137fb989bcf75059c1f1e68aeeec56164f8b6269eeac994e3eba8",
    "es-mabsa": "48a76ef1f1c98fac670dd2846f59ff8a1b75ff85d720ed8252a0fba77785e618",
    "es-xed": "8b6dc3f8244b88038c9f251fc6174dd002fa52a1ab16726ba0ef18df75e8230a",
    "fr-mabsa": "336a06e69bd1c4ed8a43fa413dfb7e29b15826e7298e15abac32abf4f99f104d",
    "fr-xed": "5c9b9c012b7b9aa49f28afce2843599c162449c05b92d397fa0ee3ee92281b74",
    "it-xed": "9ff0c8fd5d2c254c3b343b178c304e8edb89102135491730220da29a7dafae9f",
    "nl-mabsa": "bc01c6eb8ed1eb6327c022c1d66b0da9eb0526530b3ea70f6018fd64c5260484",
    "nl-xed": "a45acaa31488025e3c730c361cd71a4be2b12315cab4aac944911c4a033a4d1c",
    "pt-mabsa": "adfbca8567e080be3923a3fd1d3cc8bde64d8e2ccee3e115fbeefd2b22f2f45f",
    "pt-xed": "b040103c77c3fa5764fb5a8a9fd2c968c1ac6665b9a7be532f138a546fd8d7bd",
}
"""The sets that may train a model, each with the sha256 of its file."""

SEED = 20260901
CAP = 1_200
"""Texts of one label that a source gives at most."""
UNREAD = frozenset((TEXTS / "unread.txt").read_text("utf-8").split())
"""Our own texts by which no words of the packs were written: see tests/texts/README.md."""
OWN = 2.0
"""Our own texts are what webcare reads: either half of them, read and unread, weighs twice as much as a source else."""
NEUTRAL = 0.35
"""So many of the texts of a stream are taken to be neutral. Nobody knows: some sources have a fifth, others three fifths; where a source is
judged by what was learnt from the others, a little more than a third is best (pipeline/lexicon/LINEAR.md)."""
FOLDS = 3
NEUTRALS = 0.1
"""A source with a smaller share of neutral texts than this has none that mean anything."""


@dataclass(frozen=True)
class Sum:
    """How one of the two sums is fitted: what is given of `FIGURES`, which of them are fitted, where the columns of its words begin
    (`features`), and the inverse of the penalty on squared weights."""

    given: Mapping[str, float]
    fitted: tuple[str, ...]
    words: int
    strength: float


WORDS_AND_PIECES = 0
WORDS = BUCKETS
FIGURE = 2 * BUCKETS
"""Where the columns of a text's features begin: of words and pieces of them, of words alone, of `FIGURES`."""
COLUMNS = FIGURE + len(FIGURES)

SUMS = {
    # Polarity has no constant: a text that says nothing is as likely the one as the other.
    "polarity": Sum({"compound": 8.0}, ("vader",), WORDS_AND_PIECES, 8.0),
    # What makes a text neutral is mostly the absence of words that judge.
    "neutrality": Sum(
        {"absolute": -6.0, "judged": -1.0},
        ("one", "absolute", "mixed", "silent", "asks", "exclaims", "length", "praise", "blame", "long"),
        WORDS,
        0.15,
    ),
}
FIGURE_SCALE = 3.0
"""Figures are penalised a ninth as much as words."""

Matrix = csr_matrix
Row = tuple[str, str]
"""Text and label."""


@dataclass(frozen=True)
class Source:
    """Texts of one origin, and whether its neutral ones are to be believed."""

    name: str
    rows: list[Row]
    neutrals: bool
    weight: float
    read: bool = False
    """Whether words of the pack were written by it."""


def held_back(name: str) -> bool:
    """Whether an own text is one of the fifth that nobody trains on."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") % 5 == 0


def own_texts(language: str, *, read: bool) -> list[Row]:
    """Our own texts that may be trained on: those by which words were written, or the others."""
    chosen = [file for file in sorted(TEXTS.glob(f"{language}-*.jsonl")) if (file.stem not in UNREAD) == read]
    lines = (json.loads(line) for file in chosen for line in file.read_text("utf-8").splitlines())
    return [(one["text"], one["label"]) for one in lines if not held_back(one["id"])]


def sources(language: str, data: Path) -> tuple[list[Source], dict[str, str]]:
    """All that a language may be trained on, and the sha256 of each.

    Raises:
        SystemExit: a set is missing or is not the one that is known.
    """
    found, digests = [], {}
    for name, read in (("own texts", True), ("own texts, unread", False)):
        if rows := own_texts(language, read=read):
            digests[name] = hashlib.sha256(repr(rows).encode()).hexdigest()
            found.append(Source(name, rows, neutrals=True, weight=OWN, read=read))
    for name, expected in SETS.items():
        if name.startswith(f"{language}-"):
            file = data / "sentiment" / f"{name}.jsonl"
            if not file.is_file():
                sys.exit(f"{file}: is not there; --data names a folder with sentiment/{name}.jsonl")
            content = file.read_bytes()
            if (digest := hashlib.sha256(content).hexdigest()) != expected:
                sys.exit(f"{file}: sha256 {digest} is not the one that this script was written for, {expected}")
            digests[name] = digest
            rows = [(one["text"], one["label"]) for one in map(json.loads, content.decode().splitlines())]
            found.append(_capped(name, rows))
    return found, digests


def _capped(name: str, rows: Sequence[Row]) -> Source:
    neutrals = sum(label == "neutral" for _, label in rows) >= NEUTRALS * len(rows)
    order = np.random.default_rng(SEED).permutation(len(rows))
    taken: dict[str, list[int]] = defaultdict(list)
    for place in order.tolist():
        label = rows[place][1]
        if len(taken[label]) < CAP and (neutrals or label != "neutral"):
            taken[label].append(place)
    return Source(name, [rows[place] for place in sorted(place for places in taken.values() for place in places)], neutrals, 1.0)


class Texts(NamedTuple):
    """One row per text: the features of its words as far as the pack leaves them room, and `FIGURES`; and how spread out each is."""

    rows: Matrix
    spread: np.ndarray


def features(texts: Sequence[str], base: Reader) -> Texts:
    """What the layer sees of texts."""
    starts, columns, values, spreads = [0], [], [], []
    for text in texts:
        read = base.read(text)
        words, pieces = text_features(read.tokens)
        left = room(read.compound)
        for begin, given in ((WORDS_AND_PIECES, words + pieces), (WORDS, words)):
            columns += [begin + bucket for bucket, _ in given]
            values += [weight * left for _, weight in given]
        spreads.append(spread(len(dict.fromkeys(read.tokens))))
        columns += range(FIGURE, COLUMNS)
        vader = 0.0 if read.vader is None else read.vader.compound
        values += figures(read.text, len(read.tokens), read.compound, read.hits, vader)
        starts.append(len(columns))
    matrix = csr_matrix((values, columns, starts), shape=(len(texts), COLUMNS))
    matrix.sum_duplicates()
    return Texts(matrix, np.array(spreads))


@dataclass(frozen=True)
class Part:
    """The rows that one of the two sums is fitted on."""

    how: Sum
    x: Matrix
    y: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    read: np.ndarray
    """Whether words of the pack were written by a row's source."""

    def fit(self, rows: np.ndarray) -> np.ndarray:
        """Weights of all columns: least weighted log loss and squared weights, beside what is given."""
        given = self._given()
        free = np.zeros(COLUMNS)
        free[self.how.words : self.how.words + BUCKETS] = 1.0
        free[[FIGURE + FIGURES.index(name) for name in self.how.fitted]] = FIGURE_SCALE
        x, sign = self.x[rows], np.where(self.y[rows], 1.0, -1.0)
        across = x.T.tocsr()
        weight = self.weight[rows] * (len(rows) / self.weight[rows].sum())
        offset = x @ given

        def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
            z = sign * (offset + x @ (v * free))
            pull = across @ (-sign * weight / (1 + np.exp(np.minimum(z, 700.0)))) * free
            return float((weight * np.logaddexp(0, -z)).sum() + v @ v / (2 * self.how.strength)), pull + v / self.how.strength

        found = minimize(loss, np.zeros(len(free)), jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-8})
        return given + found.x * free

    def _given(self) -> np.ndarray:
        weights = np.zeros(COLUMNS)
        for name, weight in self.how.given.items():
            weights[FIGURE + FIGURES.index(name)] = weight
        return weights


def part(given: Sequence[Source], seen: Sequence[Texts], *, neutrality: bool) -> Part:
    """Every source has its weight, half of it for each side (of neutrality: `NEUTRAL` for neutral texts); its folds are groups."""
    blocks, answers, weights, groups, read = [], [], [], [], []
    rng = np.random.default_rng(SEED)
    for source, texts in zip(given, seen, strict=True):
        labels = np.array([label for _, label in source.rows])
        if source.neutrals < neutrality:
            continue
        rows = np.arange(len(labels)) if neutrality else np.flatnonzero(labels != "neutral")
        answer = labels[rows] == ("neutral" if neutrality else "positive")
        shares = (NEUTRAL, 1 - NEUTRAL) if neutrality else (1 / 2, 1 / 2)
        weight = np.where(answer, shares[0] / max(answer.sum(), 1), shares[1] / max((~answer).sum(), 1))
        if neutrality:  # negative and positive weigh the same among the rest
            for label in ("negative", "positive"):
                chosen = labels[rows] == label
                weight[chosen] = shares[1] / 2 / max(chosen.sum(), 1)
        blocks.append(texts.rows[rows] if neutrality else diags(texts.spread[rows]) @ texts.rows[rows])
        answers.append(answer)
        size = min(len(rows), CAP)  # a few figures can be learnt from few texts, words cannot: for neutrality small sources weigh more
        weights.append(weight * source.weight * (math.sqrt(size * CAP) if neutrality else size))
        groups.append(rng.permutation(len(rows)) % FOLDS)
        read.append(np.full(len(rows), source.read))
    how = SUMS["neutrality" if neutrality else "polarity"]
    return Part(how, vstack(blocks).tocsr(), *map(np.concatenate, (answers, weights, groups, read)))


def temperature(one: Part) -> float:
    """What the logits of texts that were neither fitted nor read must be multiplied with to be honest (least log loss over folds).

    Raises:
        SystemExit: words of the pack were written by all of its texts, so that nothing is known of others.
    """
    if one.read.all():
        sys.exit("all texts were read for words: name a file that was not in tests/texts/unread.txt")
    logits = np.zeros(len(one.y))
    for fold in range(FOLDS):
        logits[one.group == fold] = one.x[one.group == fold] @ one.fit(np.flatnonzero(one.group != fold))
    weight, logits = (one.weight * ~one.read), np.where(one.y, 1.0, -1.0) * logits
    found = minimize_scalar(lambda t: float((weight * np.logaddexp(0, -t * logits)).sum()), bounds=(0.05, 3), method="bounded")
    return float(found.x)


def packed(weights: np.ndarray) -> tuple[float, bytes]:
    """What one step is worth, and weights as signed bytes."""
    scale = float(f"{float(np.abs(weights).max()) / 127 or 1.0:.6g}")
    return scale, np.rint(weights / scale).astype(np.int8).tobytes()


def train(language: str, data: Path, scorers: Mapping[str, Reader]) -> bytes:
    """A language's model, as its file."""
    refuse_two_valences(load_pack(language).phrases)
    given, digests = sources(language, data)
    seen = [features([text for text, _ in source.rows], scorers[language]) for source in given]
    found = {}
    for name in SUMS:
        one = part(given, seen, neutrality=name == "neutrality")
        factor = temperature(one)
        found[name] = one.fit(np.arange(len(one.y))) * factor
        print(f"{language}: {name:10} {one.x.shape[0]} texts, temperature {factor:.2f}")
    polarity, neutrality = ([round(float(weight), 5) for weight in found[name][FIGURE:]] for name in SUMS)
    scales, weights = zip(*(packed(found[name][how.words : how.words + BUCKETS]) for name, how in SUMS.items()), strict=True)
    header = Header(
        version=4,
        language=language,
        pack=pack_digest(language),
        trained_on=digests,
        polarity=polarity,
        neutrality=neutrality,
        scales=(scales[0], scales[1]),  # of polarity, of neutrality
        valence=round(_valence(polarity), 5),
    )
    return msgspec.json.encode(header, order="deterministic") + b"\n" + b"".join(weights)


def _valence(weights: Sequence[float]) -> float:
    """How far a pack's hit of valence 1 moves polarity, compared with one of -1."""
    at = [figures("", 10, compound, [("", valence)], 0.0) for compound, valence in ((0.25, 1.0), (-0.25, -1.0))]
    up, down = (sum(weight * figure for weight, figure in zip(weights, one, strict=True)) for one in at)
    return (up - down) / 2


def main() -> None:
    """Train the languages named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("languages", nargs="*", help="language codes; all that have a pack where none is given")
    parser.add_argument("--data", type=Path, required=True, help="folder with sentiment/<set>.jsonl")
    parser.add_argument("--output", type=Path, default=LEXICON, help="folder for <language>/linear.bin")
    options = parser.parse_args()
    scorers = load_pack_scorers()
    for language in options.languages or sorted(scorers):
        with threadpool_limits(1):
            content = train(language, options.data, scorers)
        LinearLayer(parse_model(content))
        target = options.output / language / "linear.bin"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        print(f"{target}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
