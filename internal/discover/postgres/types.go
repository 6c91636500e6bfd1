package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/discover"
)

// typeRow is a row of pg_type.
type typeRow struct {
	name     string
	builtin  bool
	kind     string // typtype: d for a domain
	base     uint32 // of a domain
	modifier int32  // of a domain
	element  uint32
	array    uint32 // the type whose element this is
}

func (d *details) readTypes(ctx context.Context, tx pgx.Tx) error {
	d.types = map[uint32]typeRow{}
	rows, _ := tx.Query(ctx, types, d.oids)
	var oid uint32
	var t typeRow
	_, err := pgx.ForEachRow(rows, []any{&oid, &t.name, &t.builtin, &t.kind, &t.base, &t.modifier, &t.element, &t.array}, func() error {
		d.types[oid] = t
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the types: %w", err)
	}
	return nil
}

var temporalTypes = map[string]string{"date": discover.Date, "timestamp": discover.LocalDateTime, "timestamptz": discover.Instant}

// knownExtensions are those whose types Landfall lands although PostgreSQL does not bring them (docs/types.md).
var knownExtensions = []string{"citext", "cube", "hstore", "ltree"}

// limits say which values of a column its Parquet type may not hold.
type limits struct {
	// ofValues: NaN, or a time that is infinite or far away; also within an array.
	ofValues bool
	// ofShapes: an array of several dimensions, or not from 1.
	ofShapes bool
}

// classify says what a column's type means for landing it: the type of cursor it can be, and which policies it needs.
func (d *details) classify(oid uint32, modifier, dimensions int32) (temporal string, unbounded, unknown bool, limit limits) {
	t, oid, modifier := d.below(oid, modifier)
	isArray := false
	if element, ok := d.types[t.element]; ok && element.array == oid {
		t, _, modifier = d.below(t.element, modifier)
		isArray, limit.ofShapes = true, dimensions <= 1 // others land as text
	}
	if t.builtin && t.name == "numeric" {
		limit.ofValues = decimal(modifier)
		return "", !decimal(modifier), false, limit
	}
	if temporal, ok := temporalTypes[t.name]; t.builtin && ok {
		limit.ofValues = true
		if isArray {
			temporal = ""
		}
		return temporal, false, false, limit
	}
	return "", false, t.kind == "b" && !t.builtin && !slices.Contains(knownExtensions, t.name), limit
}

// below is the type under all domains.
func (d *details) below(oid uint32, modifier int32) (typeRow, uint32, int32) {
	t := d.types[oid]
	for t.kind == "d" {
		oid, modifier = t.base, t.modifier
		t = d.types[oid]
	}
	return t, oid, modifier
}

// decimal reports whether a Parquet decimal holds numeric of this modifier: p up to 38, and a scale from 0 to p.
func decimal(modifier int32) bool {
	const header = 4 // numerictypmodin
	if modifier < header {
		return false
	}
	precision, scale := (modifier-header)>>16&0xffff, ((modifier-header)&0x7ff^1024)-1024
	return precision <= 38 && scale >= 0 && scale <= precision
}
