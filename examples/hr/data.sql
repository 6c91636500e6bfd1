-- Rows for schema.sql. All values are computed from row numbers, so every
-- database has the same rows: 5 regions, 30 countries, 120 locations, 40
-- departments, 20 jobs, 3,000 employees, 4,500 rows of job history, 1,200
-- dependents and 250 rows of everything. All were last updated in 2024.
begin;

set local time zone 'UTC';

truncate hr.everything, hr.dependents, hr.job_history, hr.employees, hr.departments, hr.jobs, hr.locations, hr.countries, hr.regions;

-- Returns a number from 0 to sides - 1, always the same for a seed.
create function pg_temp.roll(seed text, sides integer) returns integer language sql immutable
  return ('x' || substr(md5(seed), 1, 7))::bit(28)::integer % sides;

-- Returns one of the choices, always the same for a seed.
create function pg_temp.pick(seed text, choices text[]) returns text language sql immutable
  return choices[1 + pg_temp.roll(seed, cardinality(choices))];

-- Returns a timestamp in 2024 with microseconds, always the same for a seed.
create function pg_temp.moment(seed text) returns timestamptz language sql immutable
  return timestamptz '2024-01-01 00:00:00+00'
    + pg_temp.roll(seed || ' second', 366 * 86400) * interval '1 second'
    + pg_temp.roll(seed || ' microsecond', 1000000) * interval '1 microsecond';

insert into hr.regions
values (1, 'Africa'), (2, 'Americas'), (3, 'Asia'), (4, 'Europe'), (5, 'Oceania');

insert into hr.countries
select id, name, region, currency, pg_temp.moment('country ' || id)
from (values
  ('AR', 'Argentina', 2, 'ARS'), ('AU', 'Australia', 5, 'AUD'), ('AT', 'Austria', 4, 'EUR'),
  ('BE', 'Belgium', 4, 'EUR'), ('BR', 'Brazil', 2, 'BRL'), ('CA', 'Canada', 2, 'CAD'),
  ('CL', 'Chile', 2, 'CLP'), ('CI', 'Côte d''Ivoire', 1, 'XOF'), ('DK', 'Denmark', 4, 'DKK'),
  ('EG', 'Egypt', 1, 'EGP'), ('FI', 'Finland', 4, 'EUR'), ('FR', 'France', 4, 'EUR'),
  ('DE', 'Germany', 4, 'EUR'), ('GH', 'Ghana', 1, 'GHS'), ('IN', 'India', 3, 'INR'),
  ('IE', 'Ireland', 4, 'EUR'), ('IT', 'Italy', 4, 'EUR'), ('JP', 'Japan', 3, 'JPY'),
  ('KE', 'Kenya', 1, 'KES'), ('MY', 'Malaysia', 3, 'MYR'), ('MX', 'Mexico', 2, 'MXN'),
  ('NL', 'Netherlands', 4, 'EUR'), ('NZ', 'New Zealand', 5, 'NZD'), ('NO', 'Norway', 4, 'NOK'),
  ('PT', 'Portugal', 4, 'EUR'), ('SG', 'Singapore', 3, 'SGD'), ('ZA', 'South Africa', 1, 'ZAR'),
  ('ES', 'Spain', 4, 'EUR'), ('SE', 'Sweden', 4, 'SEK'), ('US', 'United States', 2, 'USD')
) as c (id, name, region, currency);

insert into hr.locations
select
  n,
  1 + pg_temp.roll('house ' || n, 400) || ' ' || pg_temp.pick('street ' || n, array['Station Road', 'Rue du Lac', 'Hauptstraße', 'Calle Mayor', 'Harbour Lane', 'Via Roma', 'O''Connell Street', 'Långgatan']),
  case when n % 9 > 0 then lpad(pg_temp.roll('postal ' || n, 100000)::text, 5, '0') end,
  pg_temp.pick('city ' || n, array['Northfield', 'Saint-Aubin', 'Neustadt', 'Villanueva', 'Porto Alto', 'Eastmere', 'Kirkby', 'Sjöberg']),
  case when n % 4 = 0 then pg_temp.pick('state ' || n, array['North', 'South', 'East', 'West']) end,
  (select array_agg(country_id order by country_id) from hr.countries)[1 + pg_temp.roll('country of ' || n, 30)],
  pg_temp.roll('latitude ' || n, 180000000) / 1000000.0 - 90,
  pg_temp.roll('longitude ' || n, 260000000) / 1000000.0 - 130,
  pg_temp.moment('location ' || n)
from generate_series(1, 120) as n;

insert into hr.departments
select
  n * 10,
  pg_temp.pick('area ' || n % 10, array['Sales', 'Finance', 'Support', 'Research', 'Logistics', 'Legal', 'Design', 'Training'])
    || ' ' || pg_temp.pick('branch ' || n, array['North', 'South', 'Central', 'Overseas', 'Online']) || ' ' || n,
  case when n % 8 > 0 then n * 7 end,
  1 + pg_temp.roll('seat ' || n, 120),
  100000 + pg_temp.roll('budget ' || n, 200000000) / 100.0,
  pg_temp.moment('department ' || n)
from generate_series(1, 40) as n;

insert into hr.jobs
select
  upper(substr(track, 1, 3)) || '_' || level,
  (array['Junior', 'Experienced', 'Senior', 'Leading'])[level] || ' ' || track,
  20000 + level * 9000,
  34000 + level * 16000,
  pg_temp.moment('job ' || track || level)
from unnest(array['Analyst', 'Engineer', 'Seller', 'Planner', 'Trainer']) as track, generate_series(1, 4) as level;

insert into hr.employees
select
  n,
  first_name,
  last_name,
  lower(translate(first_name || '.' || last_name, 'éèøöåçñ'' ', 'eeooacn')) || n || '@example.com',
  case when n % 6 > 0 then '+00 ' || lpad(pg_temp.roll('phone ' || n, 100000000)::text, 9, '0') end,
  date '2005-01-01' + pg_temp.roll('hired ' || n, 6900),
  pg_temp.pick('track ' || n, array['ANA', 'ENG', 'SEL', 'PLA', 'TRA']) || '_' || 1 + pg_temp.roll('level ' || n, 4),
  30000 + pg_temp.roll('salary ' || n, 6000000) / 100.0,
  case when n % 5 = 0 then pg_temp.roll('commission ' || n, 400) / 1000.0 end,
  case when n > 10 then 1 + pg_temp.roll('manager ' || n, n / 10) end,
  case when n % 50 > 0 then 10 * (1 + pg_temp.roll('department ' || n, 40)) end,
  pg_temp.pick('type ' || n, array['full-time', 'full-time', 'full-time', 'part-time', 'contract']),
  pg_temp.moment('employee ' || n)
from (
  select
    n,
    pg_temp.pick('first ' || n, array['Ada', 'Bo', 'Chloé', 'Dele', 'Emre', 'Fatima', 'Grace', 'Hana', 'Ines', 'Jonas', 'Kofi', 'Li', 'Mira', 'Noor', 'Óscar', 'Priya']) as first_name,
    pg_temp.pick('last ' || n, array['Abara', 'Berg', 'Castañeda', 'Dupont', 'Eriksen', 'Fischer', 'Gómez', 'Håkansson', 'Ito', 'Jansen', 'Kaya', 'Lindqvist', 'Møller', 'Nowak', 'O''Brien', 'Peña', 'van der Berg']) as last_name
  from generate_series(1, 3000) as n
) as people;

insert into hr.job_history
select
  1 + n % 1500,
  start_date,
  start_date + 100 + pg_temp.roll('length ' || n, 900),
  pg_temp.pick('old track ' || n, array['ANA', 'ENG', 'SEL', 'PLA', 'TRA']) || '_' || 1 + pg_temp.roll('old level ' || n, 4),
  10 * (1 + pg_temp.roll('old department ' || n, 40)),
  pg_temp.moment('history ' || n)
from (
  -- The periods of an employee begin years apart, so no two begin on the same day.
  select n, date '1990-01-01' + n / 1500 * 1500 + pg_temp.roll('start ' || n, 400) as start_date
  from generate_series(0, 4499) as n
) as periods;

insert into hr.dependents
select
  1 + n % 800,
  1 + n / 800,
  pg_temp.pick('child ' || n, array['Alma', 'Ben', 'Cleo', 'Dan', 'Eva', 'Finn', 'Gia', 'Hugo']),
  pg_temp.pick('relationship ' || n, array['child', 'child', 'spouse', 'parent']),
  case when n % 11 > 0 then date '1950-01-01' + pg_temp.roll('born ' || n, 25000) end,
  pg_temp.moment('dependent ' || n)
from generate_series(0, 1199) as n;

-- Row 1 is NULL where possible. Rows 2 and 3 have the limits of every range.
insert into hr.everything (id, "order", updated_at)
values (1, 1, timestamptz '2024-02-29 12:00:00+00');

insert into hr.everything values
  (2, -32768, -9223372036854775808, -9999999999999999999999999999.9999999999, -123456789012345678901234567890.123456789, -1.7976931348623157e308, -3.4028235e38,
   false, '', '', '', date '0001-01-01', timestamp '1900-01-01 00:00:00', timestamptz '1900-01-01 00:00:00+00', -2147483648, '',
   '00000000-0000-0000-0000-000000000000', '{}', '{}', '{}', '', 'sad', interval '-1 year -2 months -3 days -04:05:06.789', timestamptz '2024-02-29 12:00:00.000001+00'),
  (3, 32767, 9223372036854775807, 9999999999999999999999999999.9999999999, 0.000000000000000000000000000001, 1.7976931348623157e308, 3.4028235e38,
   true, 'ABCDEFGH', repeat('é', 40), repeat('long ', 2000), date '9999-12-31', timestamp '2200-12-31 23:59:59.999999', timestamptz '2200-12-31 23:59:59.999999+00', 2147483647, 'Zoë "Zed" O''Hara',
   'ffffffff-ffff-ffff-ffff-ffffffffffff', '{"deep": {"list": [1, 2.50, null, true, "😀"]}, "big": 123456789012345678901234567890}',
   array['a,b', 'quote "', 'back\slash', '{brace}', 'NULL', null, ''], array[2147483647, null, -2147483648], '\x00ff5c270a0d22', 'it''s "complicated"', interval '99 years 11 months 30 days 23:59:59.999999',
   timestamptz '2024-02-29 12:00:00.000002+00');

insert into hr.everything
select
  n,
  case when n % 7 <> 0 then pg_temp.roll('small ' || n, 65536) - 32768 end,
  case when n % 7 <> 1 then pg_temp.roll('big ' || n, 200000000) * 46116860184::bigint end,
  case when n % 7 <> 2 then pg_temp.roll('exact ' || n, 200000000)::numeric * 12345678901234567890 / 10000000000 end,
  case when n % 7 <> 3 then pg_temp.roll('any ' || n, 200000000)::numeric / (10::numeric ^ (n % 25)) end,
  case when n % 7 <> 4 then pg_temp.roll('ratio ' || n, 200000000) / 7.0::double precision end,
  case when n % 7 <> 5 then (pg_temp.roll('single ' || n, 200000000) / 3.0)::real end,
  case when n % 7 <> 6 then n % 2 = 0 end,
  case when n % 5 <> 0 then upper(substr(md5('code ' || n), 1, n % 9)) end,
  case when n % 5 <> 1 then 'label ' || n end,
  case when n % 5 <> 2 then pg_temp.pick('note ' || n, array[
    'plain', 'it''s "quoted"', E'two\nlines', E'tab\tand\\backslash', E'carriage\r\nreturn', '日本語のメモ', 'emoji 🚀👩‍💻', 'שלום', ' space at both ends ', 'NULL', '', 'a,b;c|d']) || ' #' || n end,
  case when n % 5 <> 3 then date '1940-01-01' + pg_temp.roll('birthday ' || n, 29000) end,
  case when n % 5 <> 4 then timestamp '2000-01-01 00:00:00' + pg_temp.roll('local ' || n, 200000000) * interval '3.000001 seconds' end,
  case when n % 3 <> 0 then timestamptz '2000-01-01 00:00:00+00' + pg_temp.roll('happened ' || n, 200000000) * interval '3.000001 seconds' end,
  251 - n,
  case when n % 3 <> 1 then pg_temp.pick('by ' || n, array['ada', 'Bo', 'O''Brien', 'system']) end,
  case when n % 3 <> 2 then md5('token ' || n)::uuid end,
  case when n % 4 <> 0 then jsonb_build_object('n', n, 'name', 'row "' || n || '"', 'half', n / 2.0, 'tags', jsonb_build_array('x', n, null)) end,
  case when n % 4 <> 1 then array['n' || n, 'a,b', 'say "hi"', null] end,
  case when n % 4 <> 2 then array[n, -n] end,
  case when n % 4 <> 3 then decode(md5('payload ' || n), 'hex') end,
  case when n % 6 <> 0 then (enum_range(null::hr.mood))[1 + n % 4] end,
  case when n % 6 <> 1 then make_interval(years => n % 3, months => n % 12, days => n % 30, secs => n * 61.25) end,
  pg_temp.moment('everything ' || n)
from generate_series(4, 250) as n;

commit;
