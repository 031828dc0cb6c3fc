-- On a cluster each host reads its own rows with the rights of whoever asked the first one.
GRANT$on_cluster SELECT ON $database.call_states_local TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.fragment_rows_local TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.dead_letter_rows_local TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.phone_log_rows_local TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.replay_rows_local TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.erasures_local TO callagent_analyst;
