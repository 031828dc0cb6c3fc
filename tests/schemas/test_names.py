"""Names in the settings: what a store would refuse later is refused at once."""

import pytest
from minio.helpers import check_bucket_name

from schemas.names import FORMS
from schemas.settings import SettingError, load


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("clickhouse_database", value) for value in ("", "a b", "a-b", "1a", "a.b", "a;b", "ж")),
        *(("clickhouse_cluster", value) for value in (" ", "a-b", "'a'")),
        *(("s3_access_key", value) for value in ("", " ", "key\n")),
        *(("s3_secret_key", value) for value in ("", " ", "secret\n")),
        *(("s3_bucket", value) for value in ("", "ab", "a b c", "a/b", "-abc", "ж" * 3, "a" * 64)),
        *(("s3_bucket", value) for value in ("a..b", "a.-b", "a-.b", "10.0.0.1")),
        *(("s3_region", value) for value in ("EU", "eu west", "-eu", "eu-")),
    ],
)
def test_a_name_of_another_form_is_one_line_that_names_it(name: str, value: str) -> None:
    variable = f"CALLAGENT_{name.upper()}"
    with pytest.raises(SettingError) as error:
        load({variable: value})
    assert str(error.value).startswith(variable)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["abc", "a.b-c", "Old_Bucket:1", "1.2.3", "a" * 63])
def test_a_bucket_that_is_taken_here_is_taken_by_the_client_of_s3(name: str) -> None:
    assert FORMS["s3_bucket"].pattern.fullmatch(name)
    check_bucket_name(name)


def test_a_region_may_be_left_to_s3() -> None:
    assert load({"CALLAGENT_S3_REGION": ""}).s3_region == ""


def test_other_names_are_taken() -> None:
    found = load({"CALLAGENT_CLICKHOUSE_CLUSTER": "calls_1", "CALLAGENT_S3_REGION": "eu-central-1"})
    assert (found.clickhouse_cluster, found.s3_region) == ("calls_1", "eu-central-1")
