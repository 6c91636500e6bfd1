package catalog

import (
	"fmt"
	"maps"
	"slices"
)

// crossfield checks keys whose meaning depends on other keys.
func (p *parser) crossfield(e *entry, path string) {
	p.needsKey(e, path)
	p.ruledOut(e, path)
	t := &e.table
	if t.LoadType == Full && !e.has(e.bad, "LoadType") {
		p.noEffect(e, path, "LoadType is Full", "NullCursor", "LookbackSeconds", "DetectDeletes")
	}
	switch {
	case e.has(e.bad, "Engine"):
	case t.Engine == PythonShell:
		p.noEffect(e, path, "Engine is PythonShell", "NumberOfWorkers", "WorkerType")
	default:
		p.noEffect(e, path, "Engine is Spark", "MaxCapacity")
	}
}

// needsKey refuses keys that identify rows by a primary key, when the entry has none.
func (p *parser) needsKey(e *entry, path string) {
	t := &e.table
	if len(t.PrimaryKey) > 0 || t.LoadType == Full || e.has(e.bad, "PrimaryKey") || e.has(e.bad, "LoadType") {
		return
	}
	for _, need := range []struct {
		key, is string
		it      bool
	}{
		{"NullCursor", "is Include", t.NullCursor == Include},
		{"LookbackSeconds", fmt.Sprintf("is %d", t.LookbackSeconds), t.LookbackSeconds > 0},
		{"DetectDeletes", "is true", t.DetectDeletes},
	} {
		if need.it && !e.has(e.bad, need.key) {
			p.problem(p.offsetOf(e, need.key), path+"."+need.key, need.is+", which requires PrimaryKey", "give the columns of the table's key in PrimaryKey")
		}
	}
}

// ruledOut refuses rules for columns whose values the landing needs.
func (p *parser) ruledOut(e *entry, path string) {
	t := &e.table
	for _, name := range slices.Sorted(maps.Keys(t.Columns)) {
		rule, role, todo := t.Columns[name]["Rule"], "", ""
		switch {
		case rule == "":
			continue
		case slices.Contains(t.PrimaryKey, name) && rule != Hash:
			role, todo = "PrimaryKey, which identifies rows", "set the rule to Hash: hashed values identify rows as well"
		case slices.Contains(t.DeltaColumnName, name) && t.LoadType == Incremental:
			role, todo = "DeltaColumnName, whose values bound the load windows", "name another column there, or set LoadType to Full"
		case name == t.S3PartitionColumnName:
			role, todo = "S3PartitionColumnName, whose values name folders", "name another column there"
		default:
			continue
		}
		p.problem(p.offsetOf(e, "Columns"), joinPath(path+".Columns", name)+".Rule", fmt.Sprintf("is %s, but the column is in %s", rule, role), todo)
	}
}

// noEffect warns of keys of the entry itself that another key turns off.
func (p *parser) noEffect(e *entry, path, because string, names ...string) {
	for _, name := range names {
		if e.has(e.own, name) && !e.has(e.bad, name) {
			p.warn(p.offsetOf(e, name), path+"."+name, e.table.SourceTable, "has no effect: "+because, "leave it out")
		}
	}
}
