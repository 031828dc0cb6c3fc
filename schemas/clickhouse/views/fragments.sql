-- The rows of fragment_rows, each once.
CREATE OR REPLACE VIEW $database.fragments AS SELECT * FROM $database.fragment_rows FINAL
