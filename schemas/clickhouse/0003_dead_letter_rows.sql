-- Each message that could not be believed, with its bytes and the reason.
CREATE TABLE IF NOT EXISTS $database.dead_letter_rows$local
(
    id String,
    reason LowCardinality(String),
    detail String,
    kind LowCardinality(String),
    account_id String,
    mobile String,
    uuid String,
    received_at DateTime64(3, 'UTC'),
    path String,
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    size UInt64,
    body String
)
ENGINE = ${replicated}ReplacingMergeTree$keeper
PARTITION BY toYYYYMM(received_at)
ORDER BY (account_id, received_at, id, reason)
