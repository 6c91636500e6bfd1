package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
)

// name is a table's in a catalog.
func name(t Table) string { return catalog.JoinTable(t.Schema, t.Name) }

// describe reads the columns of the relations and all that concerns them.
func (l *look) describe(ctx context.Context, found []relation) error {
	d := &details{byOID: map[uint32]*relation{}, numbers: map[uint32][]int16{}, denied: map[uint32][]string{}}
	for i := range found {
		d.oids = append(d.oids, found[i].oid)
		d.byOID[found[i].oid] = &found[i]
		if !found[i].rewritten {
			d.settled = append(d.settled, found[i].oid)
		}
	}
	for _, read := range []func(context.Context, pgx.Tx) error{d.readTypes, d.readColumns, d.readIndexes, d.readTriggers, d.readStatistics} {
		if err := read(ctx, l.tx); err != nil {
			return err
		}
	}
	for _, r := range found {
		if reason, unreadable := d.unfit(r); reason != "" {
			l.leaveOut(r.table, reason, unreadable)
			continue
		}
		l.database.Tables = append(l.database.Tables, r.table)
	}
	slices.SortFunc(l.database.LeftOut, func(a, b LeftOut) int { return strings.Compare(a.Table, b.Table) })
	return nil
}

// details are what the statements say of relations, until it is put together.
type details struct {
	oids, settled []uint32
	byOID         map[uint32]*relation
	types         map[uint32]typeRow
	numbers       map[uint32][]int16 // of the columns, in their order
	denied        map[uint32][]string
}

// column is the one of this number; nil for an expression or a system column.
func (d *details) column(oid uint32, number int16) *Column {
	if i := slices.Index(d.numbers[oid], number); i >= 0 {
		return &d.byOID[oid].table.Columns[i]
	}
	return nil
}

func (d *details) readColumns(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, columns, d.oids, d.settled)
	var oid, typeOID uint32
	var number int16
	var c Column
	var modifier, dimensions int32
	var readable bool
	_, err := pgx.ForEachRow(rows, []any{&oid, &number, &c.Name, &c.Type, &typeOID, &modifier, &dimensions, &c.NotNull, &readable, &c.Default}, func() error {
		c.Nulls = -1
		c.Moment, c.Unbounded, c.Unknown, c.mayBeOdd = d.classify(typeOID, modifier, dimensions)
		if !readable {
			d.denied[oid] = append(d.denied[oid], c.Name)
		}
		t := &d.byOID[oid].table
		t.Columns = append(t.Columns, c)
		d.numbers[oid] = append(d.numbers[oid], number)
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
	at := map[[3]string]*Column{}
	schemas, tables, names := []string{}, []string{}, []string{}
	for _, oid := range d.oids {
		t := &d.byOID[oid].table
		for i := range t.Columns {
			if c := &t.Columns[i]; c.mayBeOdd != (odd{}) {
				schemas, tables, names = append(schemas, t.Schema), append(tables, t.Name), append(names, c.Name)
				at[[3]string{t.Schema, t.Name, c.Name}] = c
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
		c.Odd = c.Odd || c.mayBeOdd.value && values || c.mayBeOdd.shape && shapes
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the statistics: %w", err)
	}
	return nil
}

// ingestion is the column that landing adds.
const ingestion = "ingestion_timestamp"

// unfit says why a table that was found cannot be landed as it is.
func (d *details) unfit(r relation) (reason string, unreadable bool) {
	switch denied := d.denied[r.oid]; {
	case len(denied) == 0:
	case len(denied) == len(r.table.Columns):
		return "the login may not read it: GRANT SELECT", true
	default:
		return "the login may not read the columns " + some(denied) + ": GRANT SELECT on the whole table, or add an entry with the rule Drop for them", true
	}
	if len(r.table.Columns) == 0 {
		return "it has no columns", false
	}
	seen := map[string]string{}
	for _, c := range r.table.Columns {
		lower := strings.ToLower(c.Name)
		if lower == ingestion {
			return "it has a column " + c.Name + " of its own, which landing would add", false
		}
		if earlier, ok := seen[lower]; ok {
			return "its columns " + earlier + " and " + c.Name + " differ in case only, which readers cannot tell apart", false
		}
		seen[lower] = c.Name
	}
	return "", false
}

// some are names, and how many more there are: a table may have 1,600 columns.
func some(names []string) string {
	const most = 5
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}
