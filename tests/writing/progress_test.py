import io
import time

from vqa_keras.writing.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_last_line_shows_all_images_and_the_rate():
    stream = io.StringIO()
    with Progress(total=10, done=lambda: 10, stream=stream):
        pass
    assert stream.getvalue().startswith("10 / 10 images, ")
    assert "images/s" in stream.getvalue()
    assert "left" not in stream.getvalue()


def test_lines_show_the_time_left_during_the_work():
    stream = io.StringIO()
    start = time.monotonic()

    def done():
        return min(50, round(100 * (time.monotonic() - start)))

    with Progress(100, done, stream=stream, interval=0.05):
        time.sleep(0.3)
    assert "0:00:0" in stream.getvalue()
    assert "left" in stream.getvalue()


def test_images_of_an_earlier_run_do_not_count_as_speed():
    stream = io.StringIO()
    start = time.monotonic()

    def done():
        return 100_000 + round(100 * (time.monotonic() - start))

    with Progress(200_000, done, stream=stream, interval=0.05):
        time.sleep(0.3)
    rate = stream.getvalue().splitlines()[-1].split(", ")[1]
    assert int(rate.split()[0]) < 500


def test_images_found_finished_during_the_work_do_not_count_as_speed():
    stream = io.StringIO()
    start = time.monotonic()

    def before():  # Shards that were finished are found one after the other.
        return min(1000, round(10_000 * (time.monotonic() - start)))

    def done():
        return before() + round(100 * (time.monotonic() - start))

    with Progress(2000, done, before, stream, interval=0.05):
        time.sleep(0.5)
    for line in stream.getvalue().splitlines()[1:]:
        _, rate, _, left = line.split(", ")
        assert 20 < int(rate.split()[0]) < 500, line
        assert left >= "0:00:02", line


def test_without_a_new_image_no_rate_is_shown():
    stream = io.StringIO()
    with Progress(10, lambda: 4, lambda: 4, stream):
        pass
    assert stream.getvalue() == "4 / 10 images, 0:00:00 elapsed\n"


def test_a_rate_below_one_is_not_shown_as_zero():
    stream = io.StringIO()
    start = time.monotonic()
    with Progress(
        10, lambda: 1, stream=stream, interval=9, unit="pages"
    ) as progress:
        progress._start = start - 4
    assert "1 / 10 pages, 0.2 pages/s, 0:00:04 elapsed" in stream.getvalue()


def test_a_terminal_shows_one_line_that_is_updated():
    stream = Terminal()
    with Progress(5, lambda: 1, stream=stream, interval=0.02):
        time.sleep(0.1)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count("\r") > 1
