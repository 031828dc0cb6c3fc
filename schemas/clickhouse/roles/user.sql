-- A person or a tool with one of the roles, and nothing else.
CREATE USER OR REPLACE $user$on_cluster IDENTIFIED WITH sha256_hash BY $password_hash DEFAULT ROLE NONE;

GRANT$on_cluster $role TO $user;

ALTER USER $user$on_cluster DEFAULT ROLE $role;
