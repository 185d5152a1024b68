"""Normalizes questions and answers, and builds and reads vocabularies."""

from vqa_keras.text.answers import ANSWER_RULES
from vqa_keras.text.answers import fold_answer
from vqa_keras.text.answers import most_common_answer
from vqa_keras.text.answers import normalize_answer
from vqa_keras.text.answers import soft_scores
from vqa_keras.text.ngrams import count_ngrams
from vqa_keras.text.normalize import normalize
from vqa_keras.text.normalize import split
from vqa_keras.text.question_tokenizer import QuestionTokenizer
from vqa_keras.text.vocabulary import build_vocabulary
from vqa_keras.text.vocabulary import question_vocabulary
from vqa_keras.text.vocabulary import read_vocabulary
from vqa_keras.text.vocabulary import write_vocabulary
from vqa_keras.text.word_vectors import read_word_vectors
