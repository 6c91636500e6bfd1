package catalog

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/winebarrel/cronplan"
)

// cronFields are the six fields of AWS's cron, and a pattern to try one field
// in; # stands for the other day field.
var cronFields = []struct{ name, allowed, alone string }{
	{"minutes", "0-59 with , - * /", "%s 0 * * ? *"},
	{"hours", "0-23 with , - * /", "0 %s * * ? *"},
	{"day-of-month", "1-31 with , - * ? / L W", "0 0 %s * # *"},
	{"month", "1-12 or JAN-DEC with , - * /", "0 0 * %s ? *"},
	{"day-of-week", "1-7 or SUN-SAT with , - * ? / L #", "0 0 # * %s *"},
	{"year", "1970-2199 with , - * /", "0 0 * * ? %s"},
}

// The library takes a step of 0 and a sixth Friday; AWS does not.
var impossible = regexp.MustCompile(`/0*(,|$)|#([06-9]|[0-9]{2,})`)

var wrapped = regexp.MustCompile(`(?i)^(cron|rate|at)\s*\(`)

// cronKind is a cron pattern. It may be empty: resolve then decides.
var cronKind = kind{
	form: "six fields",
	schema: object{{"type", "string"}, {"maxLength", maxCron}, {"anyOf", []object{
		{{"pattern", "^" + cronBlank + "*$"}},
		{{"pattern", "^" + cronBlank + "*([0-9,*/-]+" + cronBlank + "+){2}" +
			`(\?` + cronBlank + "+[0-9A-Za-z,*/-]+" + cronBlank + "+[0-9A-Za-z,*/#-]+|[0-9LW,*/-]+" + cronBlank + "+[0-9A-Za-z,*/-]+" + cronBlank + `+\?)` +
			cronBlank + "+[0-9,*/-]+" + cronBlank + "*$"}},
	}}},
	read: func(p *parser, _ any, v value, path string) (any, bool) {
		if v.kind() != '"' {
			p.wrongKind(v, path, "a string")
			return nil, false
		}
		pattern := v.text()
		f, ok := p.cron[pattern]
		if !ok {
			f = checkCron(pattern)
			p.cron[pattern] = f
		}
		if f.message != "" {
			p.problem(v.at, path, f.message, f.hint)
			return nil, false
		}
		return strings.Join(cronSplit(pattern), " "), true
	},
}

// CronFields are the six fields of a Glue schedule, cron(…); ok reports whether it is one.
func CronFields(schedule string) (fields string, ok bool) {
	inner, opened := strings.CutPrefix(schedule, "cron(")
	inner, closed := strings.CutSuffix(inner, ")")
	return inner, opened && closed
}

const cronBlank = `[ \t\r\n]`

// maxCron is EventBridge's limit of 256 characters without cron( ) around them; Glue documents none.
const maxCron = 250

func checkCron(pattern string) fault {
	trimmed := strings.Trim(pattern, blank)
	switch {
	case utf8.RuneCountInString(pattern) > maxCron:
		return fault{fmt.Sprintf("has %d characters; want at most %d", utf8.RuneCountInString(pattern), maxCron), ""}
	case trimmed == "":
		return fault{}
	}
	if m := wrapped.FindStringSubmatch(trimmed); m != nil {
		if strings.EqualFold(m[1], "cron") {
			return fault{quote(pattern) + " is wrapped in cron( )", "give the six fields alone, such as 10 21 * * ? *"}
		}
		return fault{quote(pattern) + " is not a cron pattern; Glue schedules take no " + m[1] + "( )", "give six fields, such as 10 21 * * ? *"}
	}
	fields := cronSplit(trimmed)
	if len(fields) != len(cronFields) {
		hint := "minutes hours day-of-month month day-of-week year, such as 10 21 * * ? *"
		if len(fields) == 5 {
			hint = "AWS's cron has a sixth field, the year, and ? in one of the two day fields: 10 21 * * ? *"
		}
		return fault{fmt.Sprintf("%s is not a cron pattern of AWS: the number of fields is %d, not six", quote(pattern), len(fields)), hint}
	}
	if wrong := wrongFields(fields); wrong != nil {
		return fault{quote(pattern) + " is not a cron pattern of AWS: " + strings.Join(wrong, ", "), "such as 10 21 * * ? * or 10 21 ? * MON-FRI *"}
	}
	expression, err := cronplan.Parse(strings.Join(fields, " "))
	if err != nil {
		return fault{quote(pattern) + " is not a cron pattern of AWS: " + err.Error(), ""}
	}
	if gap := shortestGap(expression); gap < 5 {
		return fault{fmt.Sprintf("%s has starts %d min apart; Glue's shortest interval is 5 min", quote(pattern), gap), "such as 0/5 * * * ? *"}
	}
	return fault{}
}

func cronSplit(pattern string) []string {
	return strings.FieldsFunc(pattern, func(r rune) bool { return strings.ContainsRune(blank, r) })
}

// wrongFields tries each field alone, so that all mistakes of a pattern are reported at once.
func wrongFields(fields []string) []string {
	var wrong []string
	for i, field := range fields {
		f := cronFields[i]
		alone := fmt.Sprintf(f.alone, field)
		if field == "?" {
			alone = strings.Replace(alone, "#", "*", 1)
		} else {
			alone = strings.Replace(alone, "#", "?", 1)
		}
		if _, err := cronplan.Parse(alone); err != nil || impossible.MatchString(field) {
			wrong = append(wrong, fmt.Sprintf("the %s field is %s (want %s)", f.name, quote(field), f.allowed))
		}
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		wrong = append(wrong, "one of day-of-month and day-of-week must be ?, and only one")
	}
	return wrong
}

// shortestGap is the least number of minutes between two starts within an
// hour, or 60. Glue: "Cron expressions that lead to rates faster than 5 minutes
// are not supported" (developer guide, time-based schedules). How it counts
// over the hour is not documented, so 0/7 passes here.
func shortestGap(e *cronplan.Expression) int {
	gap, last := 60, -60
	for minute := range 60 {
		if e.Minute.Match(time.Date(2000, 1, 1, 0, minute, 0, 0, time.UTC)) {
			gap, last = min(gap, minute-last), minute
		}
	}
	return gap
}
