package discover

import (
	"fmt"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// Proposal is what the catalog is to say of one table, and why. Empty fields are the catalog's defaults.
type Proposal struct {
	Table      string   `json:"table"`
	Kind       string   `json:"kind"`
	Bytes      int64    `json:"bytes"`
	Rows       int64    `json:"rows"` // -1: not known
	LoadType   string   `json:"loadType"`
	Cursor     []string `json:"cursor,omitempty"`
	NullCursor string   `json:"nullCursor,omitempty"`
	Key        []string `json:"key,omitempty"`
	Engine     string   `json:"engine"`
	// Capacity is the DPU of a Python shell job, Workers are those of a Spark job.
	Capacity    float64 `json:"capacity,omitempty"`
	Workers     int     `json:"workers,omitempty"`
	Connections int     `json:"connections,omitempty"`
	// Policies are by column.
	Policies map[string]map[string]string `json:"policies,omitempty"`
	Why      []string                     `json:"why"`

	schema, name string
}

// Sizes up to which a table is read by a Python shell job with 1/16 DPU, by one with 1 DPU, and by a Spark job of the
// smallest size.
const (
	small  = 1 << 30
	medium = 20 << 30
	large  = 100 << 30
)

// Propose decides for one table.
func Propose(t Table) Proposal {
	p := Proposal{Table: t.SourceTable(), Kind: t.Kind, Bytes: t.Bytes, Rows: t.Rows, LoadType: catalog.Full, Key: t.Key, schema: t.Schema, name: t.Name}
	p.load(t)
	p.size(t)
	if t.Below == 1 {
		p.why("1 partition or table below it")
	} else if t.Below > 1 {
		p.why("%d partitions or tables below it", t.Below)
	}
	switch {
	case t.KeyOf != "":
		p.why("no primary key: the key is that of the unique index %s", t.KeyOf)
	case len(t.Key) == 0 && p.LoadType == catalog.Incremental:
		p.why("no key")
	}
	for _, c := range t.Columns {
		p.policy(c)
	}
	return p
}

func (p *Proposal) why(format string, args ...any) {
	p.Why = append(p.Why, fmt.Sprintf(format, args...))
}

// load chooses between whole loads and those of what changed.
func (p *Proposal) load(t Table) {
	switch t.Kind {
	case ForeignTable:
		p.why("a foreign table: the transactions open on its server cannot be seen")
		return
	case View, MaterializedView:
		p.why("a %s: rows may appear in it with an old cursor", t.Kind)
		return
	}
	found, reason := cursorOf(t)
	if found == nil {
		p.why("%s", reason)
		return
	}
	p.LoadType, p.Cursor, p.NullCursor = catalog.Incremental, found.columns, found.nulls
	p.why("%s: %s", found.columns[0], strings.Join(found.why, ", "))
}

// size chooses the engine.
func (p *Proposal) size(t Table) {
	p.Engine = catalog.PythonShell
	switch {
	case t.Bytes <= small:
		p.Capacity = 0.0625
	case t.Bytes <= medium:
		p.Capacity = 1
	default:
		p.Engine = catalog.Spark
		if t.Bytes > large {
			// A worker more for every 100 GB, and twice the connections that are the default.
			p.Workers, p.Connections = int(min(2+t.Bytes/large, 10)), 8
		}
		if p.LoadType == catalog.Full {
			p.why("every load reads the whole table: an indexed column that says when a row changed would avoid that")
		}
	}
}

// policy names a column whose values have no exact type, so that the choice is seen and can be made otherwise.
func (p *Proposal) policy(c Column) {
	set := func(key, why string) {
		if p.Policies == nil {
			p.Policies = map[string]map[string]string{}
		}
		if p.Policies[c.Name] == nil {
			p.Policies[c.Name] = map[string]string{}
		}
		p.Policies[c.Name][key] = "Text"
		p.why("%s (%s) %s", c.Name, c.Type, why)
	}
	if c.Unbounded {
		set("NumericUnbounded", "has no decimal type that holds it for certain: as text")
	}
	if c.Unknown {
		set("UnknownTypes", "is of a type that Landfall does not know: as text")
	}
	if c.OutOfRange {
		set("OutOfRange", "holds values that its Parquet type cannot: as text")
	}
}
