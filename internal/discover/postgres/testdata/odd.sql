-- A foreign database: no name here follows the rules of the sample database.
create schema "Shop Floor";
create schema "a.b";
create schema secret;

create domain "Shop Floor".moment as timestamptz;

create function "Shop Floor"."setMod"() returns trigger language plpgsql as $$
begin
  -- new.fake := now();
  NEW . "Last ""Edit""" = CURRENT_TIMESTAMP;
  return NEW;
end $$;

-- The cursor is known by its trigger alone, and is of a domain.
create table "Shop Floor"."Order; drop table x" (
  "Id" bigint primary key,
  "Last ""Edit""" "Shop Floor".moment not null,
  fake timestamptz not null default now()
);
create trigger t before insert or update on "Shop Floor"."Order; drop table x" for each row execute function "Shop Floor"."setMod"();
create index "by edit" on "Shop Floor"."Order; drop table x" ("Last ""Edit""");

-- A trigger that does not run before every update does not keep the column.
create function "Shop Floor".seen() returns trigger language plpgsql as $$ begin new.seen := now(); return new; end $$;
create table "Shop Floor".sometimes (id int primary key, price int, seen timestamptz not null default now());
create trigger t before update of price on "Shop Floor".sometimes for each row execute function "Shop Floor".seen();

-- NULL until the first update: the time at which the row was made stands in.
create table "a.b"."größe" (id uuid primary key, created_at timestamptz not null default now(), updated_at timestamptz);
-- NULL, and nothing stands in: the key tells rows apart.
create table "a.b".maybe (id int primary key, "ModifiedDate" timestamp);
-- NULL, and nothing tells rows apart.
create table "a.b".keyless (v int, modified timestamptz);
insert into "a.b".keyless select g, case when g % 4 > 0 then now() end from generate_series(1, 1000) g;
-- May be NULL, though none is.
create table "a.b".filled (v int, last_update date);
insert into "a.b".filled select g, '2024-01-01' from generate_series(1, 1000) g;
-- The name alone would be a guess.
create table "a.b".guess (id int generated always as identity primary key, password_changed_at timestamptz, inserted timestamptz default now());
-- A unique index whose columns are never NULL is as good as a primary key; one that is deferred or partial is not.
create table "a.b".uniq (a int not null, b text not null, c int, unique (a, b), unique (c), unique (a) deferrable initially deferred);

-- Types that have no exact place.
create type "a.b".complex as (r float8, i float8);
create type "a.b".mood as enum ('sad', 'happy');
create domain "a.b".price as numeric;
create table "a.b".typed (
  id int primary key, bare numeric, wide numeric(60, 2), fits numeric(38, 38), list numeric[], d "a.b".price,
  c "a.b".complex, m "a.b".mood, x xml, happened timestamp, amount numeric(10, 2)
);
insert into "a.b".typed (id, happened, amount) select g, 'infinity', 'NaN' from generate_series(1, 10) g;

-- A moment that has another year in another time zone, and one that only its style of dates would hide.
create table "a.b".edges (id int primary key, first timestamptz, far date);
insert into "a.b".edges select g, '0001-01-01 00:00+00', '12024-01-01' from generate_series(1, 10) g;

-- Arrays of a shape that Parquet lists have not, and some that only look like it.
create table "a.b".arrays (id int primary key, matrix int[], later text[], days date[], flat text[], declared int[][]);
insert into "a.b".arrays select g, array[[g, 2], [3, 4]], '[0:1]={a,b}', '{infinity}', array['{{1},{2}}', ',"{{', '[0:1]=']
  from generate_series(1, 10) g;

-- Partitions are part of their table, children land with it.
create table "a.b".measured (at timestamptz not null, v float8) partition by range (at);
create table "a.b".measured_1 partition of "a.b".measured for values from ('2024-01-01') to ('2024-02-01');
create table "a.b".measured_2 partition of "a.b".measured for values from ('2024-02-01') to ('2024-03-01');
create table "a.b".parent (id int primary key);
create table "a.b".child (extra text) inherits ("a.b".parent);

-- Names that get one workflow name, and one that no workflow may have.
create table "a.b"."x y" (id int primary key);
create table "a.b"."x?y" (id int primary key);
create table "a.b"."t_landfall_new" (id int primary key);

-- What cannot be landed.
create table "a.b".nothing ();
create table "a.b".twice (a int, "A" int);
create table "a.b".ours (id int, "Ingestion_Timestamp" date);
create view "a.b".looked as select * from "a.b".uniq;
create materialized view "a.b".kept as select * from "a.b".uniq;

-- What the login may not read.
create table secret.whole (id int);
create table "a.b".denied (id int);
create table "a.b".half (id int, salary int, "home address" text);
create table "a.b".secretive (id int, a int, b int, c int, d int, e int, f int, g int);
create table "a.b".hidden (id int);
alter table "a.b".hidden enable row level security;
create policy p on "a.b".hidden using (id < 5);

create role reader login password 'reader';
alter role reader set timezone = 'America/New_York';
alter role reader set datestyle = 'German';
grant usage on schema "Shop Floor", "a.b" to reader;
grant select on all tables in schema "Shop Floor", "a.b" to reader;
revoke select on "a.b".denied, "a.b".half, "a.b".secretive from reader;
grant select (id) on "a.b".half to reader;
grant select (id) on "a.b".secretive to reader;

analyze;
