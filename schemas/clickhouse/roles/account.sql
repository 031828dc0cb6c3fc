-- A role that reads one account: a dead letter that names no account is nobody's. account_id is the
-- first of the sorting key, so the policy is cheap, and it takes whole calls, so FINAL merges under
-- it what it merges without it.
CREATE ROLE IF NOT EXISTS $role$on_cluster;

GRANT$on_cluster callagent_one_account TO $role;

CREATE ROW POLICY OR REPLACE $role$on_cluster
ON $policed
FOR SELECT USING account_id = $account AS PERMISSIVE TO $role;
