-- Each erasure: when, who, what (as a keyed hash), why, and how much. Nothing erased can be read here.
CREATE TABLE IF NOT EXISTS $database.erasures$local
(
    id String,
    erased_at DateTime64(3, 'UTC'),
    who String,
    kind LowCardinality(String),
    scope_hash String,
    received_until DateTime64(3, 'UTC'),
    for_ever Bool,
    why String,
    calls UInt64,
    fragments UInt64,
    dead_letters UInt64,
    phone_logs UInt64,
    objects UInt64,
    outcome LowCardinality(String)
)
ENGINE = ${replicated}MergeTree$keeper
ORDER BY erased_at
