"""Computes WUPS, a score of answers by the similarity of their words."""

import pathlib
import sqlite3

from vqa_keras.errors import UserError


def wups(predicted, expected, threshold=0.9, wordnet="omw-en:1.4"):
    """Computes the Wu-Palmer set score of answers in percent.

    For the items A_i of a predicted answer and T_i of the expected answer:

        wups = 100 / N * sum_i min(prod_{a in A_i} max_{t in T_i} mu(a, t),
                                   prod_{t in T_i} max_{a in A_i} mu(a, t))
        mu(a, t) = wup(a, t) if wup(a, t) >= threshold else 0.1 wup(a, t)

    wup is `WordNet.similarity`. Results on DAQUAR and COCO-QA are published at
    two thresholds: 0.9, and 0.0, which leaves similarities unchanged.

    As in the published program, calculate_wups.py of the DAQUAR page:

    - Commas separate items, and spaces around them are ignored. A repeated
      item counts repeatedly.
    - Only nouns are compared. Other words score 1 with themselves and 0 with
      all others, unless they are also nouns, as colors and numbers are.

    Departures from it:

    - "_" is a space: "night_stand" equals "night stand". The program
      recognizes WordNet's multi-word expressions by the underscore only.
    - A question with an empty answer scores 0. The program drops the empty
      lines of both files, which misaligns the rest.
    - There is no threshold of -1 for exact matches: see `accuracy`.

    Args:
        predicted: iterable of str or of lists of items, one answer per
            question.
        expected: iterable of the true answers, in the same order.
        threshold: float from 0 to 1. Defaults to 0.9.
        wordnet: `WordNet`, or the argument of its constructor. Defaults to
            "omw-en:1.4".

    Returns:
        float, in percent, not rounded.

    Raises:
        ValueError: if there is no question, the lengths differ, an answer is
            neither a string nor a list of strings, or the threshold is out of
            range.
        UserError: if the WordNet cannot be loaded.

    Example:
    ```python
    # From python -m vqa_keras.zoo.evaluate --submission=answers.json. Answers
    # are normalized and have no commas, so that each is one item.
    rows = json.loads(pathlib.Path("answers.json").read_text())
    given = {row["question_id"]: row["answer"] for row in rows}
    expected = {1: "chair", 2: "red"}  # by question id
    predicted = [given[question_id] for question_id in expected]
    wordnet = WordNet("omw-en:1.4")  # computes each similarity once
    for threshold in (0.9, 0.0):
        print(wups(predicted, expected.values(), threshold, wordnet))
    ```

    Reference:
        [Malinowski and Fritz, 2014](https://arxiv.org/abs/1410.0210).
    """
    predicted = [_items("predicted", answer) for answer in predicted]
    expected = [_items("expected", answer) for answer in expected]
    if len(predicted) != len(expected) or not predicted:
        raise ValueError(
            "`predicted` and `expected` must have one entry per question and "
            f"at least one. Received: {len(predicted)} and {len(expected)}"
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
    """Computes and caches the Wu-Palmer similarity of English words.

    wup(a, b) is the highest similarity of a noun synset of `a` and one of `b`,

        2 d / (n + 2 d),

    where d is the number of synsets on the longest path from the lowest common
    hypernym to the root, both included, and n the number of steps from that
    hypernym to the two synsets. As in NLTK, which computed the published
    numbers, the lowest hypernym is the one with the longest shortest path to
    the root (`wn.similarity.wup` uses the longest path); among equally low ones
    it is the synset of `a`, or else the first in alphabetical order. wup(b, a)
    can therefore differ from wup(a, b).

    A word is looked up in lower case, unchanged and without an English plural
    ending; irregular plurals only if the lexicon lists them. Equal words have
    similarity 1, in WordNet or not; a word without a noun synset has
    similarity 0 to all others.

    The library `wn` keeps its lexicons in `~/.wn_data/wn.db`, or in
    `$WN_DATA_DIR/wn.db`. `python -m wn download omw-en:1.4` adds WordNet 3.0,
    that of NLTK and of published numbers; `oewn:2024` is newer and gives other
    numbers. On a machine without a network, the file that this command
    downloads on another one, `omw-en-1.4.tar.xz`, is the `source`.

    Args:
        source: str or path: name of a lexicon in the database of `wn`, or a
            WN-LMF file of one lexicon, also compressed or in a tar archive,
            which is added to the database unless its name and version are
            there. Defaults to "omw-en:1.4".

    Raises:
        UserError: if `wn` is not installed, the lexicon is not in its database
            or the file cannot be read.

    Example:
    ```python
    wordnet = vqa_keras.metrics.WordNet("omw-en:1.4")
    wordnet.similarity("chair", "sofa")
    ```
    """

    def __init__(self, source="omw-en:1.4"):
        self._wordnet = _open(source)
        self._similarities = {}  # (word, word): similarity
        self._synsets = {}  # word: noun synsets
        self._hypernyms = {}  # synset: hypernyms
        self._distances = {}  # synset: {hypernym: steps}
        self._names = {}  # synset: sort key
        self._depths = {}  # (synset, max or min): length of that path

    def similarity(self, first, second):
        """Computes the similarity of two words or expressions.

        Args:
            first: str.
            second: str.

        Returns:
            float from 0 to 1.
        """
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
            return 0.0  # two trees without a common root
        depth = max(self._depth(synset, min) for synset in common)
        lowest = [s for s in common if self._depth(s, min) == depth]
        subsumer = first if first in lowest else min(lowest, key=self._name)
        steps = self._steps(first, subsumer) + self._steps(second, subsumer)
        twice = 2 * self._depth(subsumer, max)
        return twice / (steps + twice)

    def _steps(self, first, second):
        """Returns the length of the shortest path by a common hypernym."""
        one, two = self._above(first), self._above(second)
        return min(one[synset] + two[synset] for synset in one.keys() & two)

    def _above(self, synset):
        """Returns `{hypernym: steps}` of a synset, with itself at 0."""
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
        """Returns the synsets on the longest (max) or shortest path to root."""
        if (synset, choose) not in self._depths:
            self._depths[synset, choose] = 0  # ends a cycle in a lexicon
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
            "The package wn must be installed for WUPS. Received: no such "
            "package; run `pip install vqa-keras[wordnet]`"
        ) from error
    is_file = pathlib.Path(source).exists()
    try:
        name = _add(pathlib.Path(source)) if is_file else str(source)
        return wn.Wordnet(name, expand="", lemmatizer=morphy.Morphy())
    except (wn.Error, sqlite3.Error, OSError) as error:
        needed = "a WN-LMF file of one lexicon" if is_file else _needed(source)
        raise UserError(
            f"The lexicon must be {needed}. Received: {source} ({error})"
        ) from error


def _needed(source):
    """Describes where a lexicon is looked for, and how it comes there."""
    import wn

    source = source if source == "oewn:2024" else "omw-en:1.4"
    url, *_ = wn.config.get_project_info(source)["resource_urls"]
    file = url.rpartition("/")[2]
    return (
        f"in {wn.config.database_path} (WN_DATA_DIR names another folder), "
        f"where `python -m wn download {source}` adds it, or the path of a "
        f"WN-LMF file. Without a network, copy {file} of {url} from another "
        f'machine and pass its path, as in WordNet("{file}")'
    )


def _add(path):
    """Adds the lexicon of a file to the database and returns its name."""
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
