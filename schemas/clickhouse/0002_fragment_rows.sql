-- Each accepted POST as it came; repeats of one message (the same id) fold away.
CREATE TABLE IF NOT EXISTS $database.fragment_rows$local
(
    kind LowCardinality(String),
    account_id String,
    mobile String,
    uuid String,
    id String,
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    received_at DateTime64(3, 'UTC'),
    path String,
    file_name String,
    size UInt64,
    sha256 String,
    body String
)
ENGINE = ${replicated}ReplacingMergeTree$keeper
PARTITION BY toYYYYMM(received_at)
ORDER BY (account_id, uuid, id)
