package commitlog

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// Forms of a cursor's value, by the type of the load window. Text like
// "2026-11-24 21:10:00.5+00" is what records hold; without a zone UTC is meant.
var (
	integer = regexp.MustCompile(`^-?\d{1,19}$`)
	date    = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	stamp   = regexp.MustCompile(`^\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?)?$`)
	stampTZ = regexp.MustCompile(`^\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?(\+00)?)?$`)
)

// cursorTypes are the kinds of a cursor with the form of their values, and an example.
var cursorTypes = map[string]struct {
	form    *regexp.Regexp
	example string
}{
	"timestamptz": {stampTZ, "2026-11-24 21:10:00+00"}, "timestamp": {stamp, "2026-11-24 21:10:00"}, "date": {date, "2026-11-24"},
	"int2": {integer, "1200"}, "int4": {integer, "1200"}, "int8": {integer, "1200"},
}

// check refuses what is not a value of the type; with no type known, of any.
func check(text, kind string) error {
	if t, known := cursorTypes[kind]; known {
		if !t.form.MatchString(text) || !exists(text) {
			return fmt.Errorf("%q is not a value of the cursor, which is of type %s; write it like %s", text, kind, t.example)
		}
		return nil
	}
	if (stampTZ.MatchString(text) && exists(text)) || integer.MatchString(text) {
		return nil
	}
	return fmt.Errorf("%q is not a value of a cursor; write it like 2026-11-24, 2026-11-24 21:10:00+00 or 1200", text)
}

// exists refuses a thirtieth of February.
func exists(text string) bool {
	if integer.MatchString(text) {
		return true
	}
	_, ok := instant(text)
	return ok
}

func instant(text string) (time.Time, bool) {
	text = strings.TrimSuffix(text, "+00")
	for _, layout := range []string{"2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// before reports whether a comes before b. It is not ok when the two cannot be compared.
func before(a, b string) (earlier, ok bool) {
	if integer.MatchString(a) && integer.MatchString(b) {
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		return x.Cmp(y) < 0, true
	}
	x, okX := instant(a)
	y, okY := instant(b)
	return x.Before(y), okX && okY
}
