-- Each time that somebody replayed a dead letter, and what came of it.
CREATE TABLE IF NOT EXISTS $database.replay_rows$local
(
    id String,
    reason LowCardinality(String),
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    replayed_at DateTime64(3, 'UTC'),
    outcome LowCardinality(String)
)
ENGINE = ${replicated}MergeTree$keeper
ORDER BY (id, replayed_at)
