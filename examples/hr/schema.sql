-- The sample database: employees, locations and jobs of a company, and one table
-- with every type that is hard to convert. Run it in a database named hr, then
-- run data.sql. If you run it again, it recreates everything.
begin;

drop schema if exists hr cascade;
create schema hr;

-- Sets updated_at on every update, whatever the client sets. Incremental loads
-- rely on it.
create function hr.touch() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end
$$;

-- Without updated_at, this table needs a full load.
create table hr.regions (
  region_id   smallint primary key,
  region_name text not null unique
);

create table hr.countries (
  country_id   char(2) primary key,
  country_name text not null,
  region_id    smallint not null references hr.regions,
  currency     char(3) not null,
  updated_at   timestamptz not null default now()
);

create table hr.locations (
  location_id    integer primary key,
  street_address text not null,
  postal_code    text,
  city           text not null,
  state_province text,
  country_id     char(2) not null references hr.countries,
  latitude       numeric(9, 6),
  longitude      numeric(9, 6),
  updated_at     timestamptz not null default now()
);

create table hr.departments (
  department_id   integer primary key,
  department_name text not null,
  manager_id      bigint,
  location_id     integer not null references hr.locations,
  budget          numeric(14, 2) not null,
  updated_at      timestamptz not null default now()
);

create table hr.jobs (
  job_id     varchar(12) primary key,
  job_title  text not null,
  min_salary numeric(10, 2) not null,
  max_salary numeric(10, 2) not null,
  updated_at timestamptz not null default now(),
  check (min_salary <= max_salary)
);

create table hr.employees (
  employee_id     bigint primary key,
  first_name      text not null,
  last_name       text not null,
  email           text not null unique,
  phone           text,
  hire_date       date not null,
  job_id          varchar(12) not null references hr.jobs,
  salary          numeric(10, 2) not null,
  commission_pct  numeric(4, 3),
  manager_id      bigint references hr.employees deferrable initially deferred,
  department_id   integer references hr.departments,
  employment_type text not null check (employment_type in ('contract', 'full-time', 'part-time')),
  updated_at      timestamptz not null default now()
);
create index on hr.employees (updated_at);

-- Departments refer to their managers, and managers refer to departments.
alter table hr.departments add foreign key (manager_id) references hr.employees deferrable initially deferred;

create table hr.job_history (
  employee_id   bigint not null references hr.employees,
  start_date    date not null,
  end_date      date not null,
  job_id        varchar(12) not null references hr.jobs,
  department_id integer not null references hr.departments,
  updated_at    timestamptz not null default now(),
  primary key (employee_id, start_date),
  check (start_date < end_date)
);
create index on hr.job_history (updated_at);

create table hr.dependents (
  employee_id  bigint not null references hr.employees,
  dependent_no smallint not null,
  first_name   text not null,
  relationship text not null,
  birth_date   date,
  updated_at   timestamptz not null default now(),
  primary key (employee_id, dependent_no)
);

create type hr.mood as enum ('sad', 'so-so', 'happy', 'it''s "complicated"');

create table hr.everything (
  id            integer primary key,
  small_value   smallint,
  big_value     bigint,
  exact_amount  numeric(38, 10),
  any_number    numeric,
  ratio         double precision,
  single        real,
  is_active     boolean,
  code          char(8),
  label         varchar(40),
  note          text,
  birthday      date,
  local_time    timestamp,
  happened_at   timestamptz,
  "order"       integer not null,
  "createdBy"   text,
  token         uuid,
  document      jsonb,
  labels        text[],
  numbers       integer[],
  payload       bytea,
  mood          hr.mood,
  duration      interval,
  updated_at    timestamptz not null default now()
);

create trigger touch before update on hr.countries   for each row execute function hr.touch();
create trigger touch before update on hr.locations   for each row execute function hr.touch();
create trigger touch before update on hr.departments for each row execute function hr.touch();
create trigger touch before update on hr.jobs        for each row execute function hr.touch();
create trigger touch before update on hr.employees   for each row execute function hr.touch();
create trigger touch before update on hr.job_history for each row execute function hr.touch();
create trigger touch before update on hr.dependents  for each row execute function hr.touch();
create trigger touch before update on hr.everything  for each row execute function hr.touch();

commit;
