-- The rows of fragment_rows, each once.
CREATE OR REPLACE VIEW $database.fragments$on_cluster SQL SECURITY INVOKER AS SELECT * FROM $database.fragment_rows FINAL
