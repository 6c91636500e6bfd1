package discover

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// typeRow is a row of pg_type.
type typeRow struct {
	name    string
	builtin bool
	kind    string // typtype: d for a domain
	base    uint32 // of a domain
	modifer int32  // of a domain
	element uint32
	array   uint32 // the type whose element this is
}

func (d *details) readTypes(ctx context.Context, tx pgx.Tx) error {
	d.types = map[uint32]typeRow{}
	rows, _ := tx.Query(ctx, types, d.oids)
	var oid uint32
	var t typeRow
	_, err := pgx.ForEachRow(rows, []any{&oid, &t.name, &t.builtin, &t.kind, &t.base, &t.modifer, &t.element, &t.array}, func() error {
		d.types[oid] = t
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the types: %w", err)
	}
	return nil
}

var moments = []string{"date", "timestamp", "timestamptz"}

// knownExtensions are those whose types Landfall lands although PostgreSQL does not bring them (docs/types.md).
var knownExtensions = []string{"citext", "cube", "hstore", "ltree"}

// odd says which values of a column its Parquet type may not hold.
type odd struct {
	// value: NaN, or a moment that is infinite or far away; also within an array.
	value bool
	// shape: an array of several dimensions, or not from 1.
	shape bool
}

// classify says what a column's type means for landing it: the kind of cursor it can be, and which policies it needs.
func (d *details) classify(oid uint32, modifier, dimensions int32) (moment string, unbounded, unknown bool, mayBe odd) {
	t, oid, modifier := d.below(oid, modifier)
	isArray := false
	if element, ok := d.types[t.element]; ok && element.array == oid {
		t, _, modifier = d.below(t.element, modifier)
		isArray, mayBe.shape = true, dimensions <= 1 // others land as text
	}
	if t.builtin && t.name == "numeric" {
		mayBe.value = decimal(modifier)
		return "", !decimal(modifier), false, mayBe
	}
	if t.builtin && slices.Contains(moments, t.name) {
		mayBe.value = true
		if !isArray {
			moment = t.name
		}
		return moment, false, false, mayBe
	}
	return "", false, t.kind == "b" && !t.builtin && !slices.Contains(knownExtensions, t.name), mayBe
}

// below is the type under all domains.
func (d *details) below(oid uint32, modifier int32) (typeRow, uint32, int32) {
	t := d.types[oid]
	for t.kind == "d" {
		oid, modifier = t.base, t.modifer
		t = d.types[oid]
	}
	return t, oid, modifier
}

// decimal tells whether a Parquet decimal holds numeric of this modifier: p up to 38, and a scale from 0 to p.
func decimal(modifier int32) bool {
	const header = 4 // numerictypmodin
	if modifier < header {
		return false
	}
	precision, scale := (modifier-header)>>16&0xffff, ((modifier-header)&0x7ff^1024)-1024
	return precision <= 38 && scale >= 0 && scale <= precision
}
