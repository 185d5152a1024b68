"""A SavedModel under load, with one bad request in twenty."""

import collections
import concurrent.futures
import pathlib
import random
import time

import numpy as np
from support import bombs
from support import corrupt

from fault_kinds.outcome import EQUAL
from fault_kinds.outcome import LOST
from fault_kinds.outcome import REFUSED
from fault_kinds.outcome import SILENT
from fault_kinds.outcome import TRACEBACK
from fault_kinds.outcome import Outcome

PER_CASE = 500  # requests of one server
_THREADS = 4
_BAD = 0.05
_ATOL = 1e-5  # a row in batches of other sizes
_MEGABYTES = 1200  # that a server may grow by: 4 bombs of 150, and TensorFlow's
_SECONDS = 30
_QUESTIONS = ["what color is thing 1 of 0?", "what is it?", "color", ""]


class Requests:
    """Cases of a process that loads the export and answers `PER_CASE` requests.

    Good rows must have the answers that they have alone, also beside bad
    images. A bad request must raise InvalidArgumentError, or its row must not
    be `readable`. Questions of any bytes are answered or refused.

    Args:
        workspace: `Workspace`.
    """

    name = "requests"
    timeout = 900

    def __init__(self, workspace):
        self.workspace = workspace

    def computes(self, number):
        """Whether cases share a process: each is a server of its own."""
        return False

    def describe(self, number):
        """Returns what a case does."""
        return "server"

    def run(self, number):
        """Returns the outcomes of a case."""
        import tensorflow as tf

        rng = self.workspace.rng(self.name, number)
        loaded = tf.saved_model.load(str(self.workspace.whole / "exported/1"))
        server = _Server(loaded, self.workspace.whole / "data" / "images")
        before = _peak()
        seeds = [rng.random() for _ in range(PER_CASE)]
        with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
            outcomes = list(pool.map(server.request, seeds))
        grown = (_peak() - before) // 1024
        if grown > _MEGABYTES:
            remark = f"the server grew by {grown} MB"
            outcomes.append(Outcome(TRACEBACK, "memory", remark))
        found = collections.defaultdict(list)
        for outcome in outcomes:
            found[outcome.outcome, outcome.what].append(outcome.remark)
        return [
            Outcome(outcome, what, remarks[0], len(remarks))
            for (outcome, what), remarks in found.items()
        ]


class _Server:
    def __init__(self, loaded, folder):
        import tensorflow as tf

        self._serve = loaded.signatures["serving_default"]
        self._tokens = loaded.signatures["tokens"]
        self._constant = tf.constant
        self._refusal = tf.errors.InvalidArgumentError
        paths = sorted(pathlib.Path(folder).glob("*.png"))
        files = [path.read_bytes() for path in paths]
        self._images = [data for data in files if data[:4] == b"\x89PNG"][:6]
        self._known = {
            (image, question): self._answers([image], [question])[0]
            for image in self._images
            for question in _QUESTIONS
        }
        self._broken = _broken_images()
        self._bombs = [bombs.png(), bombs.gif(2), bombs.webp()]
        (_, specs) = self._tokens.structured_input_signature
        self._specs = specs
        self._calm = {
            name: np.zeros([2 if d is None else d for d in spec.shape])
            for name, spec in specs.items()
        }

    def request(self, seed):
        """Sends a request; returns its `Outcome`."""
        rng = random.Random(seed)
        size = rng.randint(1, 8)
        images = [rng.choice(self._images) for _ in range(size)]
        questions = [rng.choice(_QUESTIONS) for _ in range(size)]
        send = self._send_good
        if rng.random() < _BAD:
            send = rng.choice(
                [
                    self._send_broken,
                    self._send_broken,
                    self._send_bomb,
                    self._send_sizes,
                    self._send_tokens,
                    self._send_regions,
                    self._send_bytes,
                ]
            )
        what = send.__name__.removeprefix("_send_")
        start = time.monotonic()
        try:
            outcome, remark = send(rng, images, questions)
        except self._refusal as error:
            outcome, remark = REFUSED, str(error)[:200]
            if what == "good":
                outcome = LOST
            elif what in ("broken", "bomb") and size > 1:
                outcome, what = LOST, f"{what}, the rest of its batch"
        except Exception as error:
            outcome = TRACEBACK
            remark = f"{type(error).__name__}: {str(error)[:200]}"
        seconds = time.monotonic() - start
        if seconds > _SECONDS:
            outcome, remark = TRACEBACK, f"took {seconds:.0f} s"
        return Outcome(outcome, what, remark)

    def _send_good(self, rng, images, questions):
        rows = self._answers(images, questions)
        return self._compare(rows, images, questions, bad=None)

    def _send_broken(self, rng, images, questions):
        bad = rng.randrange(len(images))
        images[bad] = rng.choice(self._broken)
        rows = self._answers(images, questions)
        return self._compare(rows, images, questions, bad)

    def _send_bomb(self, rng, images, questions):
        bad = rng.randrange(len(images))
        images[bad] = rng.choice(self._bombs)
        rows = self._answers(images, questions)
        return self._compare(rows, images, questions, bad)

    def _send_sizes(self, rng, images, questions):
        more = rng.choice([[], images, images[:1] * 5])
        rows = self._answers(images + [*more, images[0]], questions)
        return SILENT, f"{len(rows)} rows for {len(questions)} questions"

    def _send_tokens(self, rng, images, questions):
        inputs = dict(self._calm)
        bad = rng.choice([-1, 10**6, 2**31 - 1, -(2**31)])
        inputs["token_ids"] = np.full(inputs["token_ids"].shape, bad)
        self._of_tokens(inputs)
        return SILENT, f"token ids of {bad} are answered"

    def _send_regions(self, rng, images, questions):
        inputs = dict(self._calm)
        bad = rng.choice([np.nan, np.inf, -np.inf])
        regions = np.array(inputs["regions"])
        regions[0, 0, 0] = bad
        outputs = self._of_tokens({**inputs, "regions": regions})
        readable = outputs.get("readable")
        if readable is not None and not readable.numpy()[0]:
            return REFUSED, "not readable"
        return SILENT, f"regions of {bad} are answered"

    def _send_bytes(self, rng, images, questions):
        questions[0] = rng.choice(
            [
                b"\xff\xfe what \x80",
                b"\0" * 9,
                b"color " * 200_000,
                b"a" * 10**6,
            ]
        )
        rows = self._answers(images, questions)
        if not all(np.isfinite(list(row.values())).all() for row in rows):
            return SILENT, "scores that are not finite"
        answered, rows[0] = rows[0], {}  # any answer will do
        outcome, remark = self._compare(rows, images, questions, bad=0)
        if outcome == REFUSED and answered:
            return EQUAL, "answered"
        return outcome, remark

    def _of_tokens(self, inputs):
        return self._tokens(
            **{
                name: self._constant(value.astype(spec.dtype.as_numpy_dtype))
                for (name, value), spec in zip(
                    inputs.items(), self._specs.values(), strict=True
                )
            }
        )

    def _answers(self, images, questions):
        """Returns `{answer: score}` of each row; None if not readable."""
        outputs = self._serve(
            images=self._constant(images), questions=self._constant(questions)
        )
        answers, scores = outputs["answers"].numpy(), outputs["scores"].numpy()
        readable = [True] * len(answers)
        if "readable" in outputs:
            readable = outputs["readable"].numpy().tolist()
        return [
            dict(zip(*row, strict=True)) if is_readable else {}
            for *row, is_readable in zip(answers, scores, readable, strict=True)
        ]

    def _compare(self, rows, images, questions, bad):
        keys = zip(images, questions, strict=True)
        for number, (row, key) in enumerate(zip(rows, keys, strict=True)):
            if number == bad:
                continue
            known = self._known[key]
            if row.keys() != known.keys() or any(
                abs(row[answer] - known[answer]) > _ATOL for answer in known
            ):
                return SILENT, f"good row {number}: {row}, not {known}"
        if bad is None:
            return EQUAL, ""
        if rows[bad]:
            return SILENT, f"row {bad} is answered: {rows[bad]}"
        return REFUSED, "not readable"


def _broken_images():
    """Returns the files of `corrupt.kinds` that no decoder may accept."""
    import tempfile

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, write in corrupt.kinds().items():
            path = pathlib.Path(folder, "image")
            path.unlink(missing_ok=True)
            if name not in ("missing file", "folder instead"):
                write(path)
                found.append(path.read_bytes())
    return found


def _peak():
    """Returns the largest memory of this process so far, in kB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1])
