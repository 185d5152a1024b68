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

    with Progress(100, done, stream, interval=0.05):
        time.sleep(0.3)
    assert "0:00:0" in stream.getvalue()
    assert "left" in stream.getvalue()


def test_images_of_an_earlier_run_do_not_count_as_speed():
    stream = io.StringIO()
    start = time.monotonic()

    def done():
        return 100_000 + round(100 * (time.monotonic() - start))

    with Progress(200_000, done, stream, interval=0.05):
        time.sleep(0.3)
    rate = stream.getvalue().splitlines()[-1].split(", ")[1]
    assert int(rate.split()[0]) < 500


def test_a_terminal_shows_one_line_that_is_updated():
    stream = Terminal()
    with Progress(5, lambda: 1, stream, interval=0.02):
        time.sleep(0.1)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count("\r") > 1
