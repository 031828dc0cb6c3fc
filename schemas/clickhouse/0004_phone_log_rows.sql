-- Each log file that a phone sent, and where its object is.
CREATE TABLE IF NOT EXISTS $database.phone_log_rows$local
(
    account_id String,
    mobile String,
    id String,
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    received_at DateTime64(3, 'UTC'),
    file_name String,
    size UInt64,
    sha256 String,
    object_key String
)
ENGINE = ${replicated}ReplacingMergeTree$keeper
PARTITION BY toYYYYMM(received_at)
ORDER BY (account_id, mobile, id)
