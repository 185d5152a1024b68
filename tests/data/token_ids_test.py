import numpy as np
import pytest

from vqa_keras.data import Records
from vqa_keras.data import token_ids
from vqa_keras.errors import UserError


@pytest.mark.parametrize("in_vocabulary_only", [False, True])
def test_token_ids_are_those_of_the_questions(records, in_vocabulary_only):
    opened = Records(records)
    expected = [
        question.token_ids
        for question in opened.questions("train")
        if question.answer_id >= 0 or not in_vocabulary_only
    ]
    found = token_ids(opened, "train", in_vocabulary_only=in_vocabulary_only)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_an_unknown_split_is_refused(records):
    with pytest.raises(UserError, match="nowhere"):
        token_ids(Records(records), "nowhere")
