-- The role that reads every account, and the one that all roles of one account belong to.
CREATE ROLE IF NOT EXISTS callagent_analyst$on_cluster;

CREATE ROLE IF NOT EXISTS callagent_one_account$on_cluster;
