package catalog

import (
	"fmt"
	"maps"
	"slices"
)

// key is one key of an entry: how its value is checked and where it goes.
type key struct {
	name string
	// required keys must be given by the entry or by Defaults.
	required bool
	set      func(p *parser, t *Table, v value, path string)
	// index is the key's place in entryKeys and in entry.at, bit its bit in a set of keys.
	index int
	bit   uint64
}

// maxKeys is how many keys a set of bits holds.
const maxKeys = 64

// entryKeys are the keys of an entry, and of Defaults, in the order in which they are documented.
var entryKeys = []*key{
	{name: "SourceTable", required: true, set: text(sourceTable, func(t *Table) *string { return &t.SourceTable })},
	{name: "WorkflowName", set: text(workflowName, func(t *Table) *string { return &t.WorkflowName })},
	{name: "SecretName", required: true, set: text(secretName, func(t *Table) *string { return &t.SecretName })},
	{name: "NetworkConnectionName", set: text(connectionName, func(t *Table) *string { return &t.NetworkConnectionName })},
	{name: "GlueExecutionRole", set: text(role, func(t *Table) *string { return &t.GlueExecutionRole })},
	{name: "DestinationBucketName", set: text(bucket, func(t *Table) *string { return &t.DestinationBucketName })},
	{name: "DestinationFileFormat", set: choice([]string{Parquet}, "no other format is supported", func(t *Table) *string { return &t.DestinationFileFormat })},
	{name: "DestinationFileCount", set: whole(1, 10000, true, func(t *Table) *int { return &t.DestinationFileCount })},
	{name: "DestinationFileSizeMB", set: whole(1, 4096, false, func(t *Table) *int { return &t.DestinationFileSizeMB })},
	{name: "LoadType", set: choice([]string{Full, Incremental}, "", func(t *Table) *string { return &t.LoadType })},
	{name: "DeltaColumnName", set: (*parser).deltaColumn},
	{name: "NullCursor", set: choice([]string{Fail, Include, FullOnly}, "", func(t *Table) *string { return &t.NullCursor })},
	{name: "LookbackSeconds", set: whole(0, 31536000, false, func(t *Table) *int { return &t.LookbackSeconds })},
	{name: "LagSeconds", set: whole(0, 86400, false, func(t *Table) *int { return &t.LagSeconds })},
	{name: "S3PartitionColumnName", set: text(partitionColumn, func(t *Table) *string { return &t.S3PartitionColumnName })},
	{name: "PrimaryKey", set: (*parser).primaryKey},
	{name: "DetectDeletes", set: func(p *parser, t *Table, v value, path string) { t.DetectDeletes = p.flag(v, path) }},
	{name: "DeleteLimitPercent", set: whole(0, 100, false, func(t *Table) *int { return &t.DeleteLimitPercent })},
	{name: "SchemaEvolution", set: choice([]string{Evolve, Freeze}, "", func(t *Table) *string { return &t.SchemaEvolution })},
	{name: "CompareRows", set: choice([]string{Sample, All}, "", func(t *Table) *string { return &t.CompareRows })},
	{name: "Types", set: (*parser).types},
	{name: "Columns", set: (*parser).columnRules},
	{name: "MaxConnections", set: whole(1, 64, false, func(t *Table) *int { return &t.MaxConnections })},
	{name: "JobScheduleType", set: choice([]string{OnDemand, Cron}, "", func(t *Table) *string { return &t.JobScheduleType })},
	{name: "ScheduleCronPattern", set: (*parser).schedule},
	{name: "Enabled", set: func(p *parser, t *Table, v value, path string) { t.Enabled = p.flag(v, path) }},
	{name: "Engine", set: choice([]string{Spark, PythonShell}, "", func(t *Table) *string { return &t.Engine })},
	{name: "MaxCapacity", set: (*parser).maxCapacity},
	{name: "NumberOfWorkers", set: whole(2, 299, false, func(t *Table) *int { return &t.NumberOfWorkers })},
	{name: "WorkerType", set: choice([]string{WorkerG1X, WorkerG2X}, "Glue's blueprint library accepts no other", func(t *Table) *string { return &t.WorkerType })},
	{name: "TimeoutMinutes", set: whole(1, 10080, false, func(t *Table) *int { return &t.TimeoutMinutes })},
	{name: "MaxRetries", set: whole(0, 10, false, func(t *Table) *int { return &t.MaxRetries })},
	{name: "Tags", set: (*parser).tags},
	{name: "BlueprintParameters", set: (*parser).blueprintParameters},
}

// aliases are other names of keys. The first is in the catalogs that the AWS
// sample publishes, the second in its generator.
var aliases = map[string]string{
	"TransactionTimestampColumnName": "DeltaColumnName",
	"delta_col_name":                 "DeltaColumnName",
}

// topKeys are the keys of the catalog itself.
var topKeys = map[string]bool{
	"$schema": true, "Prune": true, "PruneLimitPercent": true, "PruneRunning": true, "Adopt": true, "Blueprint": true,
	"BucketOwners": true, "Defaults": true, "WorkflowList": true,
}

// keysByName finds the key of a name or an alias.
var keysByName = func() map[string]*key {
	byName := map[string]*key{}
	for i, k := range entryKeys {
		k.index, k.bit = i, 1<<i
		byName[k.name], ownParameters[k.name] = k, true
	}
	for alias, name := range aliases {
		byName[alias], ownParameters[alias] = byName[name], true
	}
	return byName
}()

func mustKey(name string) *key { return keysByName[name] }

// entry is a table while its keys are read.
type entry struct {
	table Table
	// given are the bits of all keys that the entry or Defaults names, own those of the entry alone.
	given, own uint64
	// bad are the keys whose value is no good, here or in Defaults.
	bad uint64
	// suggested are keys that an unknown key was probably meant to be.
	suggested uint64
	// start is where the entry begins in the file.
	start int
	// at holds the members that own says are there.
	at [maxKeys]member
}

// keys reads the keys of an entry or of Defaults into e.
func (p *parser) keys(e *entry, v value, path string) {
	for m := range members(v) {
		k, ok := keysByName[m.name]
		if !ok {
			p.unknown(e, m, path)
			continue
		}
		at := path + "." + m.name
		if e.own&k.bit != 0 {
			earlier := e.at[k.index]
			if earlier.name == m.name {
				p.duplicateKey(m, at, earlier.nameAt)
			} else {
				p.problem(m.nameAt, at, fmt.Sprintf("is the same key as %s, which is given too", earlier.name), "keep "+k.name)
			}
			continue
		}
		e.at[k.index] = m
		if m.name != k.name {
			p.alias(m, at)
		}
		before := p.problems.total
		k.set(p, &e.table, m.value, at)
		e.given, e.own, e.bad = e.given|k.bit, e.own|k.bit, e.bad&^k.bit
		if p.problems.total > before {
			e.bad |= k.bit
		}
	}
}

// entry reads one entry on top of Defaults and adds its table.
func (p *parser) entry(v value, base entry, path string, index int) {
	e := base
	e.own, e.start = 0, v.at
	e.table.Tags, e.table.PrimaryKey = maps.Clone(base.table.Tags), slices.Clone(base.table.PrimaryKey)
	kept := len(p.problems.list)
	p.keys(&e, v, path)
	p.resolve(&e, path, index)
	if e.table.SourceTable != "" {
		for i := kept; i < len(p.problems.list); i++ {
			p.problems.list[i].Table = e.table.SourceTable
		}
	}
	if p.problems.total == 0 {
		p.catalog.Tables = append(p.catalog.Tables, e.table)
	}
}
