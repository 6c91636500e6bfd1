package discover

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// changed matches names of columns that hold the time of a row's last change; created those of the time of its
// creation. Names are compared in lower case, letters only.
var (
	changed = regexp.MustCompile(`^(row|rec|record|sys|system|last|dt|ts|date|time)*(updated?|modified|modify|modification|modstamp|changed?|edited|touched|mtime|revised)+(on|at|ts|tz|dt|date|time|datetime|timestamp|tstamp|stamp|utc)*$`)
	created = regexp.MustCompile(`^(row|rec|record|sys|system|dt|ts|date|time)*(created?|creation|inserted?|added|ctime)+(on|at|ts|tz|dt|date|time|datetime|timestamp|tstamp|stamp|utc)*$`)
	letters = regexp.MustCompile(`[^\pL]`)
)

func plain(name string) string { return letters.ReplaceAllString(strings.ToLower(name), "") }

// cursor is a proposed DeltaColumnName.
type cursor struct {
	columns []string
	// nulls is what NullCursor must be for the rows without one; empty when there are none, or a load is to fail on them.
	nulls string
	why   []string
}

// cursorOf proposes the column that increases with every change of a row; nil, with the reason, when there is no
// evidence of one. Only a trigger or the name is evidence: any other time would lose rows.
func cursorOf(t Table) (*cursor, string) {
	var candidates []Column
	for _, c := range t.Columns {
		if c.TemporalType != "" && (c.Trigger != "" || changed.MatchString(plain(c.Name))) {
			candidates = append(candidates, c)
		}
	}
	if len(candidates) == 0 {
		return nil, noCursor(t)
	}
	slices.SortStableFunc(candidates, func(a, b Column) int { return cmp.Compare(rank(b), rank(a)) })
	best := candidates[0]
	found := &cursor{columns: []string{best.Name}, why: reasons(best)}
	if best.NotNull {
		return found, ""
	}
	if fallback := creationColumn(t, best); fallback != "" {
		found.columns = append(found.columns, fallback)
		found.why = append(found.why, "where it is NULL, "+fallback+" counts")
		return found, ""
	}
	switch {
	case best.Nulls == 0:
		// With the default, Fail, the load fails when one appears.
	case len(t.Key) > 0:
		found.nulls = "Include"
	case best.Nulls > 0:
		return nil, fmt.Sprintf("%s is NULL in %s of the rows, and there is no key to tell those apart", best.Name, percent(best.Nulls))
	}
	return found, ""
}

// rank orders candidates: a trigger, the name, a zone, never NULL, an index.
func rank(c Column) int {
	r := 0
	for _, good := range []bool{c.Trigger != "", changed.MatchString(plain(c.Name)), c.TemporalType == Instant, c.TemporalType != Date, c.NotNull, c.Index != ""} {
		r *= 2
		if good {
			r++
		}
	}
	return r
}

// creationColumn is a column of the cursor's type that holds when a row was created and is never NULL; empty when there is none.
func creationColumn(t Table, best Column) string {
	for _, c := range t.Columns {
		if c.TemporalType == best.TemporalType && c.NotNull && c.DefaultIsNow && created.MatchString(plain(c.Name)) {
			return c.Name
		}
	}
	return ""
}

func reasons(c Column) []string {
	var why []string
	if c.Trigger != "" {
		why = append(why, "set by trigger "+c.Trigger)
	} else {
		why = append(why, "by its name; no trigger sets it, so all writers must")
	}
	if c.DefaultIsNow {
		why = append(why, "default now()")
	}
	switch {
	case c.NotNull:
		why = append(why, "never NULL")
	case c.Nulls > 0:
		why = append(why, "NULL in "+percent(c.Nulls)+" of the rows")
	case c.Nulls == 0:
		why = append(why, "may be NULL, though none is")
	default:
		why = append(why, "may be NULL")
	}
	if c.Index != "" {
		why = append(why, "indexed")
	} else {
		why = append(why, "not indexed")
	}
	switch c.TemporalType {
	case LocalDateTime:
		why = append(why, "without a time zone: the server's counts")
	case Date:
		why = append(why, "a date: rows land when their day is over")
	}
	return why
}

// noCursor is the reason why no cursor is proposed, with the columns that a person may know to be one.
func noCursor(t Table) string {
	var similar []string
	for _, c := range t.Columns {
		if c.TemporalType != "" && (created.MatchString(plain(c.Name)) || strings.Contains(plain(c.Name), "updat") || strings.Contains(plain(c.Name), "modif") || strings.Contains(plain(c.Name), "chang")) {
			similar = append(similar, c.Name)
		}
	}
	if len(similar) == 0 {
		return "no column says when a row changed"
	}
	return "no column is known to say when a row changed (" + strings.Join(similar, ", ") + " might)"
}

func percent(share float64) string {
	if share < 0.01 {
		return "less than 1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}
