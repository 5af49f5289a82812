from __future__ import annotations

import pytest

from tlx.texts.redaction import (
    MARK,
    redact,
    redact_argument,
    redact_text,
    redacted_keys_of,
    redacted_names,
    redacted_now,
)

REDACTED = {
    "postgresql://u:p%40ss@h:5432/db": f"postgresql://{MARK}@h:5432/db",
    "https://tok3n@host/x": f"https://{MARK}@host/x",
    "https://u:p@ss@h/x": f"https://{MARK}@h/x",
    "redis://:pw@h": f"redis://{MARK}@h",
    "postgresql://u:pa/ss@h/db": f"postgresql://{MARK}@h/db",
    "//u:p@h/x": f"//{MARK}@h/x",
    "a://u:p@h,b+c://x:y@k d://k": f"a://{MARK}@h,b+c://{MARK}@k d://k",
    "https://proxy/https://u:p@h/": f"https://proxy/https://{MARK}@h/",
    "uri='mysql://u:p@h'": f"uri='mysql://{MARK}@h'",
    "jdbc:postgresql://h/db?user=x&password=hunter2": (
        f"jdbc:postgresql://h/db?user=x&password={MARK}"
    ),
    "jdbc:sqlserver://h;user=a;password=hunter2;x=1": (
        f"jdbc:sqlserver://h;user=a;password={MARK};x=1"
    ),
    "jdbc:oracle:thin:scott/tiger@//h:1521/x": f"jdbc:oracle:thin:{MARK}@//h:1521/x",
    "https://b/x?sv=1&sig=abc%3D&se=2": f"https://b/x?sv=1&sig={MARK}&se=2",
    "https://h/?access_token=abc": f"https://h/?access_token={MARK}",
    "https://h/x?key=AIza&z=1": f"https://h/x?key={MARK}&z=1",
    "?X-Amz-Signature=abc&X-Amz-Date=1": f"?X-Amz-Signature={MARK}&X-Amz-Date=1",
    "Server=x;Uid=u;Pwd=hunter2;": f"Server=x;Uid=u;Pwd={MARK};",
    "AccountName=x;AccountKey=abc==;E=y": f"AccountName=x;AccountKey={MARK};E=y",
    "host=h password='a b' user=u": f"host=h password='{MARK}' user=u",
    "--conf=spark.x.secret=abc": f"--conf=spark.x.secret={MARK}",
    "-Dx.trustStorePassword=abc -Xss4m": f"-Dx.trustStorePassword={MARK} -Xss4m",
    "{spark.hadoop.fs.s3a.secret.key:abc,spark.x:1}": (
        f"{{spark.hadoop.fs.s3a.secret.key:{MARK},spark.x:1}}"
    ),
    "{'a': {'password': 'p\\'q'}, 'x': 1}": f"{{'a': {{'password': '{MARK}'}}, 'x': 1}}",
    '{"api_key": "abc"}': f'{{"api_key": "{MARK}"}}',
    "fs.s3a.secret.key: abc": f"fs.s3a.secret.key: {MARK}",
    "password: hunter2": f"password: {MARK}",
    "Authorization: Bearer abcdefghijk": f"Authorization: Bearer {MARK}",
    "password=${oc.env:PW,hunter2}": f"password={MARK}",
}
PLAIN = [
    "sqlite:///outputs/mlflow.db",
    "sqlite:///a@b/c.db",
    "https://h:8080/a@2x.png",
    "https://github.com/u/r@v1",
    "git@github.com:x/y",
    "mailto:a@b.c",
    "strategy=partial seed=1 trainer.epochs=3",
    "tokenizer=bert max_tokens=5 keyboard=us secretary=Ann class_token=3",
    "password authentication failed for user 'x'",
    "wrong token: 5",
    "Basic usage information",
    "password=${oc.env:PW}",
    "spark.authenticate=true",
    "use_password=true token=null",
    "12:30:45 INFO a/b: c",
]


@pytest.mark.parametrize("text", REDACTED)
def test_redact_text_leaves_secrets_out_and_the_rest_as_it_is(text: str) -> None:
    assert redact_text(text) == REDACTED[text]
    assert redact_text(REDACTED[text]) == REDACTED[text]


@pytest.mark.parametrize("text", PLAIN)
def test_redact_text_without_a_secret_changes_nothing(text: str) -> None:
    assert redact_text(text) == text


def test_redact_argument_takes_the_whole_value_of_a_secret_key() -> None:
    asked = "+hydra.launcher.conf.spark.ssl.keyPassword='a b, c'"
    assert redact_argument(asked) == f"+hydra.launcher.conf.spark.ssl.keyPassword={MARK}"
    assert redact_argument("logger.tracking_uri=mysql://u:p@h/db") == (
        f"logger.tracking_uri=mysql://{MARK}@h/db"
    )
    assert redact_argument("data.classes=[token,password]") == "data.classes=[token,password]"
    assert redact_argument("~logger.password") == "~logger.password"
    assert redact_argument("x.password=${oc.env:PW}") == "x.password=${oc.env:PW}"
    assert redacted_keys_of([asked, "seed=1"]) == [asked[1:].partition("=")[0]]


def test_redact_of_containers_keeps_switches_numbers_and_the_given_containers() -> None:
    given = {
        "logger": {"tracking_uri": "http://u:p@h", "experiment": "tlx"},
        "x": [{"password": "hunter2"}, {"password": 12345, "use_password": True, "token": None}],
        "y": {"max_token": 5, "secret": 0.5},
    }
    redacted = redact(given)
    assert redacted == {
        "logger": {"tracking_uri": f"http://{MARK}@h", "experiment": "tlx"},
        "x": [{"password": MARK}, {"password": MARK, "use_password": True, "token": None}],
        "y": {"max_token": 5, "secret": 0.5},
    }
    assert given["logger"] == {"tracking_uri": "http://u:p@h", "experiment": "tlx"}
    assert redacted_names(redacted) == ["logger.tracking_uri", "x.password"]
    assert redacted_now(given, redacted) == ["logger.tracking_uri", "x.password"]
    assert redacted_now(redacted, redact(redacted)) == []
