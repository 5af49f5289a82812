from __future__ import annotations

import pytest

from tlx.texts.secret_names import is_secret_name, is_secret_parameter, name_words

SECRET = [
    "password", "passwd", "db_pwd", "PASSWORD", "dbpassword", "spark.ssl.keyPassword",
    "spark.ssl.trustStorePassword", "spark.hadoop.fs.s3a.secret.key",
    "spark.hadoop.fs.s3a.access.key", "spark.authenticate.secret",
    "spark.hadoop.fs.azure.account.key.x.blob.core.windows.net", "api_key", "apiKey", "API-KEY",
    "apikey", "hf_token", "HUGGINGFACE_TOKEN", "token",
    "spark.kubernetes.authenticate.oauthToken", "client_secret", "private_key", "privateKeyPem",
    "aws_session_token", "AWS_SECRET_ACCESS_KEY", "Authorization", "credential",
    "spark.redis.auth", "DB_PASS", "pass", "passphrase", "SharedAccessSignature",
    "proxy.credentials",
]  # fmt: skip
PLAIN = [
    "tokenizer", "max_tokens", "num_tokens", "pad_token", "class_token", "keyboard", "monkey",
    "keyword", "secretary", "secretaries", "compass", "bypass", "passport", "passenger",
    "forward_pass", "author", "authority", "spark.authenticate", "authentication", "key",
    "primary_key", "logger.tracking_uri", "optimizer.lr", "spark.ssl.keyStore", "access",
    "spark.hadoop.fs.s3a.aws.credentials.provider", "password_file", "data.password_column",
    "signature", "backbone.weights", "classes", "tokens", "x",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET)
def test_is_secret_name_of_a_secret_is_true_in_any_spelling(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN)
def test_is_secret_name_of_a_word_that_only_looks_like_one_is_false(name: str) -> None:
    assert not is_secret_name(name)


def test_name_words_splits_at_dots_underscores_hyphens_and_capitals() -> None:
    assert name_words("spark.ssl.keyPassword") == ["spark", "ssl", "key", "password"]
    assert name_words("APIKey-v2_x") == ["api", "key", "v", "2", "x"]


def test_is_secret_parameter_takes_what_only_queries_call_so() -> None:
    assert is_secret_parameter("sig")
    assert is_secret_parameter("X-Amz-Signature")
    assert is_secret_parameter("key")
    assert is_secret_parameter("access_token")
    assert not is_secret_parameter("sv")
    assert not is_secret_parameter("experiment")
