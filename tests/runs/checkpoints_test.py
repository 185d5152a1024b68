import keras
import numpy as np
import pytest

from vqa_keras.errors import UserError
from vqa_keras.runs import checkpoints


def test_a_disk_without_room_stops_before_anything_is_written(
    tmp_path, monkeypatch
):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda _: full)
    x, y = np.ones((4, 2)), np.ones((4, 1))
    with pytest.raises(
        UserError, match="must have .* bytes.* Received: 1,000 b"
    ):
        model.fit(
            x,
            y,
            validation_data=(x, y),
            callbacks=[checkpoints.Checkpoints(tmp_path, "val_loss")],
            verbose=0,
        )
    assert not list(tmp_path.glob("*.h5"))
