package commitlog

import "testing"

func TestCheckTakesOnlyValuesOfTheCursor(t *testing.T) {
	cases := map[string]struct {
		text, kind string
		good       bool
	}{
		"zone":              {"2026-11-24 21:10:00.123456+00", "timestamptz", true},
		"no zone is UTC":    {"2026-11-24 21:10:00", "timestamptz", true},
		"a date is a time":  {"2026-11-24", "timestamptz", true},
		"other zone":        {"2026-11-24 21:10:00+02", "timestamptz", false},
		"zone where none":   {"2026-11-24 21:10:00+00", "timestamp", false},
		"time of a date":    {"2026-11-24 21:10:00", "date", false},
		"no such day":       {"2026-02-30", "date", false},
		"no such hour":      {"2026-02-03 25:00:00", "timestamp", false},
		"integer":           {"-12", "int8", true},
		"fraction":          {"1.5", "int8", false},
		"date of a number":  {"2026-11-24", "int4", false},
		"unknown, integer":  {"7", "", true},
		"unknown, time":     {"2026-11-24 21:10:00+00", "", true},
		"unknown, nonsense": {"yesterday", "", false},
		"statement":         {"1; DROP TABLE x", "int8", false},
		"two lines":         {"12\n13", "int8", false},
		"empty":             {"", "", false},
	}
	for name, c := range cases {
		if err := check(c.text, c.kind); (err == nil) != c.good {
			t.Errorf("%s: %q as %q: %v", name, c.text, c.kind, err)
		}
	}
}

func TestBefore(t *testing.T) {
	cases := map[string]struct {
		a, b        string
		earlier, ok bool
	}{
		"numbers, not texts":   {"9", "10", true, true},
		"negative":             {"-2", "-10", false, true},
		"beyond 64 bits":       {"9999999999999999998", "9999999999999999999", true, true},
		"times":                {"2026-11-24 21:10:00+00", "2026-11-24 21:10:00.5+00", true, true},
		"date and time":        {"2026-11-24", "2026-11-24 00:00:01+00", true, true},
		"the same, other text": {"2026-11-24", "2026-11-24 00:00:00+00", false, true},
		"number and time":      {"5", "2026-11-24", false, false},
		"infinity":             {"infinity", "2026-11-24", false, false},
	}
	for name, c := range cases {
		if earlier, ok := before(c.a, c.b); ok != c.ok || (ok && earlier != c.earlier) {
			t.Errorf("%s: before(%q, %q) = %v, %v", name, c.a, c.b, earlier, ok)
		}
	}
}
