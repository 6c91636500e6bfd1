package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// assignment finds NEW.column := … now() in a trigger function, up to the end of the statement.
var assignment = regexp.MustCompile(`(?is)\bnew\s*\.\s*("(?:[^"]|"")+"|[\pL_][\pL\pN_$]*)\s*:?=\s*[^;]*?` +
	`\b(?:now\s*\(|current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)`)

// currentTime finds the current time in the SQL of a default.
var currentTime = regexp.MustCompile(`(?i)\b(now\(|current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp|transaction_timestamp)`)

// comment is what PL/pgSQL does not run.
var comment = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/`)

// function is a trigger's.
type function struct{ name, source string }

// readTriggers finds columns that a trigger sets to the time before every update.
func (d *details) readTriggers(ctx context.Context, tx pgx.Tx) error {
	type row struct {
		Table       uint32
		Name        string
		Conditional bool
		Arguments   string
		Function    uint32
	}
	rows, _ := tx.Query(ctx, triggers, d.oids)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return fmt.Errorf("read the triggers: %w", err)
	}
	called := []uint32{}
	for _, t := range found {
		if !slices.Contains(called, t.Function) {
			called = append(called, t.Function)
		}
	}
	set, err := assigned(ctx, tx, called)
	if err != nil {
		return err
	}
	for _, t := range found {
		if t.Conditional {
			continue // it does not run before every update
		}
		columns := set[t.Function]
		if columns == nil {
			columns = arguments(t.Arguments) // moddatetime of contrib takes the column as its argument
		}
		table := &d.byOID[t.Table].table
		for i := range table.Columns {
			if c := &table.Columns[i]; c.TemporalType != "" && slices.Contains(columns, c.Name) {
				c.Trigger = t.Name
			}
		}
	}
	return nil
}

// assigned are the columns that each function sets to the time; nil for moddatetime, which does not say.
func assigned(ctx context.Context, tx pgx.Tx, called []uint32) (map[uint32][]string, error) {
	rows, _ := tx.Query(ctx, functions, called)
	set := map[uint32][]string{}
	var oid uint32
	var f function
	_, err := pgx.ForEachRow(rows, []any{&oid, &f.name, &f.source}, func() error {
		if f.name != "moddatetime" {
			set[oid] = f.columns()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the functions of triggers: %w", err)
	}
	return set, nil
}

func (f function) columns() []string {
	columns := []string{}
	for _, m := range assignment.FindAllStringSubmatch(comment.ReplaceAllString(f.source, " "), -1) {
		if quoted, ok := strings.CutPrefix(m[1], `"`); ok {
			columns = append(columns, strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `""`, `"`))
		} else {
			columns = append(columns, strings.ToLower(m[1]))
		}
	}
	return columns
}

// arguments are those of a trigger: texts that each end with a zero byte.
func arguments(inHex string) []string {
	raw, err := hex.DecodeString(inHex)
	if err != nil {
		return nil
	}
	return strings.Split(string(raw), "\x00")
}
