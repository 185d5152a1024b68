"""Readers of annotation formats and the `QuestionTable` that they fill."""
