"""Readers of annotation formats, and the table of questions they fill."""
