import json
import os
import random
import subprocess
import sys
import time
import unicodedata

import keras
import numpy as np
import pytest

from vqa_keras.text import QuestionTokenizer
from vqa_keras.text import split

SPECIAL = ["[PAD]", "[UNK]"]
AWKWARD = [
    "What color is the shape?",
    "what's up", "what\u2019s up", "what\u02bcs `up` \u2018now\u2019",
    "", " ", "?!...", "\u3002\u2026--", "[PAD] [UNK]", "a\x00b",
    "caf\u00e9", "cafe\u0301", "\u1e69", "s\u0323\u0307", "s\u0307\u0323",
    "no\u00a0break", "zero\u200bwidth", "zwj\u200djoin", "soft\u00adhyphen",
    "\ufeffbom", "tab\tnew\nline\r\n\x0b\x0c\x1c\x85x\u2028y\u2029z",
    "\u4e2d\u6587 text\u5b57x", "\u304c\u304b\u3099\u30d1", "\uff76\uff9e",
    "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab\u1100\u116e\u11a8",
    "\U0001f469\U0001f3fd\u200d\U0001f680", "\u2764\ufe0f", "\u2764",
    "\U0001f1eb\U0001f1f7", "1\ufe0f\u20e3", "\U0001faff new",
    "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "\uff26\uff55\uff4c\uff4c \uff11\uff12", "Stra\u00dfe STRASSE \u1e9e",
    "\u0130\u0131 I i", "\ufb01n \ufb03", "\u01c5 \u2167 \u00bd 5\u00bd \u2460",
    "\u0645\u064f\u062d\u064e\u0645\u0651\u062f", "\u200fright\u202eleft\u200e",
    "\u05e9\u05c1\u05b8", "\u0e19\u0e49\u0e33",
    "\u0915\u093f \u0924\u094d\u0930",
    "1,000 3.5 50% $5 2+2=4", "\ud7ff\ue000\ufffd\uffff",
    "\U0010ffff\U00020000x", "d\u1eeba D\u1ee8A", "du\u031b\u0301a",
    "e\u0302\u0323 e\u0323\u0302 \u1ec7", "\u0301\u0323a \u0323\u0301",
    "I\u0307", "\u0e01\u0e47\u0e44\u0e14\u0e49", "\u0623\u0622",
    "\u1000\u102d\u101e \u1780\u17b6\u1781",
    "\u0e9e\u0eb2\u0eaa\u0eb2", "\u30e9\u30fc \u3005\u3007", "\u02d9c \u00a8",
    "w" * 10_000, "w " * 5_000, "\u4eba" * 10_000, "'" * 10_000,
]  # fmt: skip
BROKEN = [
    b"\xff", b"what\xffcolor", b"\xc3", b"\xe2\x82", b"\xe2\x82what",
    b"\xed\xa0\x80x", b"\xc0\x80x", b"\xf4\x90\x80\x80x", b"\xf0\x9f\x92what",
    b"\x80\x80 what \xfe\xfe", b"caf\xe9 what",
]  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary():
    """Returns half of the awkward words, so that some are unknown."""
    words = {word for text in AWKWARD for word in split(text)}
    return SPECIAL + sorted(words)[::2] + ["zebra"]


@pytest.fixture
def tokenizer(vocabulary):
    return QuestionTokenizer(vocabulary)


def expected_ids(vocabulary, texts, length=14):
    rows = np.zeros((len(texts), length), "int32")
    for row, text in zip(rows, texts, strict=True):
        if isinstance(text, bytes):
            text = text.decode("utf-8", errors="replace")
        words = split(text)[-length:] or ["[UNK]"]
        for i, word in enumerate(words):
            row[i] = vocabulary.index(word) if word in vocabulary else 1
    return rows


def run_python(code, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_words_become_ids_padded_on_the_right():
    tokenizer = QuestionTokenizer([*SPECIAL, "what", "color"], 5)
    ids = tokenizer(["What's what?", "", "color " * 9, "What color?"])
    assert ids.tolist() == [
        [1, 2, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [3, 3, 3, 3, 3],
        [2, 3, 0, 0, 0],
    ]
    assert ids.dtype == "int32"
    assert tokenizer("What color?").tolist() == [2, 3, 0, 0, 0]
    assert tokenizer([]).shape == (0, 5)
    assert tokenizer([["color"], ["what"]]).tolist()[1] == [[2, 0, 0, 0, 0]]
    assert tokenizer.padded_ids("what color is it") == [2, 3, 1, 1, 0]
    assert tokenizer.padded_ids("?") == [1, 0, 0, 0, 0]
    assert tokenizer.words("?") == ["[UNK]"]


def test_a_longer_question_keeps_its_end():
    tokenizer = QuestionTokenizer([*SPECIAL, "b", "c", "d"], sequence_length=3)
    assert tokenizer("A b c d?").tolist() == [2, 3, 4]
    assert tokenizer.words("A b c d?") == ["b", "c", "d"]
    assert tokenizer.unused_words("A b C d?") == ["a"]
    assert tokenizer.unused_words("b x a c e") == ["b", "x", "a", "e"]
    assert tokenizer.unused_words("b c") == tokenizer.unused_words("") == []


def test_questions_longer_than_the_sequence_length_are_cut():
    tokenizer = QuestionTokenizer(SPECIAL, sequence_length=3)
    assert not tokenizer.is_cut("a T-shirt")
    assert tokenizer.is_cut("is it a T-shirt?")


def test_words_and_ids_are_each_others_inverse(tokenizer, vocabulary):
    assert tokenizer.get_vocabulary() == vocabulary
    assert tokenizer.vocabulary_size() == len(vocabulary)
    for id, word in enumerate(vocabulary):
        assert tokenizer.id_to_token(id) == word
        assert tokenizer.token_to_id(word) == id
    for id in (-1, len(vocabulary)):
        with pytest.raises(ValueError, match=f"Received: {id}"):
            tokenizer.id_to_token(id)
    with pytest.raises(ValueError, match="Received: 'never'"):
        tokenizer.token_to_id("never")


def test_detokenizing_gives_the_known_words():
    tokenizer = QuestionTokenizer([*SPECIAL, "what", "color"], 5)
    assert tokenizer.detokenize(tokenizer("What color?")) == "what color"
    batch = tokenizer(["Color of it", ""])
    assert tokenizer.detokenize(batch) == ["color [UNK] [UNK]", "[UNK]"]


@pytest.mark.parametrize("texts", [AWKWARD, BROKEN], ids=["awkward", "broken"])
def test_python_and_tensorflow_give_the_same_ids(tokenizer, vocabulary, texts):
    tf = pytest.importorskip("tensorflow")
    expected = expected_ids(vocabulary, texts)
    assert (expected > 1).any() and (expected == 1).any()

    graph = tf.function(tokenizer)
    eager = QuestionTokenizer(vocabulary, _allow_python_workflow=False)
    dataset = tf.data.Dataset.from_tensor_slices(texts)
    results = {
        "python": tokenizer(texts),
        "numpy": tokenizer(np.array(texts, dtype=object)),
        "tensor": tokenizer(tf.constant(texts)),
        "eager": eager(tf.constant(texts)),
        "graph": graph(tf.constant(texts)),
        "batches": np.concatenate(list(dataset.batch(7).map(tokenizer))),
        "scalars": np.stack(list(dataset.map(tokenizer))),
    }
    for way, ids in results.items():
        ids = np.asarray(ids)
        assert ids.dtype == "int32"
        for row, want, text in zip(ids, expected, texts, strict=True):
            assert row.tolist() == want.tolist(), (way, ascii(text[:60]))


def test_python_and_tensorflow_agree_on_random_bytes(tokenizer):
    tf = pytest.importorskip("tensorflow")
    rng = random.Random(0)
    texts = [rng.randbytes(rng.randrange(30)) for _ in range(3000)]
    texts = [b"w ".join([text, b"\xe2\x82w"]) for text in texts]
    ids = tf.function(tokenizer)(tf.constant(texts)).numpy()
    np.testing.assert_array_equal(ids, tokenizer(texts))


@pytest.mark.parametrize("strip_accents", [False, True])
def test_python_and_tensorflow_agree_on_marks_in_any_order(strip_accents):
    tf = pytest.importorskip("tensorflow")
    rng = random.Random(0)
    letters = "aeiIbs \u0627\u0623\u05e9\u0915\u304b\u4eba\u0e01\ud55c\u1161"
    marks = "\u0301\u0302\u0307\u0323\u0327\u031b\u064e\u0654\u05b8"
    marks += "\u3099\u0e48\u0e33\u094d\u17d2\u20e3"
    texts = [
        "".join(rng.choice(rng.choice([letters, marks])) for _ in range(12))
        for _ in range(3000)
    ]
    words = {w for text in texts for w in split(text, strip_accents)}
    tokenizer = QuestionTokenizer(
        SPECIAL + sorted(words), strip_accents=strip_accents
    )
    ids = tf.function(tokenizer)(tf.constant(texts)).numpy()
    np.testing.assert_array_equal(ids, tokenizer(texts))
    without_words = [not split(text, strip_accents) for text in texts]
    assert (ids == 1).any(axis=1).tolist() == without_words
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    np.testing.assert_array_equal(tokenizer(composed), ids)


def test_graph_keeps_static_shapes(tokenizer):
    tf = pytest.importorskip("tensorflow")
    spec = tf.data.Dataset.from_tensors("what").map(tokenizer).element_spec
    assert spec == tf.TensorSpec([14], "int32")
    symbolic = tokenizer(keras.Input((), dtype="string"))
    assert symbolic.shape == (None, 14) and symbolic.dtype == "int32"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["saved_model", "archive"])
def test_saved_model_needs_nothing_but_tensorflow(
    tmp_path, tokenizer, vocabulary, way
):
    tf = pytest.importorskip("tensorflow")
    signature = [tf.TensorSpec([None], tf.string, name="questions")]
    if way == "archive":
        archive = keras.export.ExportArchive()
        if keras.config.backend() != "tensorflow":
            pytest.skip("the archive tracks tables of TensorFlow layers only")
        archive.track(tokenizer)
        archive.add_endpoint("ask", tokenizer, input_signature=signature)
        archive.write_out(tmp_path / "model", verbose=False)
    else:
        module = tf.Module()
        module.tables = tokenizer.lookup_tables()
        module.ask = tf.function(tokenizer, input_signature=signature)
        tf.saved_model.save(module, tmp_path / "model")

    texts = [text.encode() for text in AWKWARD] + BROKEN
    code = """
import json, sys, tensorflow as tf
texts = [bytes.fromhex(text) for text in json.load(open(sys.argv[2]))]
ids = tf.saved_model.load(sys.argv[1]).ask(tf.constant(texts)).numpy()
for name in ("tensorflow_text", "keras_hub", "vqa_keras"):
    assert name not in sys.modules, name
print(json.dumps(ids.tolist()))
"""
    questions = tmp_path / "questions.json"
    questions.write_text(json.dumps([text.hex() for text in texts]))
    ids = run_python(code, tmp_path / "model", questions)
    assert ids == expected_ids(vocabulary, texts).tolist()


@pytest.mark.slow
def test_jax_without_tensorflow_gives_the_same_ids(tokenizer):
    pytest.importorskip("jax")
    code = """
import json, sys
sys.modules["tensorflow"] = sys.modules["tensorflow_text"] = None
from vqa_keras.text import QuestionTokenizer
import keras
tokenizer = QuestionTokenizer(["[PAD]", "[UNK]", "what", "color"], 4)
ids = tokenizer(["What color?", "", b"what\\xff"])
embedded = keras.layers.Embedding(4, 2)(ids)
assert keras.config.backend() == "jax" and embedded.shape == (3, 4, 2)
print(json.dumps(ids.tolist()))
"""
    ids = run_python(code, KERAS_BACKEND="jax")
    assert ids == [[2, 3, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0]]


def test_another_vocabulary_replaces_the_tables():
    tf = pytest.importorskip("tensorflow")
    tokenizer = QuestionTokenizer([*SPECIAL, "a"], 1, name="replaced")
    assert tf.function(tokenizer)(["a", "b"]).numpy().tolist() == [[2], [1]]
    tokenizer.set_vocabulary([*SPECIAL, "b"])
    assert tf.function(tokenizer)(["a", "b"]).numpy().tolist() == [[1], [2]]


@pytest.mark.parametrize(
    "words, problem",
    [
        ([], "begin with"),
        (["[UNK]", "[PAD]", "a"], "begin with"),
        (["[PAD]", "a"], "begin with"),
        ([*SPECIAL, "a", "a"], "distinct"),
        ([*SPECIAL, "[UNK]"], "distinct"),
        ([*SPECIAL, ""], "not empty"),
        ([*SPECIAL, "two words"], "normal form"),
        ([*SPECIAL, "What"], "normal form"),
        ([*SPECIAL, "what's"], "normal form"),
    ],
)
def test_rejects_words_that_no_question_could_match(words, problem):
    with pytest.raises(ValueError, match=problem):
        QuestionTokenizer(words)


def test_rejects_wrong_arguments_and_inputs(tmp_path):
    with pytest.raises(ValueError, match="at least 1. Received: 0"):
        QuestionTokenizer(SPECIAL, sequence_length=0)
    with pytest.raises(ValueError, match="'int32'. Received: float32"):
        QuestionTokenizer(SPECIAL, dtype="float32")
    with pytest.raises(ValueError, match="`vocabulary` must be set"):
        QuestionTokenizer()("what")
    with pytest.raises(ValueError, match="strings. Received: 3"):
        QuestionTokenizer(SPECIAL)([3])
    with pytest.raises(ValueError, match="missing.txt"):
        QuestionTokenizer(tmp_path / "missing.txt")


def test_python_is_fast_enough_for_pipelines(tokenizer):
    questions = ["What color is the shape in the image?"] * 5000
    tokenizer(questions)
    start = time.process_time()
    tokenizer(questions)
    assert time.process_time() - start < 0.5  # 0.06 measured
