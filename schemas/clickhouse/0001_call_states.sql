-- What is known of each call, joined by the same functions as schemas/call.py joins it.
CREATE TABLE IF NOT EXISTS $database.call_states$local
(
    account_id String,
    day Date,
    uuid String,
    mobile SimpleAggregateFunction(max, String),
    directions SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    number SimpleAggregateFunction(max, Tuple(rank UInt8, e164 String, kind String, text String)),
    started_at SimpleAggregateFunction(min, Nullable(DateTime('UTC'))),
    answered_at SimpleAggregateFunction(min, Nullable(DateTime('UTC'))),
    ended_at SimpleAggregateFunction(min, Nullable(DateTime('UTC'))),
    started_at_ambiguous SimpleAggregateFunction(min, Nullable(DateTime('UTC'))),
    answered_at_ambiguous SimpleAggregateFunction(min, Nullable(DateTime('UTC'))),
    ended_at_ambiguous SimpleAggregateFunction(min, Nullable(DateTime('UTC'))),
    start_clock_error_seconds SimpleAggregateFunction(max, Nullable(Int32)),
    answer_clock_error_seconds SimpleAggregateFunction(max, Nullable(Int32)),
    end_clock_error_seconds SimpleAggregateFunction(max, Nullable(Int32)),
    answer_seen SimpleAggregateFunction(max, UInt8),
    missed_seen SimpleAggregateFunction(max, UInt8),
    end_seen SimpleAggregateFunction(max, UInt8),
    recordings SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(size UInt64, object_key String))),
    flags SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    first_received_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_received_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    INDEX uuid_index uuid TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ${replicated}AggregatingMergeTree$keeper
PARTITION BY toYYYYMM(day)
ORDER BY (account_id, day, uuid)
