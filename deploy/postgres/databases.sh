#!/bin/sh
# A role and a database for every service, from the URLs in $SECRETS; done again it changes nothing but passwords.
#
# Not a script of /docker-entrypoint-initdb.d, which runs for an empty volume only: a sixth service or a new password
# would never reach it. Each role owns its database and may connect to no other. Passwords travel by stdin and the
# environment, so that they show in no list of processes.
set -eu
secrets=${SECRETS:-/run/secrets}

PGPASSWORD=$(cat "$secrets/postgres-password")
export PGPASSWORD PGHOST="${PGHOST:-postgres}" PGUSER=postgres PGDATABASE=postgres
export PGOPTIONS='-c client_min_messages=warning'

run() {
    psql -X -q -v ON_ERROR_STOP=1 -f - "$@"
}

echo 'revoke connect on database postgres, template1 from public;' | run

for file in "$secrets"/*-database-url; do
    name=$(basename "$file" -database-url)
    password=$(sed -E 's|^[a-z+]+://[^:]+:([^@]+)@.*$|\1|' "$file")
    {
        printf "\\\\set password '%s'\n" "$password"
        cat <<SQL
select 'create role $name login' where not exists (select from pg_roles where rolname = '$name') \\gexec
alter role $name login password :'password' nosuperuser nocreatedb nocreaterole noreplication;
select 'create database $name owner $name template template0 encoding ''UTF8'''
       ' locale_provider builtin builtin_locale ''C.UTF-8'' locale ''C'''
 where not exists (select from pg_database where datname = '$name') \\gexec
revoke connect, temporary on database $name from public;
SQL
    } | run
    # A role owns its database and nothing beyond it: extensions are made for it.
    for extension in pg_trgm unaccent btree_gist; do
        echo "create extension if not exists $extension;" | run -d "$name"
    done
    echo "database $name is there"
done
