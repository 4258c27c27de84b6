-- The postgres image runs this once, as its superuser, when its volume is new. Two roles, neither of them a superuser:
-- ivigilant_owner owns the tables and migrates them; ivigilant runs, and can only read and write rows. So no process
-- that a sender or a browser reaches can drop a table, or a trigger that keeps a table from being changed.
\set ON_ERROR_STOP on
\set owner_password `cat /run/secrets/postgres_owner_password`
\set runtime_password `cat /run/secrets/postgres_runtime_password`

CREATE ROLE ivigilant_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE ivigilant LOGIN PASSWORD :'runtime_password';
CREATE DATABASE ivigilant OWNER ivigilant_owner TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE ivigilant FROM PUBLIC;
GRANT CONNECT ON DATABASE ivigilant TO ivigilant;

\connect ivigilant
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ivigilant;
ALTER DEFAULT PRIVILEGES FOR ROLE ivigilant_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ivigilant;
ALTER DEFAULT PRIVILEGES FOR ROLE ivigilant_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO ivigilant;
