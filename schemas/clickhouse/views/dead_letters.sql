-- The rows of dead_letter_rows, each once, and when it was replayed last. A message that is refused
-- again after its replay lies elsewhere in Kafka: that letter was not replayed.
CREATE OR REPLACE VIEW $database.dead_letters$on_cluster SQL SECURITY INVOKER AS
SELECT letters.*, replays.replayed_at AS replayed_at
FROM (SELECT * FROM $database.dead_letter_rows FINAL) AS letters
LEFT JOIN
(
    SELECT id, reason, topic, partition, offset,
        CAST(max(replayed_at), 'Nullable(DateTime64(3, \'UTC\'))') AS replayed_at
    FROM $database.replay_rows
    WHERE outcome = 'replayed'
    GROUP BY id, reason, topic, partition, offset
) AS replays
USING (id, reason, topic, partition, offset)
