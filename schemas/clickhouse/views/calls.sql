-- One correct row a call. The computed columns are those of schemas/outcome.py.
CREATE OR REPLACE VIEW $database.calls$on_cluster SQL SECURITY INVOKER AS
WITH
    (one, other) -> ifNull(one.1 IS NOT NULL AND other.1 IS NOT NULL AND NOT one.3 AND NOT other.3
        AND (dateDiff('second', one.1, other.1) NOT BETWEEN 0 AND $max_call_seconds
            OR (greatest(one.2, other.2) > $clock_tolerance_seconds
                AND abs(least(one.2, other.2)) <= $clock_tolerance_seconds
                AND abs(one.2 - other.2) > $clock_tolerance_seconds)), false) AS jumped,
    (one, other) -> if(one.3 != other.3 OR jumped(one, other)
        OR ifNull(dateDiff('second', one.1, other.1) NOT BETWEEN 0 AND $max_call_seconds, true),
        NULL, dateDiff('second', one.1, other.1)) AS seconds
SELECT
    account_id,
    CAST(mobile, 'String') AS mobile,
    uuid,
    the_direction AS direction,
    number_text AS number,
    number_kind,
    number_e164,
    multiIf(end_seen = 0 AND quiet_seconds > $incomplete_after_seconds, 'incomplete',
        end_seen = 0, 'in_progress',
        the_direction = 'outgoing', 'dialed',
        was_answered IS NULL, 'incomplete',
        was_answered, 'answered', 'missed') AS status,
    CAST(was_answered, 'Nullable(Bool)') AS answered,
    start.1 AS started_at,
    answer.1 AS answered_at,
    finish.1 AS ended_at,
    multiIf(the_direction = 'outgoing', NULL, was_answered = true, seconds(start, answer),
        was_answered = false, start_to_finish, NULL) AS ring_seconds,
    if(ifNull(was_answered, false), seconds(answer, finish), NULL) AS talk_seconds,
    multiIf(talk_seconds IS NOT NULL, talk_seconds, was_answered = false, NULL, start_to_finish)
        AS talk_seconds_max,
    start_to_finish AS total_seconds,
    arrayReverseSort(recordings_known)[1].object_key AS recording,
    arrayMap(item -> item.object_key, arrayReverseSort(recordings_known)) AS recordings,
    CAST(first_received, 'DateTime64(3, \'UTC\')') AS first_received_at,
    CAST(last_received, 'DateTime64(3, \'UTC\')') AS last_received_at,
    arrayMax(arrayFilter(item -> item IS NOT NULL,
        [start.2, answer.2, finish.2])) AS clock_error_seconds,
    arraySort(arrayDistinct(arrayConcat(flags_known,
        if(jumped_between OR jumped(start, finish), ['clock_jumped'], []),
        if(start.3 OR answer.3 OR finish.3, ['time_ambiguous'], []),
        if(direction_count > 1, ['directions_disagree'], []),
        if(answer_seen = 1 AND missed_seen = 1, ['answers_disagree'], [])))) AS flags,
    day
FROM
(
    SELECT
        account_id, mobile, uuid, day, answer_seen, missed_seen, end_seen,
        arrayReverseSort(directions)[1] AS the_direction,
        length(directions) AS direction_count,
        -- number.text would be read as a column of its own, which FINAL does not merge.
        CAST(number, 'Tuple(rank UInt8, e164 String, kind String, text String)') AS best_number,
        best_number.text AS number_text,
        best_number.kind AS number_kind,
        nullIf(best_number.e164, '') AS number_e164,
        multiIf(the_direction = 'outgoing', NULL, answer_seen = 1, true,
            missed_seen = 1, false, NULL) AS was_answered,
        (ifNull(started_at, started_at_ambiguous), start_clock_error_seconds,
            started_at IS NULL AND started_at_ambiguous IS NOT NULL) AS start,
        (ifNull(answered_at, answered_at_ambiguous), answer_clock_error_seconds,
            answered_at IS NULL AND answered_at_ambiguous IS NOT NULL) AS answer,
        (ifNull(ended_at, ended_at_ambiguous), end_clock_error_seconds,
            ended_at IS NULL AND ended_at_ambiguous IS NOT NULL) AS finish,
        jumped(start, answer) OR jumped(answer, finish) AS jumped_between,
        if(jumped_between, NULL, seconds(start, finish)) AS start_to_finish,
        recordings AS recordings_known,
        flags AS flags_known,
        first_received_at AS first_received,
        last_received_at AS last_received,
        dateDiff('millisecond', last_received_at, now64(3)) / 1000 AS quiet_seconds
    FROM $database.call_states FINAL
)
