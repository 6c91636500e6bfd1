package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/catalog"
)

func TestSchedules(t *testing.T) {
	cases := map[string]struct{ reason, pattern, wrong string }{
		"daily":                {"the sample's", "10 21 * * ? *", ""},
		"weekdays":             {"the other day field", "0 18 ? * MON-FRI *", ""},
		"first of the month":   {"from Glue's guide", "0 8 1 * ? *", ""},
		"every quarter":        {"from Glue's guide", "0/15 * * * ? *", ""},
		"fastest":              {"five minutes are allowed", "0/5 * * * ? *", ""},
		"fastest, as a list":   {"however it is written", "3,8,13 * * * ? *", ""},
		"near the hour":        {"Glue does not say how it counts over the hour", "2,58 * * * ? *", ""},
		"lower case":           {"names of days have no case", "0 6 ? jan mon *", ""},
		"over midnight":        {"ranges may wrap", "0 22-5 ? * SAT-SUN *", ""},
		"last day":             {"L alone", "0 6 L * ? *", ""},
		"nearest weekday":      {"W", "0 6 15W * ? *", ""},
		"last Friday":          {"L after a day", "0 6 ? * 6L *", ""},
		"second Friday":        {"#", "0 6 ? * FRI#2 *", ""},
		"first and last year":  {"both ends", "0 6 1 1 ? 1970,2199", ""},
		"every other year":     {"steps of years", "0 6 1 1 ? 2025/2", ""},
		"minute 60":            {"0 to 59", "60 6 * * ? *", `the minutes field is "60"`},
		"hour 24":              {"0 to 23", "0 24 * * ? *", `the hours field is "24"`},
		"day 0":                {"1 to 31", "0 6 0 * ? *", `the day-of-month field is "0"`},
		"month 13":             {"1 to 12", "0 6 1 13 ? *", `the month field is "13"`},
		"weekday 0":            {"1 to 7, unlike Unix", "0 6 ? * 0 *", `the day-of-week field is "0"`},
		"year 2200":            {"up to 2199", "0 6 1 1 ? 2200", `the year field is "2200"`},
		"two fields":           {"both are told", "60 24 * * ? *", `the minutes field is "60" (want 0-59 with , - * /), the hours field is "24"`},
		"no question mark":     {"the rule of the two day fields", "0 6 * * * *", "one of day-of-month and day-of-week must be ?"},
		"two question marks":   {"the rule of the two day fields", "0 6 ? * ? *", "one of day-of-month and day-of-week must be ?"},
		"question mark inside": {"? stands alone", "0 6 ?,1 * ? *", `the day-of-month field is "?,1"`},
		"step of zero":         {"never", "0/0 6 * * ? *", `the minutes field is "0/0"`},
		"step of nothing":      {"cut off", "0/ 6 * * ? *", `the minutes field is "0/"`},
		"day 0 of weeks":       {"#1 to #5", "0 6 ? * FRI#0 *", `the day-of-week field is "FRI#0"`},
		"huge":                 {"no overflow", "0 6 * * ? 99999999999999999999", "the year field"},
		"every minute":         {"too fast", "* 6 * * ? *", "has starts 1 min apart"},
		"every four minutes":   {"too fast", "0/4 * * * ? *", "has starts 4 min apart"},
		"Unix":                 {"five fields", "0 6 * * *", "the number of fields is 5, not six"},
		"wrapped":              {"Glue's own form", "cron(0 6 * * ? *)", "is wrapped in cron( )"},
		"wrapped, capitals":    {"the same", " CRON (0 6 * * ? *)", "is wrapped in cron( )"},
		"at":                   {"EventBridge Scheduler's", "at(2025-01-01T00:00:00)", "Glue schedules take no at( )"},
		"no-break spaces":      {"they look like spaces", "0\u00a06\u00a0*\u00a0*\u00a0?\u00a0*", "the number of fields is 1, not six"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			data := fmt.Sprintf(`{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s", "JobScheduleType": "Cron", "ScheduleCronPattern": %s}]}`, jsonString(t, c.pattern))
			if c.wrong == "" {
				if got := accepted(t, data, catalog.StackDefaults{}).Tables[0].ScheduleCronPattern; got != c.pattern {
					t.Errorf("got %q, want %q: %s", got, c.pattern, c.reason)
				}
				return
			}
			got := problems(t, data)
			if len(got) != 1 || !strings.Contains(got[0].Message, c.wrong) {
				t.Errorf("got %v, want one problem with %q: %s", got, c.wrong, c.reason)
			}
		})
	}
}

func TestCronFields(t *testing.T) {
	for schedule, want := range map[string]string{
		"cron(10 21 * * ? *)": "10 21 * * ? *", "cron()": "", // a schedule, whatever is in it
		"rate(1 hour)": "-", "10 21 * * ? *": "-", "cron(10 21 * * ? *": "-", "": "-", // not a schedule of Glue
	} {
		if got, ok := catalog.CronFields(schedule); ok != (want != "-") || (ok && got != want) {
			t.Errorf("%q: %q, %t; want %q", schedule, got, ok, want)
		}
	}
}
