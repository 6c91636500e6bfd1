package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/discover"
)

// details reads the columns of the relations and everything that concerns them.
func (r *reader) details(ctx context.Context, found []relation) error {
	d := &details{byOID: map[uint32]*relation{}, columns: map[uint32][]columnDetail{}, denied: map[uint32][]string{}}
	for i := range found {
		d.oids = append(d.oids, found[i].oid)
		d.byOID[found[i].oid] = &found[i]
		if !found[i].rewritten {
			d.settled = append(d.settled, found[i].oid)
		}
	}
	for _, read := range []func(context.Context, pgx.Tx) error{d.readTypes, d.readColumns, d.readIndexes, d.readTriggers, d.readStatistics} {
		if err := read(ctx, r.tx); err != nil {
			return err
		}
	}
	for _, rel := range found {
		switch denied := d.denied[rel.oid]; {
		case len(denied) == 0:
			r.database.Tables = append(r.database.Tables, rel.table)
		case len(denied) == len(rel.table.Columns):
			r.leaveOut(rel.table, "the login may not read it: GRANT SELECT", true)
		default:
			r.leaveOut(rel.table, "the login may not read the columns "+abbreviated(denied)+": GRANT SELECT on the whole table, or add an entry with the rule Drop for them", true)
		}
	}
	return nil
}

// details are what the statements say of relations, until it is put together.
type details struct {
	oids, settled []uint32
	byOID         map[uint32]*relation
	types         map[uint32]typeRow
	columns       map[uint32][]columnDetail // in the order of the table's
	denied        map[uint32][]string
}

// columnDetail is what discover need not know of a column.
type columnDetail struct {
	number int16
	limits limits
}

// column is the one of this number; nil for an expression or a system column.
func (d *details) column(oid uint32, number int16) *discover.Column {
	if i := slices.IndexFunc(d.columns[oid], func(c columnDetail) bool { return c.number == number }); i >= 0 {
		return &d.byOID[oid].table.Columns[i]
	}
	return nil
}

func (d *details) readColumns(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, columns, d.oids, d.settled)
	var oid, typeOID uint32
	var number int16
	var c discover.Column
	var modifier, dimensions int32
	var readable bool
	var defaultSQL string
	_, err := pgx.ForEachRow(rows, []any{&oid, &number, &c.Name, &c.Type, &typeOID, &modifier, &dimensions, &c.NotNull, &readable, &defaultSQL}, func() error {
		c.Nulls = -1
		c.DefaultIsNow = currentTime.MatchString(defaultSQL)
		detail := columnDetail{number: number}
		c.TemporalType, c.Unbounded, c.Unknown, detail.limits = d.classify(typeOID, modifier, dimensions)
		if !readable {
			d.denied[oid] = append(d.denied[oid], c.Name)
		}
		t := &d.byOID[oid].table
		t.Columns = append(t.Columns, c)
		d.columns[oid] = append(d.columns[oid], detail)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the columns: %w", err)
	}
	return nil
}

func (d *details) readIndexes(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, indexes, d.oids)
	var oid uint32
	var index, method string
	var primary, unique bool
	var numbers []int16
	var keys int32
	_, err := pgx.ForEachRow(rows, []any{&oid, &index, &method, &primary, &unique, &numbers, &keys}, func() error {
		if len(numbers) == 0 {
			return nil
		}
		if first := d.column(oid, numbers[0]); first != nil && first.Index == "" && (method == "btree" || method == "brin") {
			first.Index = index
		}
		key := d.key(oid, numbers[:keys])
		t := &d.byOID[oid].table
		switch {
		case key == nil:
		case primary:
			t.Key, t.KeyOf = key, ""
		case unique && (len(t.Key) == 0 || t.KeyOf != "" && len(key) < len(t.Key)):
			t.Key, t.KeyOf = key, index
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the indexes: %w", err)
	}
	return nil
}

// key are the columns of an index if none of them may be NULL.
func (d *details) key(oid uint32, numbers []int16) []string {
	var key []string
	for _, number := range numbers {
		c := d.column(oid, number)
		if c == nil || !c.NotNull {
			return nil
		}
		key = append(key, c.Name)
	}
	return key
}

func (d *details) readStatistics(ctx context.Context, tx pgx.Tx) error {
	type limited struct {
		*discover.Column
		limits
	}
	at := map[[3]string]limited{}
	schemas, tables, names := []string{}, []string{}, []string{}
	for _, oid := range d.oids {
		t := &d.byOID[oid].table
		for i, detail := range d.columns[oid] {
			if c := &t.Columns[i]; detail.limits != (limits{}) {
				schemas, tables, names = append(schemas, t.Schema), append(tables, t.Name), append(names, c.Name)
				at[[3]string{t.Schema, t.Name, c.Name}] = limited{c, detail.limits}
			}
		}
	}
	rows, _ := tx.Query(ctx, statistics, schemas, tables, names)
	var schema, table, column string
	var nulls float64
	var values, shapes bool
	_, err := pgx.ForEachRow(rows, []any{&schema, &table, &column, &nulls, &values, &shapes}, func() error {
		// A table with others below it has two rows, without and with them.
		c := at[[3]string{schema, table, column}]
		c.Nulls = max(c.Nulls, nulls)
		c.OutOfRange = c.OutOfRange || c.ofValues && values || c.ofShapes && shapes
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the statistics: %w", err)
	}
	return nil
}

// abbreviated lists names, and says how many more there are: a table may have 1,600 columns.
func abbreviated(names []string) string {
	const most = 5
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}
