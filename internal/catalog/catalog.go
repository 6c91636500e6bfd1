// Package catalog reads catalogs: JSON files that say which tables are landed and how.
//
// A catalog is checked completely before it is used: Parse returns every problem
// of a catalog at once, each with its JSON path and position, or a Catalog in
// which every value is resolved and valid.
package catalog

// Values of keys that allow a few.
const (
	Full        = "Full"
	Incremental = "Incremental"

	OnDemand = "OnDemand"
	Cron     = "Cron"

	WorkerG1X = "G.1X"
	WorkerG2X = "G.2X"

	Parquet = "parquet"

	Spark       = "Spark"
	PythonShell = "PythonShell"

	// Values of Table.NullCursor; Fail is one of Table.Types too.
	Fail     = "Fail"
	Include  = "Include"
	FullOnly = "FullOnly"

	Evolve = "Evolve"
	Freeze = "Freeze"

	Sample = "Sample"
	All    = "All"

	// Values of Rule in Table.Columns.
	Drop = "Drop"
	Hash = "Hash"
	Mask = "Mask"

	// Values of Catalog.PruneRunning.
	Wait = "Wait"
	Stop = "Stop"
)

// Catalog is one parsed, validated catalog with its Defaults resolved.
type Catalog struct {
	// Name is the catalog's file name without .json.
	Name string
	// Prune says that workflows of this catalog are deleted when their table is no longer listed.
	Prune bool
	// PruneLimitPercent is the largest share of the catalog's workflows that one execution may delete.
	PruneLimitPercent int
	// PruneRunning is Wait or Stop: what happens to a workflow that is running when it is to be deleted.
	PruneRunning string
	// Adopt says that workflows that a blueprint made and that have no owner are taken over.
	Adopt bool
	// Blueprint is the key of a user's blueprint ZIP in the artifacts bucket; empty for the shipped blueprint.
	Blueprint string
	// BucketOwners are accounts, besides the stack's own, that destination buckets may belong to.
	BucketOwners []string
	// Tables holds one table per entry, in the order of the file. It is never empty.
	Tables []Table
	// Warnings do not prevent a deployment.
	Warnings []Problem
}

// Table is one entry of a catalog, every value resolved: what the entry says,
// else what Defaults says, else the default. Its JSON form is a catalog entry
// again.
type Table struct {
	WorkflowName string
	// GlueExecutionRole is a role's name or ARN. It is empty only when neither the
	// catalog nor the StackDefaults names one.
	GlueExecutionRole string `json:",omitempty"`
	// NetworkConnectionName is empty when the job needs no connection.
	NetworkConnectionName string
	// SecretName is the name or the ARN of the secret with the database's address and login.
	SecretName string
	// SourceTable is schema.table in canonical form: a part is double-quoted only
	// when it must be. SplitTable takes it apart.
	SourceTable string
	// DestinationBucketName is empty only when neither the catalog nor the StackDefaults names one.
	DestinationBucketName string `json:",omitempty"`
	DestinationFileFormat string
	// DestinationFileCount is the number of files per load; 0 lets the job decide.
	DestinationFileCount int `json:",omitempty"`
	// DestinationFileSizeMB is the target size of files when DestinationFileCount is 0.
	DestinationFileSizeMB int
	// DeltaColumnName is the cursor. Of several columns, the first that is not NULL counts.
	DeltaColumnName Columns
	// NullCursor is Fail, Include or FullOnly: how to treat rows whose cursor is NULL.
	NullCursor string
	// LookbackSeconds is how far before the end of the last load window each one begins.
	LookbackSeconds int
	// LagSeconds is how far a load window stays behind the present where open transactions cannot be seen.
	LagSeconds            int
	S3PartitionColumnName string
	LoadType              string
	// PrimaryKey is nil when the catalog names no key.
	PrimaryKey []string `json:",omitempty"`
	// DetectDeletes says that incremental loads look for deleted keys.
	DetectDeletes bool
	// DeleteLimitPercent is the largest share of the landed keys that one load may find deleted.
	DeleteLimitPercent int
	// SchemaEvolution is Evolve or Freeze.
	SchemaEvolution string
	// CompareRows is Sample or All: which rows a load compares with the text that the database shows.
	CompareRows string
	// Types are policies for values that have no exact type in Parquet, by name; nil when none is given.
	Types map[string]string `json:",omitempty"`
	// Columns are policies, Rule and MaskWith by column; nil when there are none.
	Columns map[string]map[string]string `json:",omitempty"`
	// MaxConnections is how many connections to the database one job run opens.
	MaxConnections int
	// JobScheduleType is what the catalog says, also for a table that is not Enabled.
	JobScheduleType string
	// ScheduleCronPattern has AWS's six fields without cron( ); it is used only when JobScheduleType is Cron.
	ScheduleCronPattern string
	// Engine is Spark or PythonShell.
	Engine string
	// MaxCapacity is the DPU of a Python shell job, 0.0625 or 1; NumberOfWorkers and WorkerType are those of a Spark job.
	MaxCapacity     float64
	NumberOfWorkers int
	WorkerType      string
	TimeoutMinutes  int
	MaxRetries      int
	// Tags is nil when there are none.
	Tags map[string]string `json:",omitempty"`
	// BlueprintParameters are parameters of a user's blueprint beyond Landfall's own; nil when there are none.
	BlueprintParameters map[string]any `json:",omitempty"`
	// Enabled is false for a table whose workflow has no schedule.
	Enabled bool
}

// StackDefaults are the values that the deployed stack supplies for keys that an
// entry leaves out. The zero value supplies nothing and requires nothing: it is
// for checking a catalog offline.
type StackDefaults struct {
	GlueExecutionRole     string
	DestinationBucketName string
}

// table is a table of which the catalog says nothing.
func (d StackDefaults) table() Table {
	t := Table{GlueExecutionRole: d.GlueExecutionRole, DestinationBucketName: d.DestinationBucketName}
	setDefaults(&t, entryKeys)
	return t
}

// Parse reads and checks a catalog. The name is the file's without .json; derived
// workflow names begin with it. The error, when there is one, is
// an *InvalidError with all problems of the catalog.
func Parse(name string, data []byte, d StackDefaults) (*Catalog, error) {
	p := newParser(name, data, d)
	p.parse()
	if p.problems.total > 0 {
		return nil, &InvalidError{Name: name, Problems: p.problems.sorted(), More: p.problems.total - len(p.problems.list)}
	}
	p.catalog.Warnings = p.warnings.sorted()
	return p.catalog, nil
}
