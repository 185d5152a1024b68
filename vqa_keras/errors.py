"""The error for invalid user input, printed without a traceback."""


class UserError(ValueError):
    """Raised for invalid user input: files, flags and data, not code.

    The message states what was expected and what was received. Commands print
    it and exit with status 2.

    Example:
    ```python
    try:
        records = vqa_keras.data.Records("records")
    except vqa_keras.errors.UserError as error:
        print(error)
    ```
    """
