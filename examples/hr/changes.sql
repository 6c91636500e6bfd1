-- Changes that the demo makes between its first two passes, in one transaction:
--
--   table         updated  inserted
--   regions             0         1   (a full load: all 6 rows land)
--   departments         3         0
--   employees          25         5
--   job_history         0        10
--   everything          2         2
--
-- No other table changes. The trigger and the default set updated_at = now() for
-- updated and inserted rows.
begin;

set local time zone 'UTC';

insert into hr.regions
values (6, 'Antarctica');

update hr.departments
set budget = budget * 1.1
where department_id in (10, 20, 30);

update hr.employees
set salary = salary + 1000
where employee_id between 101 and 125;

insert into hr.employees (employee_id, first_name, last_name, email, hire_date, job_id, salary, department_id, employment_type)
select n, 'New', 'Hire ' || n, 'new.hire' || n || '@example.com', date '2025-01-01', 'ENG_1', 42000, 10, 'full-time'
from generate_series(3001, 3005) as n;

insert into hr.job_history (employee_id, start_date, end_date, job_id, department_id)
select n, date '2024-01-01', date '2024-12-31', 'ENG_1', 10
from generate_series(101, 110) as n;

update hr.everything
set note = E'changed\nin the second pass 🎉', any_number = any_number * 10
where id in (3, 4);

insert into hr.everything (id, exact_amount, "order", "createdBy")
values (251, 0.0000000001, 0, 'second pass'), (252, null, 0, null);

commit;
