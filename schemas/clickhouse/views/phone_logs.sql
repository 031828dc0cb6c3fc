-- The rows of phone_log_rows, each once.
CREATE OR REPLACE VIEW $database.phone_logs$on_cluster SQL SECURITY INVOKER AS SELECT * FROM $database.phone_log_rows FINAL
