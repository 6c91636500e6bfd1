package catalog

//go:generate go run ./generate -root ../..

import (
	"fmt"
	"reflect"
	"slices"
)

// entryKeys declare the keys of an entry, and of Defaults, in the order in
// which they are documented. To add one, add a line here and a field to Table,
// then run `make generate`.
var entryKeys = declare[Table](
	&Key{
		Name: "SourceTable", Required: true, Argument: "source_table", kind: tableKind,
		Help:     "The table to land.",
		More:     "See [Names of tables](#names-of-tables).",
		Examples: []any{"hr.employees", `"my.schema".orders`},
	},
	&Key{
		Name: "WorkflowName", Absent: "`<catalog>_<schema>_<table>`", kind: workflowNameKind,
		Help:     "The name of the Glue workflow, unique in the account and Region. It contains printable characters, no `/` or `:`, and no space at either end. Default: `<catalog>_<schema>_<table>`, where `_` replaces every character except letters, digits, `_`, `.` and `-`.",
		Examples: []any{"hr_hr_employees"},
	},
	&Key{
		Name: "SecretName", Required: true, Argument: "secret_name", kind: secretKind,
		Help:     "The Secrets Manager secret with the address and the login of the database: `host`, `port`, `dbname`, `username`, `password`.",
		Examples: []any{"landfall/hr"},
	},
	&Key{
		Name: "NetworkConnectionName", Default: "", kind: connectionKind,
		Help:     "The Glue connection of type `NETWORK` through which the job connects to the database. `\"\"`: none.",
		Examples: []any{"people-db-vpc"},
	},
	&Key{
		Name: "GlueExecutionRole", Absent: "the stack's job role", kind: roleKind,
		Help:     "The IAM role of the job, such as `arn:aws:iam::123456789012:role/landing-job`.",
		Examples: []any{"arn:aws:iam::123456789012:role/landing-job"},
	},
	&Key{
		Name: "DestinationBucketName", Absent: "the stack's raw bucket", Argument: "destination_bucket", kind: bucketKind,
		Help:     "The destination bucket. The table lands in `s3://<bucket>/<database>/<schema.table>/`. Write the name only, without `s3://`.",
		Examples: []any{"raw-layer-123456789012-eu-west-1"},
	},
	&Key{
		Name: "DestinationFileFormat", Default: Parquet, Argument: "file_format", kind: choice("no other format is supported", Parquet),
		Help: "The file format.",
	},
	&Key{
		Name: "DestinationFileCount", Absent: "the job decides", Argument: "file_count", kind: integerOrEmpty(1, 10000),
		Help: "The number of files per load. `\"\"`: the job decides.",
	},
	&Key{
		Name: "DestinationFileSizeMB", Default: 256, Argument: "file_mb", kind: integer(1, 4096),
		Help: "The approximate size of a file. `DestinationFileCount` overrides it.",
	},
	&Key{
		Name: "LoadType", Default: Incremental, Argument: "load_type", kind: choice("", Full, Incremental),
		Help: "`Full` lands the whole table in each load. `Incremental` lands the rows that are new or changed since the last load, according to `DeltaColumnName`.",
	},
	&Key{
		Name: "DeltaColumnName", Default: Columns{"updated_at"}, Argument: "delta_column", kind: cursorKind,
		Help:     "The cursor: a column whose value increases with every change of a row. With a list, `[\"updated_at\", \"created_at\"]`, the cursor is the first value that is not NULL. Ignored with `Full`.",
		Examples: []any{"updated_at", []string{"updated_at", "created_at"}},
	},
	&Key{
		Name: "NullCursor", Default: Fail, Argument: "null_cursor", kind: choice("", Fail, Include, FullOnly),
		Help: "What happens to rows whose cursor is NULL or infinite. `Fail`: the load fails. `Include`: every load checks them and lands those that are new or changed; needs `PrimaryKey`. `FullOnly`: they land only when the whole table is read, with the first batch and after a reset.",
	},
	&Key{
		Name: "LookbackSeconds", Default: 0, Argument: "lookback_seconds", kind: integer(0, 31536000),
		Help: "How many seconds before the watermark each load reads again, to find rows whose cursor was set to an earlier time. A value above 0 needs `PrimaryKey`.",
	},
	&Key{
		Name: "LagSeconds", Default: 600, Argument: "lag_seconds", kind: integer(0, 86400),
		Help: "How many seconds earlier a load window ends if the job cannot see the open transactions.",
		More: "See [Timestamps](guarantees.md#timestamps).",
	},
	&Key{
		Name: "S3PartitionColumnName", Default: "", Argument: "partition_column", kind: partitionKind,
		Help: "The column by whose values the job puts the files into folders. Floats, bytes and lists are not allowed. The name `batch` is reserved. `\"\"`: none.",
		More: "Needs more memory: see [Resources](guarantees.md#resources).",
	},
	&Key{
		Name: "PrimaryKey", Argument: "primary_key", kind: primaryKeyKind,
		Help:     "The columns of the primary key: `[\"employee_id\", \"start_date\"]` or `\"employee_id, start_date\"`. Use the list if a column has a comma in its name.",
		Examples: []any{[]string{"employee_id", "start_date"}, "employee_id, start_date"},
	},
	&Key{
		Name: "DetectDeletes", Default: false, Argument: "detect_deletes", kind: boolean,
		Help: "`true`: an `Incremental` load also finds rows that were deleted from the source, and publishes tombstones for them. Needs `PrimaryKey`.",
	},
	&Key{
		Name: "DeleteLimitPercent", Default: 20, Argument: "delete_limit_percent", kind: integer(0, 100),
		Help: "The largest share of the landed keys that one load may find deleted. If more are missing, the load fails.",
	},
	&Key{
		Name: "SchemaEvolution", Default: Evolve, Argument: "schema_evolution", kind: choice("", Evolve, Freeze),
		Help: "`Evolve` lands changed columns. `Freeze` fails the load if the columns have changed.",
		More: "See [When columns change](guarantees.md#when-columns-change).",
	},
	&Key{
		Name: "CompareRows", Default: Sample, Argument: "compare_rows", kind: choice("", Sample, All),
		Help: "Which rows a load compares with the text form that the database prints: 10,000 random rows of each split, or all rows.",
		More: "See [Checks before a batch is published](guarantees.md#checks-before-a-batch-is-published).",
	},
	&Key{
		Name: "Types", Absent: "exact, or text", Argument: "types", kind: typesKind,
		Help:     "Policies for values that have no exact type in Parquet.",
		More:     "See [Types and columns](#types-and-columns).",
		Examples: []any{map[string]string{"NumericUnbounded": "Decimal(38,10)"}},
	},
	&Key{
		Name: "Columns", Argument: "columns", kind: columnsKind,
		Help:     "Policies and rules for single columns.",
		More:     "See [Types and columns](#types-and-columns).",
		Examples: []any{object{{"email", object{{"Rule", Hash}}}, {"salary", object{{"Rule", Drop}}}}},
	},
	&Key{
		Name: "MaxConnections", Default: 4, Argument: "max_connections", kind: integer(1, 64),
		Help: "The number of connections to the database that one job run opens.",
	},
	&Key{
		Name: "JobScheduleType", Default: OnDemand, kind: choice("", OnDemand, Cron),
		Help: "`Cron`: `ScheduleCronPattern` starts the workflow. `OnDemand`: the workflow starts only when you start it.",
	},
	&Key{
		Name: "ScheduleCronPattern", Default: "10 21 * * ? *", kind: cronKind,
		Help:     "When the workflow starts.",
		More:     "See [Schedules](#schedules).",
		Examples: []any{"10 21 * * ? *", "0/30 6-20 ? * MON-FRI *"},
	},
	&Key{
		Name: "Enabled", Default: true, PlannerOnly: true, kind: boolean,
		Help: "`false`: the workflow stays but has no schedule. You can still start it manually.",
	},
	&Key{
		Name: "Engine", Default: Spark, Argument: "engine", kind: choice("", Spark, PythonShell),
		Help: "What reads the table. `PythonShell` does not start a cluster, so it is faster and cheaper for most tables.",
		More: "See the note in [aws.md](aws.md) before you use it on AWS.",
	},
	&Key{
		Name: "MaxCapacity", Default: 0.0625, kind: capacityKind,
		Help: "The DPU of a Python shell job: `0.0625` has 1 GB of memory, `1` has 16 GB. Ignored with `Spark`.",
	},
	&Key{
		Name: "NumberOfWorkers", Default: 2, kind: integer(2, 299),
		Help: "The number of Glue workers of a Spark job.",
	},
	&Key{
		Name: "WorkerType", Default: WorkerG1X, kind: choice("Glue's blueprint library accepts no other", WorkerG1X, WorkerG2X),
		Help: "The size of a worker of a Spark job. Glue's blueprint library accepts only these two.",
	},
	&Key{
		Name: "TimeoutMinutes", Default: 480, kind: integer(1, 10080),
		Help: "The number of minutes after which Glue stops a job run.",
	},
	&Key{
		Name: "MaxRetries", Default: 0, kind: integer(0, 10),
		Help: "How many times Glue retries a failed job run.",
	},
	&Key{
		Name: "Tags", kind: tagsKind,
		Help:     "Tags of the workflow and the job, at most 48: `{ \"team\": \"people\" }`. Names have up to 128 characters and values up to 256: letters, digits, spaces and `_ . : / = + - @`. Names that begin with `aws:` or `landfall:` are reserved.",
		Examples: []any{map[string]string{"team": "people"}},
	},
	&Key{
		Name: "BlueprintParameters", PlannerOnly: true, kind: blueprintParametersKind,
		Help:     "Parameters of a custom blueprint beyond Landfall's own. Those of `Defaults` and of the entry are merged.",
		More:     "See [Custom blueprints](custom-blueprints.md).",
		Examples: []any{map[string]string{"ReportTable": "daily_sales"}},
	},
)

// topKeys declare the keys of the catalog itself, in the order in which they are documented.
var topKeys = declare[Catalog](
	&Key{
		Name: "$schema", kind: kind{form: "anything"},
		Help: "For editors; Landfall does not read it.",
	},
	&Key{
		Name: "Prune", Default: false, kind: boolean,
		Help: "What happens to the workflow of a table that is no longer listed. `true`: Landfall deletes it. `false`: Landfall keeps it and reports it as an orphan.",
		More: "Landfall deletes only workflows that this catalog [owns](deployment.md#ownership). Landed data stays.",
	},
	&Key{
		Name: "PruneLimitPercent", Default: 20, kind: jsonInteger(0, 100),
		Help: "The largest share of the catalog's workflows that one execution may delete. One deletion is always allowed. If more workflows would be deleted, Landfall deletes none, so that an incomplete file does not delete many workflows. To override the limit for one execution, start the state machine with `{\"catalog\": \"catalogs/hr.json\", \"pruneLimitPercent\": 100}`.",
	},
	&Key{
		Name: "PruneRunning", Default: Wait, kind: choice("", Wait, Stop),
		Help: "What happens if a workflow that must be deleted is running. `Wait`: Landfall waits until it has ended. `Stop`: Landfall stops it.",
	},
	&Key{
		Name: "Adopt", Default: false, kind: boolean,
		Help: "`true`: Landfall takes over workflows that have the same names, were created by a blueprint, and have no owner, such as those of the AWS sample. It updates them in place: job names and run history stay.",
	},
	&Key{
		Name: "Blueprint", Absent: "Landfall's own", kind: userBlueprintKind,
		Help:     "The key of your own blueprint in the artifacts bucket.",
		More:     "See [Custom blueprints](custom-blueprints.md).",
		Examples: []any{"blueprints/two-step.zip"},
	},
	&Key{
		Name: "BucketOwners", kind: bucketOwnersKind,
		Help:     "Other accounts that destination buckets may belong to, in addition to the account of the stack.",
		Examples: []any{[]string{"123456789012"}},
	},
	&Key{
		Name: "Defaults", kind: kind{form: "object", schema: object{{"$ref", "#/$defs/keys"}}},
		Help: "Values for all entries; an entry's own value wins.",
		More: "See [Defaults](#defaults).",
	},
	&Key{
		Name: "WorkflowList", Required: true,
		Help: "The tables, one entry each.",
		kind: kind{form: "list, not empty", schema: object{{"type", "array"}, {"minItems", 1}, {"items", object{{"$ref", "#/$defs/keys"}}}}},
	},
)

// aliases are other names of keys. The first is in the catalogs that the AWS
// sample publishes, the second in its generator.
var aliases = map[string]string{
	"TransactionTimestampColumnName": "DeltaColumnName",
	"delta_col_name":                 "DeltaColumnName",
}

// maxKeys is how many keys a set of bits holds.
const maxKeys = 64

// declare numbers keys and finds their fields in Table or Catalog.
func declare[T any](keys ...*Key) []*Key {
	for i, k := range keys {
		k.index, k.bit = i, 1<<i
		if k.kind.read == nil {
			continue
		}
		field, ok := reflect.TypeFor[T]().FieldByName(k.Name)
		if !ok {
			panic(fmt.Sprintf("key %s is declared, and %s has no field of that name", k.Name, reflect.TypeFor[T]()))
		}
		if k.Default != nil && !reflect.TypeOf(k.Default).AssignableTo(field.Type) {
			panic(fmt.Sprintf("key %s: the default is a %T, and the field of %s is a %s", k.Name, k.Default, reflect.TypeFor[T](), field.Type))
		}
		k.field = field.Index
	}
	return keys
}

// keysByName finds the key of an entry by its name or an alias, topKeysByName one of the catalog.
var (
	keysByName    = byName(entryKeys, aliases)
	topKeysByName = byName(topKeys, nil)
)

func byName(keys []*Key, aliases map[string]string) map[string]*Key {
	named := map[string]*Key{}
	for _, k := range keys {
		named[k.Name] = k
	}
	for alias, name := range aliases {
		named[alias] = named[name]
	}
	return named
}

// KeyNamed is the key of an entry by its name or an old name; nil when there is none.
func KeyNamed(name string) *Key { return keysByName[name] }

// EntryKeys are the keys of an entry in the order of the documentation.
func EntryKeys() []*Key { return slices.Clone(entryKeys) }

// TopKeys are the keys of the catalog itself in the order of the documentation.
func TopKeys() []*Key { return slices.Clone(topKeys) }
