-- A person or a tool with one of the roles, and nothing else.
CREATE USER OR REPLACE $user IDENTIFIED WITH sha256_hash BY $password_hash DEFAULT ROLE NONE;

GRANT $role TO $user;

ALTER USER $user DEFAULT ROLE $role;
