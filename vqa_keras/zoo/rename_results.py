r"""Gives the results of vqa_keras 0.1 the names of this version.

    python -m vqa_keras.zoo.rename_results runs/*/results.json

Renames `floors` to `baselines`, `peak` to `pointing_accuracy`, `hop_1` (the
attention over regions) to `regions_1`, `num_nowhere` (an argument of
`DenseSymmetricBackbone`) to `num_null_slots`, and the baseline `question_only`
to `same_question`. Numbers do not change. A file with the new names is left as
it is.
"""

import json

from vqa_keras.command import run
from vqa_keras.errors import UserError
from vqa_keras.files import read_json
from vqa_keras.files import write_json
from vqa_keras.renamed import rename_results


def main(argv):
    if not argv[1:]:
        raise UserError(
            "The results.json files to rename must be given. Received: none"
        )
    for path in argv[1:]:
        print(f"{'renamed' if _rename(path) else 'current':12} {path}")


def _rename(path):
    """Renames the keys of a file; returns whether any was an old name."""
    results = read_json(path)
    try:
        renamed = rename_results(results)
        changed = json.dumps(renamed) != json.dumps(results)
        if changed:
            write_json(path, renamed)
    except RecursionError as error:
        raise UserError(
            f"{path} must be a results.json. Received: values nested too deep "
            "for one"
        ) from error
    return changed


if __name__ == "__main__":
    run(main)
