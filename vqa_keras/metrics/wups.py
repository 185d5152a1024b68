"""The WUPS score: how near in meaning answers of one or more words are."""

import pathlib
import sqlite3

from vqa_keras.errors import UserError


def wups(predicted, expected, threshold=0.9, wordnet="omw-en:1.4"):
    """Returns the Wu-Palmer set score of answers, in percent.

    For the items A_i of a predicted answer and T_i of the expected one:

        wups = 100 / N * sum_i min(prod_{a in A_i} max_{t in T_i} mu(a, t),
                                   prod_{t in T_i} max_{a in A_i} mu(a, t))
        mu(a, t) = wup(a, t) if wup(a, t) >= threshold else 0.1 wup(a, t)

    wup is `WordNet.similarity`. Results on DAQUAR and COCO-QA are published at
    two thresholds: 0.9, and 0.0, which takes similarities as they are. The
    answers that `python -m vqa_keras.zoo.evaluate --submission=answers.json`
    wrote are scored like this:

        rows = json.loads(pathlib.Path("answers.json").read_text())
        given = {row["question_id"]: row["answer"] for row in rows}
        predicted = [given[question_id] for question_id in expected]
        wordnet = WordNet("omw-en:1.4")  # looks up a pair of words once
        for threshold in (0.9, 0.0):
            print(wups(predicted, expected.values(), threshold, wordnet))

    with `expected` a dict from question id to answer. Those files hold
    normalized answers, which have no commas: an answer of theirs is one item.

    As in the published program, calculate_wups.py of the DAQUAR page:

    - Items stand between commas, without the spaces around them. One that is
      written twice counts twice.
    - Only nouns are compared. Other words score 1 with themselves and 0 with
      all else, unless they are nouns too, as colors and numbers are.

    Departures from it:

    - "_" is a space: "night_stand" equals "night stand". The program knows
      WordNet's expressions by the underscore alone.
    - Where an answer is empty, the question scores 0. The program leaves out
      the empty lines of both files, and what remains no longer fits.
    - There is no threshold of -1 for exact matches: see `accuracy`.

    Args:
        predicted: answers, one a question: strings, or lists of the items.
        expected: true answers, in the same order.
        threshold: float from 0 to 1.
        wordnet: a `WordNet`, or what it is made from.

    Returns:
        float, not rounded.

    Raises:
        ValueError: if there is no question, the lengths differ, an answer is
            no string and no list of strings, or the threshold is not in range.
        UserError: if there is no such WordNet.

    Reference:
        [Malinowski and Fritz, 2014](https://arxiv.org/abs/1410.0210).
    """
    predicted = [_items("predicted", answer) for answer in predicted]
    expected = [_items("expected", answer) for answer in expected]
    if len(predicted) != len(expected) or not predicted:
        raise ValueError(
            "`predicted` and `expected` must have one entry a question, and at "
            f"least one. Received: {len(predicted)} and {len(expected)}"
        )
    if not 0 <= threshold <= 1:
        raise ValueError(
            f"`threshold` must be from 0 to 1. Received: {threshold}"
        )
    if not isinstance(wordnet, WordNet):
        wordnet = WordNet(wordnet)

    def mu(first, second):
        similarity = wordnet.similarity(first, second)
        return similarity if similarity >= threshold else 0.1 * similarity

    scores = [
        min(_membership(given, true, mu), _membership(true, given, mu))
        for given, true in zip(predicted, expected, strict=True)
    ]
    return 100 * sum(scores) / len(scores)


class WordNet:
    """Wu-Palmer similarity of English words; each pair is looked up once.

    wup(a, b) is the highest similarity of a noun synset of `a` and one of `b`,

        2 d / (n + 2 d),

    d being the number of synsets on the longest way from the lowest common
    hypernym to the root, both included, and n the number of steps from that
    hypernym to the two. It is computed as NLTK does, by which the published
    numbers were made: the lowest is the one whose shortest way to the root is
    longest (`wn.similarity.wup` goes by the longest way); of equally low ones
    it is the synset of `a`, or else the first in the alphabet. wup(b, a) can
    therefore differ from wup(a, b).

    A word is looked up in lower case, as it is and without an English plural
    ending; irregular plurals as far as the lexicon lists them. Equal words have
    similarity 1, in WordNet or not; a word without a noun synset has 0 with all
    others.

    The library `wn` holds the lexicon, in `~/.wn_data` or `$WN_DATA_DIR`. It
    is downloaded once: `python -m wn download omw-en:1.4` is WordNet 3.0,
    which NLTK has and by which published numbers were computed;
    `oewn:2024` is newer and gives other numbers.

    Args:
        source: name of a lexicon in the database of `wn`, or path of a WN-LMF
            file, packed or not, of one lexicon. The file is added to the
            database, unless its name and version are there already.

    Raises:
        UserError: if `wn` is not installed, the lexicon is not in its database
            or the file cannot be read.
    """

    def __init__(self, source="omw-en:1.4"):
        self._wordnet = _open(source)
        self._similarities = {}  # of two words
        self._synsets = {}  # of a word
        self._hypernyms = {}  # of a synset
        self._distances = {}  # of a synset's hypernyms from it
        self._names = {}  # of a synset
        self._depths = {}  # of a synset, by the longest or the shortest way

    def similarity(self, first, second):
        """Returns the similarity of two words or expressions, 0 to 1."""
        first, second = _spaced(first), _spaced(second)
        if first == second:
            return 1.0
        if (first, second) not in self._similarities:
            self._similarities[first, second] = max(
                (
                    self._wup(one, two)
                    for one in self._nouns(first)
                    for two in self._nouns(second)
                ),
                default=0.0,
            )
        return self._similarities[first, second]

    def _nouns(self, word):
        if word not in self._synsets:
            self._synsets[word] = self._wordnet.synsets(word.lower(), pos="n")
        return self._synsets[word]

    def _wup(self, first, second):
        common = self._above(first).keys() & self._above(second).keys()
        if not common:
            return 0.0  # two trees, which have no root in common
        depth = max(self._depth(synset, min) for synset in common)
        lowest = [s for s in common if self._depth(s, min) == depth]
        subsumer = first if first in lowest else min(lowest, key=self._name)
        steps = self._steps(first, subsumer) + self._steps(second, subsumer)
        twice = 2 * self._depth(subsumer, max)
        return twice / (steps + twice)

    def _steps(self, first, second):
        """Length of the shortest way between two, up and down again."""
        one, two = self._above(first), self._above(second)
        return min(one[synset] + two[synset] for synset in one.keys() & two)

    def _above(self, synset):
        """`{hypernym: steps}` of all above a synset, and itself at 0."""
        if synset not in self._distances:
            steps = {synset: 0}
            for reached in (queue := [synset]):
                for hypernym in self._parents(reached):
                    if hypernym not in steps:
                        steps[hypernym] = steps[reached] + 1
                        queue.append(hypernym)
            self._distances[synset] = steps
        return self._distances[synset]

    def _depth(self, synset, choose):
        """Number of synsets to the root, by the way that `choose` takes."""
        if (synset, choose) not in self._depths:
            self._depths[synset, choose] = 0  # ends a circle in a lexicon
            self._depths[synset, choose] = 1 + choose(
                (self._depth(s, choose) for s in self._parents(synset)),
                default=0,
            )
        return self._depths[synset, choose]

    def _name(self, synset):
        if synset not in self._names:
            first = next(iter(synset.lemmas()), "")
            self._names[synset] = first.lower(), synset.id
        return self._names[synset]

    def _parents(self, synset):
        if synset not in self._hypernyms:
            self._hypernyms[synset] = synset.hypernyms()
        return self._hypernyms[synset]


def _items(name, answer):
    if isinstance(answer, str):
        answer = answer.split(",")
    if not isinstance(answer, list | tuple | set | frozenset) or not all(
        isinstance(item, str) for item in answer
    ):
        raise ValueError(
            f"`{name}` must hold strings, or lists of strings. "
            f"Received: {answer!r}"[:300]
        )
    return [item for item in map(_spaced, answer) if item]


def _spaced(text):
    return " ".join(text.replace("_", " ").split())


def _membership(items, others, mu):
    if not items or not others:
        return 0.0
    product = 1.0
    for item in items:
        product *= max(mu(item, other) for other in others)
    return product


def _open(source):
    try:
        import wn
        from wn import morphy
    except ImportError as error:
        raise UserError(
            "WUPS needs the library wn; run `pip install vqa-keras[wordnet]`"
        ) from error
    try:
        if pathlib.Path(source).exists():
            source = _add(pathlib.Path(source))
        return wn.Wordnet(source, expand="", lemmatizer=morphy.Morphy())
    except (wn.Error, sqlite3.Error, OSError) as error:
        raise UserError(
            "needed a lexicon that `python -m wn download omw-en:1.4` "
            "downloaded, or the path of a WN-LMF file. Received: "
            f"{source} ({error})"
        ) from error


def _add(path):
    """Adds a file's lexicon to the database and returns its name there."""
    import wn
    from wn import lmf
    from wn import project

    names = [
        f"{lexicon['id']}:{lexicon['version']}"
        for package in project.iterpackages(path)
        for lexicon in lmf.scan_lexicons(package.resource_file())
    ]
    if len(names) != 1:
        raise wn.Error(f"lexicons in the file: {len(names)}")
    wn.add(path, progress_handler=None)
    return names[0]
