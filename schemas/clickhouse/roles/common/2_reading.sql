-- What analysts may read: the views, and the tables behind them.
--
-- The views are SQL SECURITY INVOKER, so each query of a view reads the tables with the rights and
-- under the row policies of whoever asks. As DEFINER they would need no grant on the tables, but
-- would read with the rights and the policies of whoever made them: the view of calls would then
-- show every account to everybody. So the tables are granted too. That gives nothing away: the
-- views show the same rows and columns, and a row policy holds for both.
GRANT$on_cluster SELECT ON $database.calls TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.fragments TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.dead_letters TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.phone_logs TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.call_states TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.fragment_rows TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.dead_letter_rows TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.phone_log_rows TO callagent_analyst, callagent_one_account;

-- It has ids and places in Kafka, and nothing of a message; the view of dead letters joins it.
GRANT$on_cluster SELECT ON $database.replay_rows TO callagent_analyst, callagent_one_account;

GRANT$on_cluster SELECT ON $database.erasures TO callagent_analyst;

ALTER ROLE callagent_analyst$on_cluster SETTINGS PROFILE 'callagent_analyst';

ALTER ROLE callagent_one_account$on_cluster SETTINGS PROFILE 'callagent_analyst';

-- As soon as a table has a policy for one role, a server may hide all rows from everybody whom no
-- policy names (users_without_row_policies_can_read_rows = false, as older configurations have it):
-- the processors too. This one names them. Whoever belongs to one account is left out, so a role of
-- one account without a policy of its own sees nothing.
CREATE ROW POLICY OR REPLACE callagent_everyone$on_cluster
ON $policed
FOR SELECT USING 1 AS PERMISSIVE TO ALL EXCEPT callagent_one_account;
