import numpy as np

from vqa_keras.visualization.contact_sheet import contact_sheet

RED, BLUE = (200, 0, 0), (0, 0, 200)


def example(color=RED, size=(40, 80), boxes=()):
    image = None if color is None else np.full((*size, 3), color, "uint8")
    question = "what color has the thing on the table behind the house? " * 3
    return {
        "image": image,
        "question": question,
        "answer": "red",
        "boxes": list(boxes),
    }


def test_every_image_is_on_the_sheet_in_its_proportions():
    sheet = np.asarray(contact_sheet([example(), example(BLUE, (90, 30))], 2))
    rows, columns = np.nonzero((sheet == RED).all(-1))
    assert np.ptp(columns) + 1 == 192 and np.ptp(rows) + 1 == 96
    rows, columns = np.nonzero((sheet == BLUE).all(-1))
    assert np.ptp(columns) + 1 == 64 and np.ptp(rows) + 1 == 192


def test_boxes_are_drawn_on_the_scaled_image():
    plain = np.asarray(contact_sheet([example()]))
    drawn = np.asarray(contact_sheet([example(boxes=[[20, 10, 40, 30]])]))
    rows, columns = np.nonzero((plain != drawn).any(-1))
    # The image is enlarged 192 / 80 times.
    assert abs(np.ptp(columns) - 20 * 2.4) <= 1
    assert abs(np.ptp(rows) - 20 * 2.4) <= 1


def test_a_missing_image_keeps_its_place():
    one = contact_sheet([example(None)])
    five = contact_sheet([example(None), *[example()] * 4])
    assert five.width > one.width and five.height > one.height
