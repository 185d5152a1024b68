import pytest

from vqa_keras.layers.arguments import check_size


def test_accepts_the_smallest_size():
    check_size("hidden_dim", 2, minimum=2)


@pytest.mark.parametrize("size", [1, -4, 2.0, "2", True, None])
def test_names_the_requirement_and_the_received_value(size):
    message = (
        f"`hidden_dim` must be an integer of at least 2. Received: {size!r}"
    )
    with pytest.raises(ValueError) as error:
        check_size("hidden_dim", size, minimum=2)
    assert str(error.value) == message
