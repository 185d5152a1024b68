"""All models again, in float64 NumPy, from token ids to logits.

Written from the formulas of the papers and of the docstrings, independent of
`keras.ops` and of the layers. `Weights` is all that the oracle takes from a
model. It answers one question at a time, without padding: it needs no mask,
and whatever a model lets through from its padding is a difference.

    weights = Weights({weight.path: array})
    model = Stacked(weights, num_hops=2)
    for question in questions(batch):
        logits, attention = model.answer(question)
"""

from tests.models.oracle.co_attention import Dual
from tests.models.oracle.co_attention import Hierarchical
from tests.models.oracle.co_attention import Independent
from tests.models.oracle.co_attention import Joint
from tests.models.oracle.co_attention import JointlyConditioned
from tests.models.oracle.front_end import bilstm
from tests.models.oracle.front_end import questions
from tests.models.oracle.front_end import self_attention
from tests.models.oracle.heads import DenseSymmetric
from tests.models.oracle.heads import IntraInter
from tests.models.oracle.heads import Transformer
from tests.models.oracle.image_attention import Channel
from tests.models.oracle.image_attention import CNNLayer
from tests.models.oracle.image_attention import Cosine
from tests.models.oracle.image_attention import Multilevel
from tests.models.oracle.image_attention import Parametric
from tests.models.oracle.image_attention import QuestionOnly
from tests.models.oracle.image_attention import SpatialChannel
from tests.models.oracle.image_attention import Stacked
from tests.models.oracle.image_attention import Vanilla
from tests.models.oracle.weights import Weights
