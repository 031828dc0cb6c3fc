-- What all analysts share: they only read, and no query of theirs can stop the server for others.
-- readonly = 2: clients of BI tools set formats and the like; the limits cannot be raised.
CREATE SETTINGS PROFILE IF NOT EXISTS callagent_analyst$on_cluster;

ALTER SETTINGS PROFILE callagent_analyst$on_cluster SETTINGS
    readonly = 2 CONST,
    allow_ddl = 0 CONST,
    allow_introspection_functions = 0 CONST,
    max_execution_time = 60 MIN 1 MAX 300,
    timeout_overflow_mode = 'throw' CONST,
    max_memory_usage = 4000000000 MIN 1 MAX 4000000000,
    max_memory_usage_for_user = 8000000000 CONST,
    max_concurrent_queries_for_user = 10 CONST,
    max_result_rows = 10000000 MIN 1 MAX 10000000,
    priority = 10 CONST;

CREATE QUOTA OR REPLACE callagent_analyst$on_cluster KEYED BY user_name
FOR INTERVAL 1 hour MAX queries = 3600, execution_time = 3600
TO callagent_analyst, callagent_one_account;
